import { nodeCrypto } from '@provability-fabric/evidence';
import { asDigest, type Crypto, hex, type JsonObject } from '@provability-fabric/kernel';
import {
  isRecordType,
  parseRecordSession,
  type RecordSessionPrefix,
  recordSession,
} from '@provability-fabric/statements';
import {
  type Database,
  findIndexSince,
  readLedgerState,
  readNamedSessions,
  readStatementDigests,
  readStoredStatements,
  type StoredStatement,
} from '@provability-fabric/storage';
import { checkStatement } from '../ledger/check-statement.ts';
import { Findings } from '../ledger/findings.ts';
import { SessionChains } from '../ledger/session-chains.ts';
import { AccessWalk } from './access-walk.ts';
import type { Continuity } from './continuity.ts';

const MISSING: Readonly<Record<RecordSessionPrefix, string>> = {
  'secrets:': 'accesses to secrets',
  'changes:': 'governed changes',
};
const BATCH = { rows: 2048, bytes: 16 * 1024 * 1024 };

/**
 * Whether the evidence of the time since then is without a gap: no entry of the log is missing, every session goes on from
 * where it was, and accesses to secrets are in both of their places. undefined where the database has no ledger. Only what
 * was added since is read; `ledger verify` holds all of it against the checkpoint.
 */
export async function ledgerContinuity(
  database: Database,
  { since, now }: { readonly since: number; readonly now: number },
): Promise<Continuity | undefined> {
  const state = await readLedgerState(database);
  if (state === undefined) return undefined;
  const findings = new Findings();
  const walk = new Walk(nodeCrypto(), database, findings);
  const accesses = await AccessWalk.over(database, { since, now });
  const { size } = state;
  for (let next = await findIndexSince(database, since, size); next < size; )
    next = await walk.step(next, size, accesses);
  await walk.finish(size);
  return {
    source: 'ledger',
    origin: state.origin,
    since: new Date(since).toISOString(),
    statements: walk.statements,
    sessions: walk.chains.count,
    findings: findings.kept,
    findingCount: findings.count,
    accesses: accesses === undefined ? null : await accesses.finish(),
  };
}

interface SessionName {
  readonly tenant: string;
  readonly session: string;
}

class Walk {
  readonly #crypto: Crypto;
  readonly #database: Database;
  readonly #findings: Findings;
  readonly chains: SessionChains;
  /** By tenant and session, those that were met. */
  readonly #met = new Map<string, SessionName>();
  /** First statements of sessions of facts, and what they say that they continue. */
  readonly #continuing: (SessionName & { readonly continues: unknown })[] = [];
  statements = 0;

  constructor(crypto: Crypto, database: Database, findings: Findings) {
    this.#crypto = crypto;
    this.#database = database;
    this.#findings = findings;
    this.chains = new SessionChains(findings);
  }

  async step(next: number, size: number, accesses: AccessWalk | undefined): Promise<number> {
    const below = Math.min(size, next + BATCH.rows);
    const rows = await readStoredStatements(this.#database, next, below, BATCH);
    const end = (rows.at(-1)?.index ?? below - 1) + 1;
    await this.#begin(rows);
    let expected = next;
    for (const row of rows) {
      this.#missing(expected, row.index);
      expected = row.index + 1;
      const statement = this.#entry(row);
      if (statement !== undefined && row.type === 'secret-access') accesses?.take(row, statement);
    }
    this.#missing(expected, end);
    await accesses?.compare();
    return end;
  }

  async finish(size: number): Promise<void> {
    await this.chains.compare(readNamedSessions(this.#database, [...this.#met.values()]), size);
    await this.#compareContinuing();
  }

  /** Where sessions were that began before: what they go on from has to be there. */
  async #begin(rows: readonly StoredStatement[]): Promise<void> {
    const before: (SessionName & { readonly seq: number })[] = [];
    for (const { tenant, session, seq } of rows) {
      if (session === null || seq === null) continue;
      const key = keyOf(tenant, session);
      if (this.#met.has(key)) continue;
      this.#met.set(key, { tenant, session });
      if (seq > 0) before.push({ tenant, session, seq: seq - 1 });
    }
    const found = await readStatementDigests(this.#database, before);
    for (const { tenant, session, seq, digest } of found)
      this.chains.begin(tenant, session, seq, asDigest(hex(digest)));
  }

  #entry(row: StoredStatement): JsonObject | undefined {
    this.statements++;
    if (row.envelope === null) {
      this.chains.follow(row, undefined);
      return undefined;
    }
    const checked = checkStatement(this.#crypto, row, row.envelope);
    if (!checked.ok) {
      const place = row.session === null ? row.tenant : `${row.tenant}/${row.session} seq ${row.seq}`;
      this.#findings.add('STATEMENT', `entry ${row.index} (${place})`, checked.problem);
    }
    this.chains.follow(row, checked.ok ? checked.previous : undefined);
    if (!checked.ok) return undefined;
    const { tenant, session, seq, type } = row;
    if (isRecordType(type) && seq === 0 && session !== null)
      this.#continuing.push({ tenant, session, continues: checked.statement.continues });
    return checked.statement;
  }

  /** Sessions of facts are numbered: between one and the next nothing may be left out. */
  async #compareContinuing(): Promise<void> {
    const wanted = this.#continuing.flatMap(({ tenant, session, continues }) => {
      const place = parseRecordSession(session);
      if (place === undefined || place.number === 0) return [];
      const before = recordSession({ ...place, number: place.number - 1 });
      return [{ tenant, session, before, continues, missing: MISSING[place.prefix] }];
    });
    const ends = new Map<string, Uint8Array | null>();
    const names = wanted.map(({ tenant, before }) => ({ tenant, session: before }));
    for await (const { tenant, session, stored } of readNamedSessions(this.#database, names))
      ends.set(keyOf(tenant, session), stored);
    for (const { tenant, session, before, continues, missing } of wanted) {
      const end = ends.get(keyOf(tenant, before)) ?? null;
      if (end !== null && hex(end) === continues) continue;
      const message = `it was not begun where session ${before} ends: ${missing} are missing between them`;
      this.#findings.addOnce('SESSION', `session ${tenant}/${session}`, message);
    }
  }

  #missing(from: number, to: number): void {
    if (from >= to) return;
    const where = to - from === 1 ? `entry ${from}` : `entries ${from} to ${to - 1}`;
    this.#findings.add('STATEMENT', where, to - from === 1 ? 'it is missing' : 'they are missing');
  }
}

/** Names hold no NUL, so no two pairs share a key. */
function keyOf(tenant: string, session: string): string {
  return `${tenant}\0${session}`;
}
