import type { Crypto, EnvelopeSigner } from '@provability-fabric/kernel';
import { RECORD_SESSION_LENGTH, type RecordChain, type RecordJournal } from '@provability-fabric/statements';
import type { AuditTrail, SecretAccess } from '../audit.ts';
import { SecretError } from '../errors.ts';
import { DistinctTimes } from './distinct-times.ts';
import type { AuditRows } from './ports.ts';
import { recordable } from './recordable-access.ts';
import { openTenantChain } from './tenant-chain.ts';

export interface AuditTrailOptions {
  readonly journal: RecordJournal;
  readonly rows: AuditRows;
  readonly crypto: Crypto;
  /** Of the evidence key: statements are signed when they are made. */
  readonly signer: EnvelopeSigner;
  /** Bytes of the operating system's generator. */
  readonly random: (length: number) => Uint8Array;
  /** The journal's own id: each log has chains of its own. */
  readonly logId: string;
  /** What statements call the provider. */
  readonly provider: string;
  /** So many accesses may be on their way at once, of all tenants; beyond it AUDIT_UNAVAILABLE at once. 8,192. */
  readonly most?: number;
  /** How many statements a session has before the next one begins. 1,024; for tests. */
  readonly sessionLength?: number;
}

/** Where accesses stand that were recorded: for metrics. */
export interface RunningAuditTrail extends AuditTrail {
  /** How many accesses are on their way. */
  readonly waiting: number;
  /** What is wrong, for an operator; empty when all is well. */
  health(): readonly string[];
  /** Refuses what comes from here on, and settles the rest. */
  close(): Promise<void>;
}

/**
 * Puts each access on record twice: as a signed statement in the tenant's chain, and as a row that names it. The order is
 * what the two say about each other, whatever fails or is killed in between: first the statement is durable, then its row
 * is written. So a row of ours never names a statement that is not there, and what is left of a failure is a statement
 * without a row: the access was refused, and is still on record. A row whose statement is nowhere was written by somebody
 * else.
 */
export function createAuditTrail(options: AuditTrailOptions): RunningAuditTrail {
  const { most = 8_192, sessionLength = RECORD_SESSION_LENGTH } = options;
  const problems = new Map<'statement' | 'row', string>();
  const chains = new Map<string, RecordChain<SecretAccess>>();
  const times = new DistinctTimes();
  let waiting = 0;
  let whenEmpty: (() => void) | undefined;
  let closed = false;

  function chainOf(tenant: string): RecordChain<SecretAccess> {
    const known = chains.get(tenant);
    if (known !== undefined) return known;
    // Kept as long as it has something to do: where it went on is in the journal.
    const chain = openTenantChain({
      ...options,
      tenant,
      sessionLength,
      idle: () => chains.delete(tenant),
      settled: (part, failure) => {
        if (failure === undefined) problems.delete(part);
        else problems.set(part, failure);
      },
    });
    chains.set(tenant, chain);
    return chain;
  }

  return {
    get waiting() {
      return waiting;
    },

    async record(given: SecretAccess) {
      if (closed) throw unavailable('accesses are not put on record any more: the service is closing');
      if (waiting >= most)
        throw unavailable(`expected fewer than ${most} accesses at once, came one more; try again`);
      const access = times.of(recordable(given));
      waiting += 1;
      try {
        await chainOf(access.tenant).append(access);
      } finally {
        waiting -= 1;
        if (waiting === 0) whenEmpty?.();
      }
    },

    health: () => [...problems.values()],

    async close() {
      closed = true;
      if (waiting === 0) return;
      await new Promise<void>((resolve) => {
        const before = whenEmpty;
        whenEmpty = () => {
          before?.();
          resolve();
        };
      });
    },
  };
}

function unavailable(message: string): SecretError {
  return new SecretError('AUDIT_UNAVAILABLE', message);
}
