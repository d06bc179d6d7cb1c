import { randomBytes, randomUUID } from 'node:crypto';
import { MemorySecretRows } from '@provability-fabric/testkit';
import type { SecretOperation } from '../access/operations.ts';
import type { AuditTrail, SecretAccess } from '../audit.ts';
import { createInProcessInvalidations } from '../cache/in-process-invalidations.ts';
import { fixedSource, openProcess } from '../embedded/embedded.fixture.ts';
import { createInProcessLimits } from '../limits/in-process-limits.ts';
import type { SecretProvider } from '../provider.ts';
import { openSecrets, type SecretsOptions } from './open-secrets.ts';
import type { AccessEvent, Caller, Secrets } from './secrets.ts';

/** Records in memory; `failing` says for which the trail is down. */
class MemoryAudit implements AuditTrail {
  readonly records: SecretAccess[] = [];
  failing: (access: SecretAccess) => boolean = () => false;

  async record(access: SecretAccess): Promise<void> {
    // Durable means later: whoever does not wait for it is found out.
    await new Promise((resolve) => setImmediate(resolve));
    if (this.failing(access)) throw new Error('disk full');
    this.records.push(access);
  }

  /** What is on record, in short. */
  get told(): readonly string[] {
    return this.records.map(({ action, result, errorCode }) =>
      errorCode === undefined ? `${action} ${result}` : `${action} ${result} ${errorCode}`,
    );
  }
}

export function callerOf(role: string, part: Partial<Caller> = {}): Caller {
  return { tenant: 'acme', principal: 'alice', roles: [role], details: {}, ...part };
}

export const ADMIN = callerOf('secrets-admin');

export interface HouseOptions extends Partial<SecretsOptions> {
  /** Puts another provider in front of the embedded one. */
  readonly around?: (provider: SecretProvider) => SecretProvider;
  /** Of another house: a replica. */
  readonly rows?: MemorySecretRows;
}

/** The use cases over a real embedded provider, with a clock that tests move. */
export async function openSecretsHouse(options: HouseOptions = {}) {
  const rows = options.rows ?? new MemorySecretRows();
  const time = { now: 1_800_000_000_000 };
  const { provider } = await openProcess(rows, fixedSource(), () => time.now);
  const asked: string[] = [];
  const counted = new Proxy(provider as SecretProvider, {
    get(target, property) {
      const member: unknown = Reflect.get(target, property);
      if (typeof member !== 'function') return member;
      return (...args: readonly unknown[]) => {
        asked.push(String(property));
        return Reflect.apply(member, target, args) as unknown;
      };
    },
  });
  const audit = new MemoryAudit();
  const events: AccessEvent[] = [];
  const clock = () => time.now;
  const secrets = openSecrets({
    audit,
    limits: createInProcessLimits({ perPrincipal: 10_000, perTenant: 10_000, windowSeconds: 1, clock }),
    invalidations: createInProcessInvalidations(),
    clock,
    elapsed: clock,
    random: randomBytes,
    newId: randomUUID,
    onAccess: (event) => events.push(event),
    eraseTenant: (tenant) => provider.eraseTenant(tenant),
    ...options,
    provider: options.around?.(counted) ?? counted,
  });
  return { secrets, rows, audit, events, asked, time };
}

/** A provider whose methods are replaced, for faults that a real one does not show on demand. */
export function fakeFaulty(provider: SecretProvider, faults: Partial<SecretProvider>): SecretProvider {
  return new Proxy(provider, {
    get: (target, property) => Reflect.get(faults, property) ?? (Reflect.get(target, property) as unknown),
  });
}

/** The secret that tests ask for, which has two versions. */
export const DB = { tenant: 'acme', name: 'db/primary' };

export const USE = { field: null, tool: 'query', principal: 'agent-7', session: 's-1', certificateId: 'c-1' };

export type House = Awaited<ReturnType<typeof openSecretsHouse>>;

export async function openHouseWithSecret(): Promise<House> {
  const house = await openSecretsHouse();
  for (const v of ['1', '2']) await house.secrets.write(ADMIN, DB, { value: { v } });
  house.audit.records.length = 0;
  house.asked.length = 0;
  house.events.length = 0;
  return house;
}

export async function collect<T>(values: AsyncIterable<T>): Promise<readonly T[]> {
  const found: T[] = [];
  for await (const value of values) found.push(value);
  return found;
}

type Ask = (secrets: Secrets, caller: Caller, target: typeof DB) => Promise<unknown>;

/** Every use case, on one secret that has two versions. */
export const ASKS: Readonly<Record<Exclude<SecretOperation, 'audit' | 'rotate' | 'schedule'>, Ask>> = {
  read: (secrets, caller, target) => secrets.read(caller, target),
  mount: (secrets, caller, target) => secrets.mount(caller, target),
  write: (secrets, caller, target) => secrets.write(caller, target, { value: { v: '3' } }),
  list: (secrets, caller, { tenant }) => secrets.list(caller, tenant),
  describe: (secrets, caller, target) => secrets.describe(caller, target),
  compare: (secrets, caller, target) => secrets.compare(caller, target, 1, 2),
  rollback: (secrets, caller, target) => secrets.rollback(caller, target, 1),
  metadata: (secrets, caller, target) => secrets.changeMetadata(caller, target, { sensitivity: 'low' }),
  delete: (secrets, caller, target) => secrets.deleteVersions(caller, target),
  undelete: (secrets, caller, target) => secrets.undelete(caller, target, [1]),
  destroy: (secrets, caller, target) => secrets.destroy(caller, target, [1]),
  remove: (secrets, caller, target) => secrets.remove(caller, target),
  use: (secrets, caller, target) => secrets.use(caller, target, USE),
  fingerprint: (secrets, caller, target) => collect(secrets.liveValues(caller, target.tenant, target.name)),
};
