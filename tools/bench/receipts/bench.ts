import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeCrypto } from '@provability-fabric/evidence';
import {
  type Database,
  type LedgerReader,
  type OwnedDatabase,
  openDatabase,
  openLedgerReader,
  type StatementFilter,
  startEmbeddedPostgres,
  type Transaction,
} from '@provability-fabric/storage';

/** The last tenth goes in with all indexes in place, in one insert; before that they are made afterwards, as a load would. */
const ROWS = 10_000_000;
const CHUNK = 1_000_000;
const RUNS = 300;
const PAGE = 100;
const LIMIT_MS = 50;
const FROM = 1_767_225_600_000;
const TIMEOUT_MS = 1_800_000;
const TYPES = ['access-receipt'];

/** A third of the rows belongs to tenant-0, one in 100,003 to tenant-tiny, the rest to 20 others. */
const TENANT = `case when i % 100003 = 7 then 'tenant-tiny' when i % 3 = 0 then 'tenant-0' else 'tenant-' || 1 + i % 20 end`;

/** Payload and envelope as the fabric writes them, but small; half of the rows are receipts. */
const INSERT = `
  insert into pf.statements (log_index, digest, tenant, type, id, principal, issued_at, writer, envelope, salt)
  select i, sha256(payload), tenant, type, 'r' || i, 'agent-' || i % 100, ${FROM} + i * 3 + i * 7919 % 5000, 'bench',
         convert_to('{"payload":"' || translate(encode(payload, 'base64'), E'\\n', '') || '","payloadType":"application/x",'
           || '"signatures":[{"keyid":"k","sig":"' || repeat('A', 86) || '=="}]}', 'UTF8'), sha256(int8send(i))
  from (
    select i, tenant, type,
           convert_to('{"receipt_id":"r' || i || '","tenant":"' || tenant || '","type":"' || type || '"}', 'UTF8') as payload
    from (
      select i, ${TENANT} as tenant,
             (array['access-receipt', 'permission-certificate', 'access-receipt', 'egress-certificate'])[1 + i % 4] as type
      from generate_series($1::bigint, $2::bigint) as i
    ) as named
  ) as written`;

/** First and middle pages of lists over ten million statements. Answers whether the median first pages were in time. */
export async function run(): Promise<boolean> {
  const directory = await mkdtemp(join(tmpdir(), 'pf-bench-receipts-'));
  const postgres = await startEmbeddedPostgres({ directory, emit: () => undefined });
  try {
    const database = await openDatabase({ url: postgres.url });
    try {
      await fill(database);
      return await measure(database);
    } finally {
      await database.close();
    }
  } finally {
    await postgres.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

async function fill(database: OwnedDatabase): Promise<void> {
  const insert = (from: number, to: number) =>
    database.transaction('pf_writer', (tx) => tx.query(INSERT, [from, to - 1]), { timeoutMs: TIMEOUT_MS });
  const began = performance.now();
  const indexes = await database.asOwner((tx) =>
    tx.query<{ name: string; definition: string }>(
      `select c.relname as name, pg_get_indexdef(c.oid) as definition
       from pg_index i join pg_class c on c.oid = i.indexrelid
       where i.indrelid = 'pf.statements'::regclass and not exists (
         select from pg_constraint k where k.conindid = i.indexrelid)`,
    ),
  );
  await database.asOwner(async (tx) => {
    for (const { name } of indexes) await tx.query(`drop index pf."${name}"`);
  });
  for (let from = 0; from < ROWS - CHUNK; from += CHUNK) await insert(from, from + CHUNK);
  const inserted = performance.now();
  await database.asOwner(async (tx) => {
    await tx.query(`set local maintenance_work_mem = '1GB'`);
    for (const { definition } of indexes) await tx.query(definition);
  }, TIMEOUT_MS);
  const indexed = performance.now();
  await insert(ROWS - CHUNK, ROWS);
  const finished = performance.now();
  await database.asOwner((tx) => tx.query('analyze pf.statements'), TIMEOUT_MS);
  const seconds = (from: number, to: number) => `${((to - from) / 1_000).toFixed(0)} s`;
  console.log(
    `receipts: ${ROWS} statements of 22 tenants; ${ROWS - CHUNK} in ${seconds(began, inserted)}, ${indexes.length} ` +
      `indexes in ${seconds(inserted, indexed)}, ${CHUNK} more in one insert with them in ${seconds(indexed, finished)}`,
  );
}

async function measure(database: OwnedDatabase): Promise<boolean> {
  const { reader, indexes } = watched(database);
  const middle = FROM + (ROWS * 3) / 2;
  let slowest = 0;
  for (const tenant of ['tenant-0', 'tenant-7', 'tenant-tiny', 'tenant-none', null]) {
    const filter: StatementFilter = { scope: { tenant }, types: TYPES };
    const name = tenant ?? 'all tenants';
    const first = await time(() => reader.statements({ ...filter, limit: PAGE }));
    slowest = Math.max(slowest, print(`first page, ${name}`, first));
    const at = { ...filter, since: middle };
    const { next } = await reader.statements({ ...at, limit: PAGE });
    if (next !== null) {
      const times = await time(() => reader.statements({ ...at, limit: PAGE, cursor: next }));
      print(`middle page by cursor, ${name}`, times);
    }
    const began = performance.now();
    const count = await reader.count(filter);
    console.log(`  count, ${name}: ${count} in ${(performance.now() - began).toFixed(0)} ms, once`);
  }
  console.log(`  indexes read: ${[...indexes].sort().join(', ')}`);
  console.log(`  slowest median of a first page ${slowest.toFixed(1)} ms, wanted ${LIMIT_MS} ms at most`);
  return slowest <= LIMIT_MS;
}

/** The reader, and which indexes the plans of its lists name. */
function watched(database: Database): { readonly reader: LedgerReader; readonly indexes: Set<string> } {
  const indexes = new Set<string>();
  const seen = new Set<string>();
  const explaining = (tx: Transaction, role: string): Transaction => ({
    async query(text, values) {
      if (!seen.has(role + text)) {
        seen.add(role + text);
        const plan = JSON.stringify(await tx.query(`explain (format json) ${text}`, values));
        for (const [, name] of plan.matchAll(/"Index Name":"([^"]+)"/g)) indexes.add(`${role} ${name}`);
      }
      return tx.query(text, values);
    },
  });
  const reader = openLedgerReader({
    database: {
      ...database,
      transaction: (role, work, options) =>
        database.transaction(role, (tx) => work(explaining(tx, role)), options),
    },
    crypto: nodeCrypto(),
    opener: null,
    bundles: null,
  });
  return { reader, indexes };
}

async function time(page: () => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < RUNS; i++) {
    const began = performance.now();
    await page();
    times.push(performance.now() - began);
  }
  return times;
}

/** Prints, and answers the median. */
function print(name: string, times: readonly number[]): number {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (part: number) => sorted[Math.floor(part * (sorted.length - 1))] as number;
  const ms = (value: number) => `${value.toFixed(1)} ms`;
  console.log(
    `  ${name.padEnd(38)} n ${sorted.length}, once cold ${ms(times[0] as number)}, median ${ms(at(0.5))}, ` +
      `p5 ${ms(at(0.05))}, p95 ${ms(at(0.95))}, p99 ${ms(at(0.99))}`,
  );
  return at(0.5);
}

if (import.meta.filename === process.argv[1]) {
  const [cpu] = cpus();
  console.log(
    `${cpu?.model ?? 'unknown cpu'}, ${cpus().length} cores, Node ${process.version}, PostgreSQL 18, fsync on`,
  );
  if (!(await run())) process.exitCode = 1;
}
