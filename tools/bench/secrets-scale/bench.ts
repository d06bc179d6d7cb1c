// npx tsx tools/bench/secrets-scale/bench.ts: whether a secret is listed and read as fast among ten million as among ten.
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { asSecretTenant, type SecretRows } from '@provability-fabric/secrets';
import { openDatabase, openSecretRows, startEmbeddedPostgres } from '@provability-fabric/storage';
import { fillStore, type StoreSize } from './fill-store.ts';

const SMALL: StoreSize = { tenants: 1, secrets: 10 };
const LARGE: StoreSize = { tenants: 1_000, secrets: 10_000 };
const ROUNDS = 3_000;
const WARM_UP = 500;
const PAGE = 5;
/** Median against median, at most. */
const REACH = 1.2;

interface Store {
  readonly size: StoreSize;
  readonly rows: SecretRows;
  close(): Promise<void>;
}

/** Answers whether reading and listing were as fast as they have to be. */
export async function run(): Promise<boolean> {
  const stores = [await openStore(SMALL)];
  try {
    stores.push(await openStore(LARGE));
    const [small, large] = stores as [Store, Store];
    const reached = [];
    for (const [name, act] of Object.entries(ACTS)) reached.push(await compare(name, act, small, large));
    return !reached.includes(false);
  } finally {
    for (const store of stores) await store.close();
  }
}

/** On a server of its own, so that both are as warm as each other when they take turns. */
async function openStore(size: StoreSize): Promise<Store> {
  const directory = await mkdtemp(join(tmpdir(), 'pf-bench-secrets-'));
  const postgres = await startEmbeddedPostgres({ directory, emit: () => undefined });
  const database = await openDatabase({ url: postgres.url });
  const began = performance.now();
  await fillStore(database, size);
  const seconds = ((performance.now() - began) / 1_000).toFixed(0);
  console.log(`secrets: ${size.tenants} tenants with ${size.secrets} secrets each, filled in ${seconds} s`);
  return {
    size,
    rows: openSecretRows({ database }),
    async close() {
      await database.close();
      await postgres.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

type Act = (store: Store) => Promise<unknown>;

const below = (count: number) => Math.floor(Math.random() * count);
const anyTenant = ({ size }: Store) => asSecretTenant(`tenant-${below(size.tenants)}`);
const nameOf = (at: number) => `app/secret-${String(at).padStart(5, '0')}`;

const ACTS: Readonly<Record<string, Act>> = {
  'read the current value': async (store) => {
    const found = await store.rows.read(anyTenant(store), nameOf(below(store.size.secrets)), 'latest');
    if (found?.values.length !== 1) throw new Error('expected each secret to be there');
  },
  [`list ${PAGE} names from anywhere`]: (store) =>
    store.rows.names(anyTenant(store), '', nameOf(below(store.size.secrets - PAGE)), PAGE),
  [`list ${PAGE} names with a prefix`]: (store) =>
    store.rows.names(anyTenant(store), 'app/secret-', '', PAGE),
};

/** Turn about, so that whatever else the machine does meets both. */
async function compare(name: string, act: Act, small: Store, large: Store): Promise<boolean> {
  const times: [number[], number[]] = [[], []];
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    for (const [which, store] of [small, large].entries()) {
      const began = performance.now();
      await act(store);
      if (round >= 0) times[which]?.push(performance.now() - began);
    }
  }
  const [few, many] = times.map((list) => list.sort((a, b) => a - b)) as [number[], number[]];
  const at = (list: readonly number[], part: number) => list[Math.floor(part * (list.length - 1))] as number;
  const ratio = at(many, 0.5) / at(few, 0.5);
  const told = (list: readonly number[]) =>
    `median ${at(list, 0.5).toFixed(2)} ms, p5 ${at(list, 0.05).toFixed(2)}, p95 ${at(list, 0.95).toFixed(2)}`;
  console.log(
    `  ${name.padEnd(30)} n ${few.length}; few: ${told(few)}; many: ${told(many)}; ratio ${ratio.toFixed(2)}, wanted ${REACH} ` +
      'at most',
  );
  return ratio <= REACH;
}

if (import.meta.filename === process.argv[1]) {
  const [cpu] = cpus();
  console.log(
    `${cpu?.model ?? 'unknown cpu'}, ${cpus().length} cores, Node ${process.version}, PostgreSQL 18, fsync on`,
  );
  if (!(await run())) process.exitCode = 1;
}
