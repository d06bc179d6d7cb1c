import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type LedgerEntry, nodeCrypto, openKeyRing } from '@provability-fabric/evidence';
import {
  base64,
  canonicalBytes,
  type Digest,
  digestOf,
  envelopeBytes,
  utf8,
} from '@provability-fabric/kernel';
import {
  type OwnedDatabase,
  openDatabase,
  openLedgerWriter,
  startEmbeddedPostgres,
} from '@provability-fabric/storage';

const ENTRIES = 1_000;
const SESSIONS = 64;
const WARM_UP = 5;
const BATCHES = 40;
const ORIGIN = 'bench.example/ledger';
const REACH = 0.5;

/**
 * The ledger's append of 1,000 entries against a bare `INSERT … SELECT unnest` of the same bytes: same server,
 * role, row-level security and indexes, turn about in the same run. False below half of the bare rate.
 */
export async function run(): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'pf-bench-ledger-'));
  const postgres = await startEmbeddedPostgres({
    directory: join(folder, 'postgres'),
    emit: () => undefined,
  });
  try {
    const database = await openDatabase({ url: postgres.url });
    try {
      return await measure(database, join(folder, 'keys'));
    } finally {
      await database.close();
    }
  } finally {
    await postgres.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(database: OwnedDatabase, keys: string): Promise<boolean> {
  const crypto = nodeCrypto();
  const ring = await openKeyRing(keys, { origin: ORIGIN, create: true, crypto });
  const [signer, verifiers] = [ring.logSigner(), ring.logVerifiers()];
  const writer = await openLedgerWriter({ database, crypto, signer, verifiers, origin: ORIGIN });
  await database.asOwner((tx) => tx.query(BARE_TABLE));
  const source = createSource();
  const [ledger, bare]: [number[], number[]] = [[], []];
  let bytes = { envelope: 0, record: 0 };
  for (let batch = 0; batch < WARM_UP + BATCHES; batch++) {
    const entries = source();
    const appending = async () => {
      const before = performance.now();
      await writer.append({ writer: 'bench', from: batch * ENTRIES, entries });
      return performance.now() - before;
    };
    const inserting = async () => {
      const before = performance.now();
      const values = bareValues(batch * ENTRIES, entries);
      await database.transaction('pf_writer', (tx) => tx.query(BARE_INSERT, values));
      return performance.now() - before;
    };
    // Whoever goes second finds the processor warm and the disk busy: turn about.
    const first = batch % 2 === 0;
    const one = first ? await appending() : await inserting();
    const other = first ? await inserting() : await appending();
    if (batch < WARM_UP) continue;
    ledger.push(first ? one : other);
    bare.push(first ? other : one);
    bytes = {
      envelope: median(entries.map(({ envelope }) => envelope.length)),
      record: median(entries.map(({ sealedRecord }) => sealedRecord?.length ?? 0)),
    };
  }
  await writer.close();
  const ratio = median(bare) / median(ledger);
  console.log(
    `ledger: batches of ${ENTRIES} entries, ${SESSIONS} sessions, envelope ${bytes.envelope} B and sealed record ` +
      `${bytes.record} B (median), ${await serverVersion(database)}`,
  );
  print('append', ledger);
  print('bare insert', bare);
  console.log(
    `  append reaches ${(ratio * 100).toFixed(0)} % of the bare insert (at least ${REACH * 100} % wanted)`,
  );
  return ratio >= REACH;
}

const BARE_TABLE = `
  create table pf.bare (like pf.statements including all);
  alter table pf.bare set (toast_tuple_target = 4080);
  alter table pf.bare enable row level security, force row level security;
  create policy writer on pf.bare to pf_writer using (true) with check (true);
  grant select, insert on pf.bare to pf_writer`;

const BARE_INSERT = `
  insert into pf.bare (log_index, digest, tenant, session, seq, type, id, principal, verdict, issued_at, writer,
    envelope, salt, sealed_record)
  select * from unnest($1::bigint[], $2::bytea[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::text[],
    $8::text[], $9::text[], $10::bigint[], $11::text[], $12::bytea[], $13::bytea[], $14::bytea[])`;

function bareValues(firstIndex: number, entries: readonly LedgerEntry[]): unknown[] {
  return [
    entries.map((_, place) => firstIndex + place),
    entries.map(({ digest }) => Buffer.from(digest, 'hex')),
    entries.map(({ tenant }) => tenant),
    entries.map(({ session }) => session),
    entries.map(({ seq }) => seq),
    entries.map(({ type }) => type),
    entries.map(({ digest }) => digest),
    entries.map(() => 'agent-1'),
    entries.map(() => 'accept'),
    entries.map(({ issuedAt }) => issuedAt),
    entries.map(() => 'bench'),
    entries.map(({ envelope }) => Buffer.from(envelope)),
    entries.map(({ salt }) => Buffer.from(salt)),
    entries.map(({ sealedRecord }) => (sealedRecord === null ? null : Buffer.from(sealedRecord))),
  ];
}

/** Each call: the next statements of all sessions, as many as a batch holds. */
function createSource(): () => LedgerEntry[] {
  const crypto = nodeCrypto();
  const ends = new Map<number, { seq: number; digest: Digest }>();
  let at = 0;
  return () =>
    Array.from({ length: ENTRIES }, () => {
      const number = at++ % SESSIONS;
      const end = ends.get(number);
      const place = {
        tenant: `tenant-${number % 8}`,
        session: `session-${number}`,
        seq: (end?.seq ?? -1) + 1,
      };
      const payload = canonicalBytes({
        type: 'permission-certificate',
        ...place,
        previous: end?.digest ?? null,
        certificate_id: digestOf(crypto, utf8(`${place.session}/${place.seq}`)),
        principal: { id: 'agent-1', roles: ['support'], org: 'acme' },
        verdict: 'accept',
        filling: randomBytes(250).toString('hex'),
      });
      const digest = digestOf(crypto, payload);
      ends.set(number, { seq: place.seq, digest });
      return {
        type: 'permission-certificate',
        ...place,
        digest,
        issuedAt: 1_767_225_600_000 + at,
        envelope: envelopeBytes({
          payloadType: 'application/vnd.provability-fabric.permission-certificate+json',
          payload: base64(payload),
          signatures: [{ keyid: 'evidence.bench', sig: base64(randomBytes(64)) }],
        }),
        salt: randomBytes(32),
        sealedRecord: randomBytes(620),
      };
    });
}

async function serverVersion(database: OwnedDatabase): Promise<string> {
  const [row] = await database.asOwner((tx) =>
    tx.query<{ version: string }>(`select 'PostgreSQL ' || current_setting('server_version') as version`),
  );
  return row?.version ?? 'unknown server';
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

function print(name: string, times: readonly number[]): void {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (part: number) => `${(sorted[Math.floor(part * (sorted.length - 1))] as number).toFixed(1)} ms`;
  const rate = Math.round((ENTRIES / median(times)) * 1000);
  console.log(
    `  ${name.padEnd(12)} n ${times.length}, median ${at(0.5)}, p5 ${at(0.05)}, p95 ${at(0.95)}, p99 ${at(0.99)}, ` +
      `${rate} entries/s`,
  );
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href && !(await run())) process.exitCode = 1;
