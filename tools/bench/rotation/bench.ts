import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type AuditTrail,
  asSecretName,
  asSecretTenant,
  createEmbeddedProvider,
  openRotations,
  RootKeys,
  type Rotator,
  SecretError,
  type SecretPlace,
  systemClock,
  systemRandom,
} from '@provability-fabric/secrets';
import {
  type Database,
  openDatabase,
  openRotationStore,
  openSecretRows,
  startEmbeddedPostgres,
} from '@provability-fabric/storage';

const SECRETS = 1_000;
const FAILING = 0.05;
const REACH = 0.999;
const TENANT = asSecretTenant('acme');

/**
 * 1,000 secrets, each rotated once, sealed and kept in PostgreSQL, at a target that fails 5 % of its calls: half of those
 * before it has done them and half afterwards. False below 99.9 % that succeed, or where the target then accepts anything but
 * the current values.
 */
export async function run(): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'pf-bench-rotation-'));
  const postgres = await startEmbeddedPostgres({
    directory: join(folder, 'postgres'),
    emit: () => undefined,
  });
  try {
    const database = await openDatabase({ url: postgres.url });
    try {
      return await measure(database);
    } finally {
      await database.close();
    }
  } finally {
    await postgres.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(database: Database): Promise<boolean> {
  const rows = openSecretRows({ database });
  const rootKeys = new RootKeys({ rows, random: randomBytes });
  const key = randomBytes(32);
  await rootKeys.unseal({
    kind: 'file',
    make: async () => ({ key: Buffer.from(key), parameters: new Uint8Array(0) }),
    derive: async () => Buffer.from(key),
  });
  const provider = createEmbeddedProvider({ rows, rootKeys, clock: Date.now, random: randomBytes });
  const places: readonly SecretPlace[] = Array.from({ length: SECRETS }, (_, at) => ({
    tenant: TENANT,
    name: asSecretName(`db/${at}`),
  }));
  const target = new FailingTarget();
  for (const place of places) {
    await provider.write(place, { password: `old of ${place.name}` }, { author: 'bench' });
    target.accept(place, `old of ${place.name}`);
  }
  const audit: AuditTrail = { record: async () => undefined };
  const rotations = openRotations({
    provider,
    store: openRotationStore({ database }),
    audit,
    rotators: [target.rotator()],
    notifier: { tell: async () => undefined },
    clock: systemClock,
    random: systemRandom,
    newId: randomUUID,
    retries: { firstPauseMs: 100 },
    beatMs: 100,
    admission: {
      admit: async (_caller, _operation, { name }) => ({ tenant: TENANT, name: asSecretName(name) }),
      perform: async (_caller, _operation, { name }, work) =>
        work({ tenant: TENANT, name: asSecretName(name) }),
    },
  });
  const seconds: number[] = [];
  let failed = 0;
  let attempts = 0;
  const ended = new Promise<void>((resolve) => {
    rotations.on((event) => {
      if (event.type === 'rotation-attempt-failed') attempts += 1;
      if (event.type === 'rotation-failure') failed += 1;
      if (event.type === 'rotation-success') seconds.push(event.seconds);
      if (failed + seconds.length === SECRETS) resolve();
    });
  });
  const began = performance.now();
  const caller = { tenant: null, principal: 'bench', roles: [], details: {} };
  rotations.start();
  for (const place of places) await rotations.rotateNow(caller, place, { rotator: 'failing', waitMs: 0 });
  await ended;
  const total = (performance.now() - began) / 1_000;
  await rotations.stop();
  let wrong = 0;
  for (const place of places) {
    const { value } = await provider.read(place);
    if (!target.acceptsOnly(place, value.password ?? '')) wrong += 1;
  }
  seconds.sort((a, b) => a - b);
  const at = (share: number) => (seconds[Math.floor(share * (seconds.length - 1))] ?? 0).toFixed(2);
  const share = seconds.length / SECRETS;
  const reached = share >= REACH && wrong === 0;
  console.log(
    `rotation of ${SECRETS} secrets, the target failing ${FAILING * 100} % of its calls (${target.failures} of ${target.calls}, ` +
      `${attempts} attempts repeated)`,
  );
  console.log(
    `  succeeded ${(share * 100).toFixed(2)} % (must reach ${REACH * 100} %), at targets that then accept anything else ${wrong}`,
  );
  console.log(
    `  seconds of a rotation: median ${at(0.5)}, p95 ${at(0.95)}, longest ${at(1)}; all in ${total.toFixed(1)} s, ` +
      `${(SECRETS / total).toFixed(0)}/s${reached ? '' : '  NOT REACHED'}`,
  );
  return reached;
}

/** Accepts passwords per secret, and fails some of its calls before or after it has done what they ask. */
class FailingTarget {
  readonly #accepted = new Map<string, Set<string>>();
  calls = 0;
  failures = 0;

  accept({ name }: SecretPlace, password: string): void {
    this.#accepted.set(name, (this.#accepted.get(name) ?? new Set()).add(password));
  }

  acceptsOnly({ name }: SecretPlace, password: string): boolean {
    const accepted = this.#accepted.get(name);
    return accepted?.size === 1 && accepted.has(password);
  }

  rotator(): Rotator {
    const call = async (work: () => void) => {
      this.calls += 1;
      const fails = systemRandom();
      if (fails >= FAILING / 2) work();
      if (fails >= FAILING) return;
      this.failures += 1;
      throw new SecretError('PROVIDER_UNAVAILABLE', 'expected the target to answer, got none');
    };
    return {
      name: 'failing',
      generate: async (current) => ({ ...current, password: randomBytes(24).toString('base64url') }),
      set: ({ password = '' }, _current, { place }) => call(() => this.accept(place, password)),
      test: ({ password = '' }, _current, { place }) =>
        call(() => {
          if (this.#accepted.get(place.name)?.has(password) !== true)
            throw new SecretError('ROTATION_FAILED', 'expected to be let in');
        }),
      revoke: (previous, _current, { place }) =>
        call(() => void this.#accepted.get(place.name)?.delete(previous?.password ?? '')),
      undo: ({ password = '' }, _current, { place }) =>
        call(() => void this.#accepted.get(place.name)?.delete(password)),
    };
  }
}
