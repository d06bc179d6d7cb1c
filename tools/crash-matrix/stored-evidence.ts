// What is on record: of a fabric's own log, and of the ledger.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type FileLogReader,
  nodeCrypto,
  openKeyRing,
  openRecordSealer,
  readCheckpoint,
  readFileLog,
  type ScannedStatement,
} from '@provability-fabric/evidence';
import { type Checkpoint, type Digest, hex } from '@provability-fabric/kernel';
import { type OwnedDatabase, openDatabase, openLedgerReader } from '@provability-fabric/storage';
import { ORIGIN } from './workbench.ts';

const crypto = nodeCrypto();
const RECOVERY_MS = 30_000;

export interface FileEvidence {
  readonly data: string;
  /** What the ledger may know it by. */
  readonly writers: readonly string[];
  readonly log: FileLogReader;
  readonly statements: readonly ScannedStatement[];
}

/** What the newest checkpoint covers. The fabric may be running. */
export async function readFileEvidence(data: string): Promise<FileEvidence> {
  const keys = await openKeyRing(join(data, 'keys'), { origin: ORIGIN, create: false });
  const log = await readFileLog({
    directory: data,
    origin: ORIGIN,
    crypto,
    verifiers: keys.logVerifiers(),
    records: openRecordSealer({ directory: join(data, 'keys'), emit: () => undefined }),
  });
  const statements: ScannedStatement[] = [];
  for await (const statement of log.scan()) statements.push(statement);
  return { data, log, statements, writers: writersIn(data) };
}

function writersIn(data: string): string[] {
  return ['writer', 'journal/id']
    .map((name) => join(data, name))
    .filter((path) => existsSync(path))
    .map((path) => readFileSync(path, 'utf8').trim());
}

/** How many entries the published checkpoint covers; -1 where there is none. */
export function publishedSize(data: string): number {
  try {
    return Number(readFileSync(join(data, 'log', 'checkpoint'), 'utf8').split('\n')[1]);
  } catch {
    return -1;
  }
}

export interface LedgerEntry {
  readonly index: number;
  readonly digest: Digest;
  /** null for what belongs to no session: heads. */
  readonly session: string | null;
  readonly seq: number;
  readonly type: string;
  readonly writer: string;
  readonly envelope: Uint8Array;
  readonly salt: Uint8Array;
}

interface Row extends Omit<LedgerEntry, 'digest' | 'index' | 'seq'> {
  readonly log_index: string | number;
  readonly digest: Uint8Array;
  readonly seq: string | number | null;
}

/** The ledger's database, and what it says, beside the fabric that keeps it. */
export class LedgerEvidence {
  readonly #database: OwnedDatabase;
  readonly #open: (note: string) => Checkpoint | undefined;
  readonly #reader;

  private constructor(database: OwnedDatabase, open: (note: string) => Checkpoint | undefined) {
    this.#database = database;
    this.#open = open;
    this.#reader = openLedgerReader({ database, crypto, opener: null, bundles: null });
  }

  /** The ledger's keys are in one of the data folders that write to it. */
  static async open(url: string, folders: readonly string[]): Promise<LedgerEvidence> {
    const rings = await Promise.all(
      folders.map((data) => openKeyRing(join(data, 'keys'), { origin: ORIGIN, create: false })),
    );
    const verifiers = rings.flatMap((ring) => ring.ledgerVerifiers());
    const open = (note: string) => readCheckpoint(crypto, note, `${ORIGIN}/ledger`, verifiers);
    return new LedgerEvidence(await openPatiently(url), open);
  }

  async entries(): Promise<readonly LedgerEntry[]> {
    const rows = await this.#read<Row>(
      'select log_index, digest, session, seq, type, writer, envelope, salt from pf.statements order by log_index',
    );
    return rows.map((row) => ({
      ...row,
      index: Number(row.log_index),
      digest: hex(row.digest) as Digest,
      seq: Number(row.seq ?? -1),
    }));
  }

  /** What came under an old fence: in no session's chain, and nobody was answered on it. */
  async superseded(): Promise<ReadonlySet<string>> {
    const rows = await this.#read<{ digest: Uint8Array }>('select digest from pf.superseded');
    return new Set(rows.map(({ digest }) => hex(digest)));
  }

  /** How much of a fabric's log the ledger has. */
  async position(writers: readonly string[]): Promise<number> {
    const rows = await this.#read<{ writer: string; position: string }>('select * from pf.writers');
    return Number(rows.find(({ writer }) => writers.includes(writer))?.position ?? 0);
  }

  async checkpoint(): Promise<string | null> {
    return this.#reader.checkpoint();
  }

  openCheckpoint(note: string): Checkpoint {
    const checkpoint = this.#open(note);
    if (checkpoint === undefined) throw new Error('expected a checkpoint that the ledger signed');
    return checkpoint;
  }

  consistency(oldSize: number, newSize: number): Promise<readonly Uint8Array[]> {
    return this.#reader.consistency(oldSize, newSize);
  }

  close(): Promise<void> {
    return this.#database.close();
  }

  #read<T>(text: string): Promise<readonly T[]> {
    return this.#database.transaction('pf_auditor', (tx) => tx.query<T>(text), {
      readOnly: true,
      timeoutMs: 30_000,
    });
  }
}

/** A server that was killed reads its own log before it takes connections again. */
async function openPatiently(url: string): Promise<OwnedDatabase> {
  const timeUp = Date.now() + RECOVERY_MS;
  for (;;) {
    try {
      return await openDatabase({ url, connections: 2 });
    } catch (error) {
      if (Date.now() > timeUp) throw error;
      await sleep(200);
    }
  }
}
