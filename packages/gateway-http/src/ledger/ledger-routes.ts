import { canonicalBytes, isJsonObject, type JsonValue } from '@provability-fabric/kernel';
import { requireRole, tenantToRead } from '../access.ts';
import { RequestError } from '../errors.ts';
import type { Metrics } from '../metrics.ts';
import { parseTenant } from '../operator-shapes.ts';
import type { Log } from '../ports.ts';
import { instantIn, limitIn, nextLink, readQuery } from '../query.ts';
import type { Answer } from '../respond.ts';
import type { Call, GuardedRoute, Route } from '../route.ts';
import { logRoutes } from './log-routes.ts';
import type { LedgerReader, StatementQuery, StatementRow, TokenRecords } from './ports.ts';
import { tokenRoutes } from './token-routes.ts';

export interface LedgerOptions {
  readonly reader: LedgerReader;
  readonly tokens: TokenRecords;
  /** ms since the epoch. */
  now(): number;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'recordRevocations'>;
}

const PAGE = { most: 1000, usual: 100 };
const AUDITORS = ['auditor', 'platform-auditor'] as const;
const FILTERS = ['since', 'until', 'tenant', 'session', 'principal'] as const;

/** What the ledger answers (CONTRACTS §7): lists of statements, evidence, tokens, and the log itself. */
export function ledgerRoutes(options: LedgerOptions): readonly Route[] {
  const { reader } = options;
  const listed: readonly GuardedRoute[] = [
    { ...GET, pattern: '/receipts', serve: lister(reader, '/receipts', 'access-receipt') },
    {
      ...GET,
      pattern: '/egress-certificates',
      serve: lister(reader, '/egress-certificates', 'egress-certificate'),
    },
    {
      ...GET,
      pattern: '/permission-certificates',
      serve: lister(reader, '/permission-certificates', 'permission-certificate'),
    },
    { ...GET, pattern: '/egress-certificates/count', serve: (call) => count(reader, call) },
    { ...GET, pattern: '/evidence/:id', serve: (call) => evidence(reader, call) },
  ];
  return [...listed, ...tokenRoutes(options), ...logRoutes(reader)];
}

const GET = { kind: 'guarded', method: 'GET' } as const;

function lister(reader: LedgerReader, path: string, type: string) {
  return async (call: Call): Promise<Answer> => {
    requireRole(call.identity, AUDITORS);
    const asked = readQuery(call.query, [...FILTERS, 'limit', 'cursor']);
    const limit = limitIn(asked.limit, PAGE);
    const { rows, next } = await reader.statements({
      ...filterOf(call, asked, type),
      limit,
      ...(asked.cursor !== undefined && { cursor: asked.cursor }),
    });
    const link = next === null ? {} : { link: nextLink(path, { ...asked, limit: `${limit}`, cursor: next }) };
    return { status: 200, headers: link, body: rows.map(rendered) };
  };
}

async function count(reader: LedgerReader, call: Call): Promise<Answer> {
  requireRole(call.identity, AUDITORS);
  const asked = readQuery(call.query, FILTERS);
  return { status: 200, body: { count: await reader.count(filterOf(call, asked, 'egress-certificate')) } };
}

async function evidence(reader: LedgerReader, call: Call): Promise<Answer> {
  requireRole(call.identity, AUDITORS);
  const { tenant } = readQuery(call.query, ['tenant']);
  const scope = { tenant: tenantToRead(call.identity, tenant && parseTenant(tenant)) };
  const { id = '' } = call.params;
  const found = ID.test(id) ? await reader.evidence(scope, id) : null;
  // Another tenant's evidence is not there: saying more would say that it exists.
  if (found === null)
    throw new RequestError('NOT_FOUND', 'expected the id of evidence in the ledger, came another');
  // The very bytes that a verifier takes: it reads nothing but canonical JSON.
  return { status: 200, type: 'application/json', bytes: canonicalBytes(found) };
}

const ID = /^[A-Za-z0-9._:@/+-]{1,128}$/;

function filterOf(
  { identity }: Call,
  { since, until, tenant, session, principal }: { readonly [name in (typeof FILTERS)[number]]?: string },
  type: string,
): Omit<StatementQuery, 'limit' | 'cursor'> {
  const from = instantIn('since', since);
  const to = instantIn('until', until);
  return {
    scope: { tenant: tenantToRead(identity, tenant === undefined ? undefined : parseTenant(tenant)) },
    types: [type],
    ...(session !== undefined && { session }),
    ...(principal !== undefined && { principal }),
    ...(from !== undefined && { since: from }),
    ...(to !== undefined && { until: to }),
  };
}

/** The statement as it was signed, and where it is; its own members win no argument with ours. */
function rendered({ statement, signature, index }: StatementRow): JsonValue {
  if (!isJsonObject(statement)) throw new Error('expected a statement to be an object');
  return { ...statement, signature, index };
}
