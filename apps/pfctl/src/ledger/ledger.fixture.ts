import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { type Ran, temporaryFolders } from '@provability-fabric/command-line/testing';
import {
  createHeads,
  createShipper,
  type FileLog,
  type KeyRing,
  nodeCrypto,
  openKeyRing,
} from '@provability-fabric/evidence';
import { canonicalBytes, digestOf, envelopeBytes, sealEnvelope } from '@provability-fabric/kernel';
import {
  type OwnedDatabase,
  openDatabase,
  openLedgerWriter,
  startEmbeddedPostgres,
} from '@provability-fabric/storage';
import { ORIGIN, openFabric } from '../evidence/data-folder.fixture.ts';
import { pfctl, type RunOptions } from '../terminal.fixture.ts';

export const LEDGER = `${ORIGIN}/ledger`;
/** More than a tile has room for. */
const CALLS = 200;

export interface TestLedger {
  /** Has `config/local`, and `data` with the database of a fabric that runs. */
  readonly root: string;
  readonly data: string;
  readonly url: string;
  readonly database: OwnedDatabase;
  /** As the owner of the tables, with what protects them from him out of the way. */
  tamper(statements: string): Promise<void>;
  /** What `tamper` did is undone. */
  restore(): Promise<void>;
  pfctl(args: readonly string[], options?: RunOptions): Promise<Ran>;
  /** One more statement of each of these sessions of `acme`, by another fabric. */
  append(sessions: readonly string[]): Promise<void>;
  /** As a fabric that has ended leaves it. */
  stopDatabase(): Promise<void>;
  stop(): Promise<void>;
}

const TABLES = ['statements', 'superseded', 'tiles', 'log_state', 'sessions', 'writers'] as const;

/** The ledger of a fabric that has decided for two tenants, shipped everything and signed heads. */
export async function startTestLedger(
  /** What else happens in the log before all of it is shipped. */
  also: (log: FileLog, ring: KeyRing, database: OwnedDatabase) => Promise<void> = async () => undefined,
): Promise<TestLedger> {
  const folders = temporaryFolders();
  const root = folders.make({ 'config/local/fabric.yaml': `data_dir: data\norigin: ${ORIGIN}\n` });
  const data = join(root, 'data');
  const here = (args: readonly string[], options: RunOptions = {}) =>
    pfctl(args, { directory: root, checkout: root, ...options });
  await here(['init', 'desk']);
  const fabric = await openFabric(data, join(root, 'bundles/desk'));
  const postgres = await startEmbeddedPostgres({ directory: join(data, 'postgres'), emit: () => undefined });
  const database = await openDatabase({ url: postgres.url, connections: 4 });
  const crypto = nodeCrypto();
  const ring = await openKeyRing(join(data, 'keys'), { origin: ORIGIN, create: true, crypto });
  const verifiers = ring.ledgerVerifiers();
  const ledger = await openLedgerWriter({
    database,
    crypto,
    signer: ring.ledgerSigner(),
    verifiers,
    origin: LEDGER,
  });
  const { log } = fabric;
  const emit = () => undefined;
  const clocks = { now: Date.now, monotonic: () => performance.now() };
  const shipper = await createShipper({ log, ledger, writer: log.id, emit, ...clocks, random: () => 0 });
  const heads = await createHeads({
    log,
    directory: data,
    crypto,
    signer: ring.evidenceSigner(),
    writer: log.id,
    add: (entry) => shipper.add(entry),
    emit,
    now: Date.now,
    random: (length) => randomBytes(length),
  });
  const call = { tool: 'read_text_file', args: { path: 'inbox/1.txt' } };
  for (let n = 0; n < CALLS; n++) {
    const tenant = n % 3 === 0 ? 'globex' : 'acme';
    await fabric.call({ session: `s${n % 5}`, tenant, ...call });
    if (n === CALLS / 2) await heads.sign();
  }
  await also(log, ring, database);
  await heads.close();
  if (!(await shipper.close({ flushMs: 30_000 }))) throw new Error('expected everything to be shipped');
  await fabric.close();
  const owned = (text: string) => database.asOwner(async (tx) => void (await tx.query(text)));
  await owned(
    `create schema kept; ${TABLES.map(
      (name) => `alter table pf.${name} no force row level security;
        create table kept.${name} as table pf.${name};`,
    ).join('')}
    alter table pf.statements disable trigger refuse_rewriting;`,
  );

  let stopping: Promise<void> | undefined;
  const stopDatabase = () =>
    (stopping ??= (async () => {
      await ledger.close();
      await database.close();
      await postgres.stop();
    })());

  return {
    root,
    data,
    url: postgres.url,
    database,
    pfctl: here,
    tamper: owned,
    restore: () =>
      owned(TABLES.map((name) => `truncate pf.${name}; insert into pf.${name} table kept.${name};`).join('')),
    async append(sessions) {
      const [tenant, writer] = ['acme', 'another'];
      const ends = await database.transaction('pf_auditor', (tx) =>
        tx.query<{ session: string; seq: number; digest: Buffer }>(
          'select session, seq, digest from pf.sessions where tenant = $1',
          [tenant],
        ),
      );
      const entries = sessions.map((session) => {
        const last = ends.find((end) => end.session === session);
        const seq = (last?.seq ?? -1) + 1;
        const previous = last === undefined ? null : last.digest.toString('hex');
        const type = 'session-record';
        const payload = canonicalBytes({ type, tenant, session, seq, previous });
        const payloadType = `application/vnd.provability-fabric.${type}+json`;
        const envelope = envelopeBytes(sealEnvelope(payloadType, payload, [ring.evidenceSigner()]));
        const place = { type, tenant, session, seq, digest: digestOf(crypto, payload), issuedAt: Date.now() };
        return { ...place, envelope, salt: randomBytes(32), sealedRecord: null };
      });
      await ledger.append({ writer, from: null, entries });
    },
    stopDatabase,
    async stop() {
      await stopDatabase();
      folders.removeAll();
    },
  };
}
