// Sessions for whoever takes them over. The database may have been written to by anyone who has its
// password: so each statement is held against the checkpoint that the log's key signed, and what is changed,
// moved or slipped in is refused. That the end of a session was cut off together with the record of it does
// not show here; it shows in the heads that writers sign.
import type { RecordSealer } from '@provability-fabric/evidence';
import { requireName } from './name.ts';
import { requireInLog, type SignedLedger } from './require-in-log.ts';
import { readIn } from './scope.ts';
import { type LedgerSessionHead, type LedgerStatement, readHead, readSession } from './session.ts';

export interface ArchivedStatement extends Omit<LedgerStatement, 'sealedRecord'> {
  /** Opened; null where it was erased. */
  readonly record: Uint8Array | null;
}

/** Satisfies, by structure, the port SessionArchive of the enforcement package. */
export interface LedgerSessionArchive {
  find(tenant: string, session: string): Promise<LedgerSessionHead | undefined>;
  /** In seq order. Throws LEDGER_CORRUPT for what is not under the ledger's signed checkpoint. */
  read(tenant: string, session: string): AsyncIterable<ArchivedStatement>;
  /** The session that is named by the prefix and the highest number. */
  newest(tenant: string, prefix: string): Promise<string | undefined>;
}

export interface SessionArchiveOptions extends SignedLedger {
  readonly opener: Pick<RecordSealer, 'opener'>;
}

const BATCH = 256;
const TIMEOUT_MS = 10_000;

export function openSessionArchive(options: SessionArchiveOptions): LedgerSessionArchive {
  const { database, opener } = options;

  return {
    find: async (tenant, session) => readHead(database, tenant, session),

    async *read(tenant, session) {
      const open = await opener.opener(requireName(tenant, 'a tenant'));
      for await (const batch of inBatches(readSession(database, tenant, session, 0), BATCH)) {
        await requireInLog(options, batch);
        for (const { sealedRecord, ...statement } of batch) {
          const place = { tenant, session, seq: statement.seq };
          yield { ...statement, record: sealedRecord === null ? null : open(place, sealedRecord) };
        }
      }
    },

    async newest(tenant, prefix) {
      requireName(prefix, 'the beginning of a session name');
      const [row] = await readIn(
        database,
        { tenant },
        (tx) => tx.query<{ session: string }>(NEWEST, [prefix, `${prefix}:`]),
        TIMEOUT_MS,
      );
      return row?.session;
    },
  };
}

/** `:` comes right after the digits; only the range is read from the index. */
const NEWEST = `
  select session from pf.sessions
  where tenant = (select pf.current_tenant()) and session collate "C" >= $1 and session collate "C" < $2
    and seq >= 0 and substring(session from length($1) + 1) ~ '^[0-9]{1,16}$'
  order by substring(session from length($1) + 1)::numeric desc limit 1`;

async function* inBatches<T>(items: AsyncIterable<T>, size: number): AsyncGenerator<readonly T[]> {
  let batch: T[] = [];
  for await (const item of items) {
    batch.push(item);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
