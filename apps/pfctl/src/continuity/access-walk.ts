import {
  fromBase64,
  hex,
  isJsonObject,
  type JsonObject,
  parseEnvelope,
  parseJsonBytes,
} from '@provability-fabric/kernel';
import {
  type AccessStatement,
  type Database,
  hasSecretAudit,
  readAccessStatements,
  readAuditRows,
  readListed,
  type StoredAccess,
  type StoredStatement,
} from '@provability-fabric/storage';
import type { AccessContinuity, LoneAccess } from './continuity.ts';

/** A row follows its statement at once, the ledger within the lag that a fabric may have (evidence_max_lag). */
const PENDING_MS = 120_000;
/** So long rows are kept; statements are kept for longer. */
const KEPT_MS = 89 * 86_400_000;
const PAGE = 1000;
const MOST_KEPT = 1000;

interface Times {
  readonly since: number;
  readonly now: number;
}

/** Holds the accesses to secrets in the ledger against the rows of `secret_audit_logs`, and these against the ledger. */
export class AccessWalk {
  readonly #database: Database;
  readonly #since: number;
  readonly #now: number;
  /** Statements that are yet to be held against rows. */
  #waiting: (LoneAccess & { readonly ms: number })[] = [];
  readonly #unlisted = new Kept();
  #statements = 0;
  #pending = 0;

  private constructor(database: Database, { since, now }: Times) {
    this.#database = database;
    this.#since = since;
    this.#now = now;
  }

  /** undefined where the database has no such table. */
  static async over(database: Database, times: Times): Promise<AccessWalk | undefined> {
    return (await hasSecretAudit(database)) ? new AccessWalk(database, times) : undefined;
  }

  take({ issuedAt, digest }: StoredStatement, statement: JsonObject): void {
    if (issuedAt < this.#since) return;
    this.#statements += 1;
    if (issuedAt < this.#now - KEPT_MS) return;
    this.#waiting.push({ ms: issuedAt, ...saidBy(statement), at: instant(issuedAt), digest: hex(digest) });
  }

  /** To be called now and then: what is held in memory until then grows. */
  async compare(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = [];
    if (waiting.length === 0) return;
    const times = waiting.map(({ ms }) => ms);
    const digests = waiting.map(({ digest }) => digest as string);
    const [from, to] = [times.reduce((a, b) => Math.min(a, b)), times.reduce((a, b) => Math.max(a, b))];
    const listed = await readListed(this.#database, digests, from, to);
    for (const { ms, ...access } of waiting) {
      if (listed.has(access.digest as string)) continue;
      if (ms > this.#now - PENDING_MS) this.#pending += 1;
      else this.#unlisted.add(access);
    }
  }

  async finish(): Promise<AccessContinuity> {
    await this.compare();
    const unattested = new Kept();
    let rows = 0;
    for await (const page of readAuditRows(this.#database, this.#since, PAGE)) {
      rows += page.length;
      const digests = page.flatMap(({ digest }) => (digest === null ? [] : [digest]));
      const found = await readAccessStatements(this.#database, digests);
      const statements = new Map(found.map((one) => [hex(one.digest), one]));
      for (const row of page) {
        const statement = row.digest === null ? undefined : statements.get(row.digest);
        if (statement !== undefined && isSaidBy(row, statement)) continue;
        // Named and not there yet: the journal has it before the ledger does.
        const isPending = row.digest !== null && statement === undefined && this.#isYoung(row);
        if (isPending) this.#pending += 1;
        else unattested.add(loneRow(row));
      }
    }
    return {
      rows,
      statements: this.#statements,
      pending: this.#pending,
      unattested: unattested.kept,
      unattestedCount: unattested.count,
      unlisted: this.#unlisted.kept,
      unlistedCount: this.#unlisted.count,
    };
  }

  #isYoung({ micros }: StoredAccess): boolean {
    const ms = micros / 1000;
    return ms > this.#now - PENDING_MS && ms < this.#now + PENDING_MS;
  }
}

/** Whoever can write to the database decides how many there are. */
class Kept {
  readonly kept: LoneAccess[] = [];
  count = 0;

  add(access: LoneAccess): void {
    this.count += 1;
    if (this.kept.length < MOST_KEPT) this.kept.push(access);
  }
}

type Said = Pick<LoneAccess, 'tenant' | 'user' | 'action' | 'secret' | 'result'>;

function saidBy(statement: JsonObject): Said {
  const text = (name: string) => {
    const value = Object.hasOwn(statement, name) ? statement[name] : undefined;
    return typeof value === 'string' ? value : '';
  };
  return {
    tenant: text('tenant'),
    user: text('principal'),
    action: text('action'),
    secret: text('secret'),
    result: text('result'),
  };
}

/** A row may name a statement that says something else; of one that was erased only the name is left. */
function isSaidBy(row: StoredAccess, { type, envelope }: AccessStatement): boolean {
  if (type !== 'secret-access') return false;
  if (envelope === null) return true;
  const statement = parseJsonBytes(fromBase64(parseEnvelope(parseJsonBytes(envelope)).payload));
  if (!isJsonObject(statement)) return false;
  const said = saidBy(statement);
  return (Object.keys(said) as (keyof Said)[]).every((name) => said[name] === row[name]);
}

function loneRow({ micros, tenant, user, action, secret, result, digest }: StoredAccess): LoneAccess {
  return { at: instant(Math.floor(micros / 1000)), tenant, user, action, secret, result, digest };
}

function instant(ms: number): string {
  return new Date(ms).toISOString();
}
