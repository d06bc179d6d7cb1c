// Governed changes of one tenant, of all governors, in the ledger's order. The database may have been written to by anyone
// who has its password: so each statement is held against the checkpoint that the log's key signed.
import {
  EvidenceError,
  type RecordOpener,
  type RecordPlace,
  type RecordSealer,
} from '@provability-fabric/evidence';
import { corrupt } from './envelope.ts';
import { requireName } from './name.ts';
import { requireInLog, type SignedLedger } from './require-in-log.ts';
import { readIn } from './scope.ts';

export interface LedgerChange {
  /** From 0, among the changes. */
  readonly index: number;
  readonly envelope: Uint8Array;
  /** Opened; null where it was erased, or its key is not here. */
  readonly record: Uint8Array | null;
}

/** Satisfies, by structure, the port ChangeSource of the governor package. */
export interface LedgerChanges {
  /** Throws LEDGER_CORRUPT for what is not under the ledger's signed checkpoint. */
  from(index: number): AsyncIterable<LedgerChange>;
  count(): Promise<number>;
  changed(listener: () => void): () => void;
  close(): Promise<void>;
}

export interface LedgerChangesOptions extends SignedLedger {
  readonly tenant: string;
  readonly opener: Pick<RecordSealer, 'opener'>;
}

const AT_ONCE = 256;
const TIMEOUT_MS = 10_000;
/** Where notifications are lost, this is how late a change is at most. */
const LOOK_EVERY_MS = 250;

const COUNT = `select count(*) as count from pf.statements where tenant = $1 and type = 'governed-change'`;

/** $1 tenant, $2 how many to leave out: where the first that is wanted lies. */
const PLACE = `
  select log_index as at from pf.statements where tenant = $1 and type = 'governed-change'
  order by log_index offset $2 limit 1`;

/** $1 tenant, $2 log index, $3 rows. */
const CHANGES = `
  select log_index as at, session, seq, envelope, salt, sealed_record as sealed from pf.statements
  where tenant = $1 and type = 'governed-change' and log_index >= $2 order by log_index limit $3`;

interface Row {
  readonly at: number;
  readonly session: string;
  readonly seq: number;
  readonly envelope: Uint8Array | null;
  readonly salt: Uint8Array | null;
  readonly sealed: Uint8Array | null;
}

export async function openLedgerChanges(options: LedgerChangesOptions): Promise<LedgerChanges> {
  const { database } = options;
  const tenant = requireName(options.tenant, 'a tenant');
  const listeners = new Set<() => void>();
  /** Where the newest known change lies: new ones are looked for from there on. */
  let known = { index: -1, at: -1 };
  let closed = false;
  let looking = false;

  const query = <Found>(text: string, values: readonly unknown[]) =>
    readIn(database, { tenant }, (tx) => tx.query<Found>(text, values), TIMEOUT_MS);

  async function placeOf(index: number): Promise<number | undefined> {
    if (index === known.index + 1) return known.at + 1;
    if (index === known.index) return known.at;
    return (await query<{ at: number }>(PLACE, [tenant, index]))[0]?.at;
  }

  async function* from(index: number): AsyncGenerator<LedgerChange> {
    let at: number | undefined = await placeOf(index);
    if (at === undefined) return;
    const open = await options.opener.opener(tenant);
    for (let next = index; ; ) {
      const rows: readonly Row[] = await query<Row>(CHANGES, [tenant, at, AT_ONCE]);
      if (rows.length === 0) return;
      await requireInLog(options, rows.map(stored));
      for (const row of rows) {
        if (next > known.index) known = { index: next, at: row.at };
        const sealed = row.sealed && new Uint8Array(row.sealed);
        const record = sealed && opened(open, { tenant, session: row.session, seq: row.seq }, sealed);
        yield { index: next, envelope: stored(row).envelope, record };
        next += 1;
        at = row.at + 1;
      }
      if (rows.length < AT_ONCE) return;
    }
  }

  function tell(): void {
    for (const listener of listeners) listener();
  }

  async function look(): Promise<void> {
    if (looking || closed || listeners.size === 0) return;
    looking = true;
    try {
      if ((await query<Row>(CHANGES, [tenant, known.at + 1, 1])).length > 0) tell();
    } catch {
      // Whoever reads is told what is wrong with the database.
    } finally {
      looking = false;
    }
  }

  const stop = await database.listen('pf_ledger', () => void look());
  const timer = setInterval(() => void look(), LOOK_EVERY_MS).unref();

  return {
    from,
    async count() {
      return (await query<{ count: number }>(COUNT, [tenant]))[0]?.count ?? 0;
    },
    changed(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {
      closed = true;
      clearInterval(timer);
      await stop();
    },
  };
}

/** What another governor sealed with a key that is not here is as good as erased. */
function opened(open: RecordOpener, place: RecordPlace, sealed: Uint8Array): Uint8Array | null {
  try {
    return open(place, sealed);
  } catch (error) {
    if (error instanceof EvidenceError && error.code === 'RECORD_UNREADABLE') return null;
    throw error;
  }
}

/** The driver's buffers are views into larger ones; what is kept from here keeps only its own bytes. */
function stored({ at, envelope, salt }: Row) {
  if (envelope === null || salt === null) throw corrupt('a governed change was erased');
  return { index: at, envelope: new Uint8Array(envelope), salt: new Uint8Array(salt) };
}
