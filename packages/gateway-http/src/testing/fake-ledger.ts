import type { JsonValue } from '@provability-fabric/kernel';
import type {
  LedgerReader,
  Page,
  Revoked,
  Revoking,
  Scope,
  StatementQuery,
  StatementRow,
  TokenRecords,
  TokenRow,
} from '../ledger/ports.ts';

interface Kept extends StatementRow {
  readonly tenant: string;
  readonly type: string;
  readonly id: string;
  readonly at: number;
}

/** The error of the real one, by shape: storage is a neighbour that no source here may import. */
export class LedgerError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = 'LedgerError';
    this.code = code;
  }
}

/** Stands in for the ledger: statements in an array, a cursor that is a number in disguise. */
export class FakeLedger implements LedgerReader, TokenRecords {
  readonly kept: Kept[] = [];
  readonly tokenRows: TokenRow[] = [];
  readonly asked: StatementQuery[] = [];
  readonly revocations: (Revoking & Scope)[] = [];
  readonly tiles = new Map<string, Uint8Array>();
  published: string | null = null;
  fault: Error | undefined;

  add(tenant: string, type: string, id: string, at: number): void {
    const index = this.kept.length;
    const statement = { id, tenant, index: 'a member of the statement', at };
    this.kept.push({ tenant, type, id, at, index, statement, signature: `sig-${index}` });
  }

  async statements(query: StatementQuery): Promise<Page<StatementRow>> {
    this.asked.push(query);
    if (this.fault !== undefined) throw this.fault;
    const from =
      query.cursor === undefined ? 0 : Number(/^after-(\d+)$/.exec(query.cursor)?.[1] ?? Number.NaN);
    if (Number.isNaN(from))
      throw new LedgerError('BAD_CURSOR', 'expected a cursor of this ledger, came another');
    const rows = this.#matching(query).filter(({ index }) => index >= from);
    const page = rows.slice(0, query.limit);
    const last = page.at(-1);
    return {
      rows: page,
      next: rows.length > page.length && last !== undefined ? `after-${last.index + 1}` : null,
    };
  }

  async count(query: Omit<StatementQuery, 'limit' | 'cursor'>): Promise<number> {
    return this.#matching(query).length;
  }

  async checkpoint(): Promise<string | null> {
    return this.published;
  }

  async tile(path: string): Promise<Uint8Array | null> {
    return this.tiles.get(path) ?? null;
  }

  async evidence({ tenant }: Scope, id: string): Promise<JsonValue | null> {
    const found = this.kept.find((row) => row.id === id && (tenant === null || row.tenant === tenant));
    return found === undefined ? null : { evidence: found.statement };
  }

  async tokens({ tenant }: Scope, { limit }: { readonly limit: number }): Promise<Page<TokenRow>> {
    const rows = this.tokenRows.filter((row) => tenant === null || row.tenant === tenant);
    return { rows: rows.slice(0, limit), next: rows.length > limit ? 'more' : null };
  }

  async revoke({ tenant }: Scope, revoking: Revoking): Promise<Revoked> {
    this.revocations.push({ ...revoking, tenant });
    const { tokenIds = [], principals = [] } = revoking;
    const revoked = [...tokenIds, ...principals.map(({ id }) => id)];
    return { revoked, unknown: tokenIds.filter((id) => !this.tokenRows.some((row) => row.id === id)) };
  }

  #matching({
    scope,
    types,
    since = 0,
    until = Number.POSITIVE_INFINITY,
  }: Omit<StatementQuery, 'limit'>): Kept[] {
    return this.kept.filter(
      ({ tenant, type, at }) =>
        (scope.tenant === null || tenant === scope.tenant) &&
        types.includes(type) &&
        at >= since &&
        at < until,
    );
  }
}
