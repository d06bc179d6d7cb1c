import { createPrivateKey, createPublicKey, sign as signWith } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LedgerEntry, nodeCrypto } from '@provability-fabric/evidence';
import { fromBase64, type NoteSigner, type NoteVerifier, noteVerifier } from '@provability-fabric/kernel';
import { type OwnedDatabase, openDatabase } from '../database/database.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../embedded/embedded-postgres.ts';
import { openLedgerWriter, type PostgresLedgerWriter } from '../ledger/ledger-writer.ts';

export const ORIGIN = 'test.example/ledger';
export const crypto = nodeCrypto();

export interface TestServer {
  readonly postgres: EmbeddedPostgres;
  readonly directory: string;
  readonly database: OwnedDatabase;
  /** A further pool on the same database, as another fabric has one. */
  connect(): Promise<OwnedDatabase>;
  stop(): Promise<void>;
}

/** A PostgreSQL of its own for one test file, with the schema. */
export async function startTestServer(): Promise<TestServer> {
  const directory = await mkdtemp(join(tmpdir(), 'pf-storage-'));
  const postgres = await startEmbeddedPostgres({ directory, emit: () => undefined });
  const opened: OwnedDatabase[] = [];
  const connect = async () => {
    const database = await openDatabase({ url: postgres.url, connections: 6 });
    opened.push(database);
    return database;
  };
  return {
    postgres,
    directory,
    database: await connect(),
    connect,
    async stop() {
      await Promise.all(opened.map((database) => database.close()));
      await postgres.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

const key = createPrivateKey({
  key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, 9)]),
  format: 'der',
  type: 'pkcs8',
});
const publicKey = new Uint8Array(createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32));

export const logVerifier: NoteVerifier = noteVerifier(crypto, ORIGIN, publicKey);

const signer: NoteSigner = {
  ...logVerifier,
  sign: (message) => new Uint8Array(signWith(null, message, key)),
};

export function openTestWriter(
  database: OwnedDatabase,
  options: { readonly timeoutMs?: number } = {},
): Promise<PostgresLedgerWriter> {
  return openLedgerWriter({ database, crypto, signer, verifiers: [logVerifier], origin: ORIGIN, ...options });
}

/** Entries into the ledger as one batch of nobody's file log. */
export async function store(writer: PostgresLedgerWriter, entries: readonly LedgerEntry[]): Promise<void> {
  await writer.append({ writer: 'test', from: null, entries });
}

export function payloadOf(entry: LedgerEntry): unknown {
  const { payload } = JSON.parse(Buffer.from(entry.envelope).toString()) as { payload: string };
  return JSON.parse(Buffer.from(fromBase64(payload)).toString());
}

export function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Asks again until it is so; for what another process, or the clock, brings about. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  ms = 10_000,
): Promise<void> {
  for (const end = performance.now() + ms; !(await holds()); await wait(10)) {
    if (performance.now() > end) throw new Error(`expected within ${ms} ms: ${what}`);
  }
}
