import { asDigest, type Digest, hex } from '@provability-fabric/kernel';
import type { Database } from '../database/database.ts';
import { LedgerError } from '../errors.ts';
import { corrupt } from './envelope.ts';
import { requireName } from './name.ts';
import { readIn } from './scope.ts';

export interface LedgerStatement {
  readonly index: number;
  readonly seq: number;
  readonly envelope: Uint8Array;
  readonly salt: Uint8Array;
  readonly sealedRecord: Uint8Array | null;
}

export interface LedgerSessionHead {
  readonly tenant: string;
  readonly session: string;
  readonly seq: number;
  readonly digest: Digest;
}

const BATCH_ROWS = 512;
const BATCH_BYTES = 4 * 1024 * 1024;
const TIMEOUT_MS = 10_000;

interface StoredRow {
  readonly index: number;
  readonly seq: number;
  readonly envelope: Uint8Array | null;
  readonly salt: Uint8Array | null;
  readonly sealed: Uint8Array | null;
}

/** Where the ledger's chain of a session ends; undefined where it has none. */
export async function readHead(
  database: Database,
  tenant: string,
  session: string,
): Promise<LedgerSessionHead | undefined> {
  requireName(session, 'a session');
  const [row] = await readIn(
    database,
    { tenant },
    (tx) =>
      tx.query<{ seq: number; digest: Uint8Array }>(
        'select seq, digest from pf.sessions where tenant = $1 and session = $2 and seq >= 0',
        [tenant, session],
      ),
    TIMEOUT_MS,
  );
  return row && { tenant, session, seq: row.seq, digest: asDigest(hex(row.digest)) };
}

/**
 * A session's statements in seq order, without a gap, batch by batch. Whoever takes a session over holds each
 * against its signature and its chain: nothing here is proven.
 */
export async function* readSession(
  database: Database,
  tenant: string,
  session: string,
  fromSeq: number,
): AsyncGenerator<LedgerStatement> {
  requireName(session, 'a session');
  if (!Number.isSafeInteger(fromSeq) || fromSeq < 0) {
    throw new LedgerError('BAD_QUERY', 'expected a seq of 0 to 2^53 - 1');
  }
  for (let next = fromSeq; ; ) {
    const rows = await readIn(
      database,
      { tenant },
      (tx) => tx.query<StoredRow>(BATCH, [tenant, session, next, BATCH_ROWS, BATCH_BYTES]),
      TIMEOUT_MS,
    );
    if (rows.length === 0) return;
    for (const { index, seq, envelope, salt, sealed } of rows) {
      if (seq !== next) throw corrupt(`seq ${next} of a session is missing`);
      if (envelope === null || salt === null) throw corrupt(`seq ${seq} of a session was erased`);
      yield {
        index,
        seq,
        envelope: plain(envelope),
        salt: plain(salt),
        sealedRecord: sealed && plain(sealed),
      };
      next++;
    }
  }
}

const BATCH = `
  with sized as materialized (
    select log_index, seq, row_number() over page as position,
           sum(coalesce(octet_length(envelope), 0) + coalesce(octet_length(sealed_record), 0)) over page as bytes
    from (select log_index, seq, envelope, sealed_record from pf.statements
          where tenant = $1 and session = $2 and seq >= $3 order by seq limit $4) as next
    window page as (order by seq)
  )
  select s.log_index as index, s.seq, s.envelope, s.salt, s.sealed_record as sealed
  from sized join pf.statements s on s.log_index = sized.log_index
  where sized.position = 1 or sized.bytes <= $5 order by s.seq`;

/** The driver's buffers are views into larger ones; what is kept from here keeps only its own bytes. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}
