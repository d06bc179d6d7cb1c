// The sequencer's SQL, and how entries travel in it.
import type { TreeTile } from '@provability-fabric/evidence';
import type { AppendPlan, StoredSession } from './append-plan.ts';
import type { PreparedEntry } from './prepared-entry.ts';

/**
 * One sequencer at a time: whoever holds this row appends. A row and no advisory lock, which any login of the
 * server, a tenant's too, could take and hold.
 */
export const LOCK_STATE = 'select origin, size, root, checkpoint from pf.log_state for update';

export const CREATE_STATE = `
  insert into pf.log_state (origin, size, root, checkpoint) values ($1, 0, $2, $3)
  on conflict (only_one) do nothing`;

export const READ_EDGE = `
  select t.level::int as level, t.tile, t.hashes
  from unnest($1::smallint[], $2::bigint[]) as edge (level, tile)
  join pf.tiles t on t.level = edge.level and t.tile = edge.tile`;

export const READ_DIGESTS = `
  select encode(digest, 'hex') as digest from pf.statements where digest = any($1::bytea[])
  union all
  select encode(digest, 'hex') from pf.superseded where digest = any($1::bytea[])`;

export const READ_POSITIONS = 'select writer, position from pf.writers where writer = any($1::text[])';

/** Both in one order everywhere, or two transactions could wait for each other. */
export const LOCK_SESSIONS = `
  select s.tenant, s.session, s.seq, encode(s.digest, 'hex') as digest, s.fence, l.owner
  from unnest($1::text[], $2::text[]) as asked (tenant, session)
  join pf.sessions s on s.tenant = asked.tenant and s.session = asked.session
  left join pf.leases l on l.tenant = s.tenant and l.session = s.session
  order by s.tenant, s.session for update of s`;

/** A row to hold, also against a takeover that is making one at this moment. */
export const CREATE_SESSIONS = `
  insert into pf.sessions (tenant, session)
  select * from unnest($1::text[], $2::text[]) as missing (tenant, session) order by tenant, session
  on conflict (tenant, session) do nothing`;

/**
 * Bytes travel as one value each and are cut up by the server: arrays of them would go as text, twice as long
 * and escaped byte by byte.
 */
export const INSERT_STATEMENTS = `
  insert into pf.statements (log_index, digest, tenant, session, seq, type, id, principal, verdict, issued_at,
    writer, envelope, salt, sealed_record)
  select $1::bigint + position - 1, substring($2::bytea from (position * 32 - 31)::int for 32),
    tenant, session, seq, type, id, principal, verdict, issued_at, writer,
    substring($3::bytea from envelope_from for envelope_bytes),
    substring($4::bytea from (position * 32 - 31)::int for 32),
    substring($5::bytea from record_from for record_bytes)
  from rows from (json_to_recordset($6::json) as (tenant text, session text, seq bigint, type text, id text,
    principal text, verdict text, issued_at bigint, writer text, envelope_from int, envelope_bytes int,
    record_from int, record_bytes int)) with ordinality as rows (tenant, session, seq, type, id, principal,
    verdict, issued_at, writer, envelope_from, envelope_bytes, record_from, record_bytes, position)`;

export const INSERT_SUPERSEDED = `
  insert into pf.superseded (digest, tenant, session, seq, type, principal, issued_at, writer, fence, envelope,
    salt, sealed_record)
  values (decode($1, 'hex'), $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`;

export const SAVE_SESSIONS = `
  update pf.sessions s set seq = changed.seq, digest = decode(changed.digest, 'hex'), fence = changed.fence
  from unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::bigint[])
    as changed (tenant, session, seq, digest, fence)
  where s.tenant = changed.tenant and s.session = changed.session`;

export const SAVE_TILES = `
  insert into pf.tiles (level, tile, hashes)
  select level, tile, substring($3::bytea from hashes_from for bytes)
  from unnest($1::smallint[], $2::bigint[], $4::int[], $5::int[]) as t (level, tile, hashes_from, bytes)
  on conflict (level, tile) do update set hashes = excluded.hashes`;

export const SAVE_STATE = `
  with saved as (update pf.log_state set size = $1, root = $2, checkpoint = $3)
  insert into pf.writers (writer, position) select * from unnest($4::text[], $5::bigint[])
  on conflict (writer) do update set position = excluded.position`;

/** Wakes whoever waits for the ledger to grow; with the transaction, or not at all. */
export const NOTIFY = `select pg_notify('pf_ledger', $1)`;

interface Piece {
  readonly from: number;
  readonly bytes: number;
}

/** The pieces one after the other, and where each is, counted from 1 as SQL does. */
function joined(parts: readonly Uint8Array[]): { readonly whole: Buffer; readonly pieces: readonly Piece[] } {
  let end = 0;
  const pieces = parts.map((part) => {
    const piece = { from: end + 1, bytes: part.length };
    end += part.length;
    return piece;
  });
  return { whole: Buffer.concat(parts, end), pieces };
}

export function statementValues(firstIndex: number, added: AppendPlan['added']): unknown[] {
  const envelopes = joined(added.map(({ prepared }) => prepared.entry.envelope));
  const records = joined(added.map(({ prepared }) => prepared.entry.sealedRecord ?? new Uint8Array(0)));
  const rows = added.map(({ prepared, writer }, place) => {
    const { entry, id, principal, verdict } = prepared;
    const { tenant, session, seq, type, issuedAt, sealedRecord } = entry;
    const [envelope, record] = [envelopes.pieces[place] as Piece, records.pieces[place] as Piece];
    return {
      tenant,
      session,
      seq,
      type,
      id,
      principal,
      verdict,
      issued_at: issuedAt,
      writer,
      envelope_from: envelope.from,
      envelope_bytes: envelope.bytes,
      record_from: record.from,
      // A piece of unknown length is no piece: null stays null, and an empty record stays empty.
      record_bytes: sealedRecord === null ? null : record.bytes,
    };
  });
  return [
    firstIndex,
    digestBytes(added.map(({ prepared }) => prepared)),
    envelopes.whole,
    Buffer.concat(added.map(({ prepared }) => prepared.entry.salt)),
    records.whole,
    JSON.stringify(rows),
  ];
}

export function tileValues(tiles: readonly TreeTile[]): unknown[] {
  const { whole, pieces } = joined(tiles.map(({ hashes }) => hashes));
  return [
    tiles.map(({ level }) => level),
    tiles.map(({ tile }) => tile),
    whole,
    pieces.map(({ from }) => from),
    pieces.map(({ bytes }) => bytes),
  ];
}

export function sessionValues(sessions: ReadonlyMap<string, StoredSession>): unknown[] {
  const rows = [...sessions.values()];
  return [
    ...namesOf(sessions.keys()),
    rows.map(({ seq }) => seq),
    rows.map(({ digest }) => digest),
    rows.map(({ fence }) => fence),
  ];
}

/** Tenants and sessions of keys, as two columns. */
export function namesOf(keys: Iterable<string>): [tenants: string[], sessions: string[]] {
  const pairs = [...keys].map((key) => key.split('\n') as [string, string]);
  return [pairs.map(([tenant]) => tenant), pairs.map(([, session]) => session)];
}

function digestBytes(entries: readonly PreparedEntry[]): Buffer {
  return Buffer.from(entries.map(({ entry }) => entry.digest).join(''), 'hex');
}
