import type { JsonValue } from '@provability-fabric/kernel';
import { formatInstant } from '@provability-fabric/policy';
import { requireRole, tenantToRead, tenantToRevokeIn } from '../access.ts';
import type { Metrics } from '../metrics.ts';
import { parseTenant, parseTokenRevocation } from '../operator-shapes.ts';
import type { Log } from '../ports.ts';
import { limitIn, nextLink, oneOf, readQuery } from '../query.ts';
import type { Answer } from '../respond.ts';
import { revoke } from '../revoke.ts';
import type { Call, GuardedRoute } from '../route.ts';
import type { TokenRecords, TokenRow, TokenStatus } from './ports.ts';

const PAGE = { most: 1000, usual: 100 };
const STATUSES: readonly (TokenStatus | 'all')[] = ['active', 'revoked', 'expired', 'all'];
const PATH = '/capability-tokens';

interface Options {
  readonly tokens: TokenRecords;
  now(): number;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'recordRevocations'>;
}

export function tokenRoutes(options: Options): readonly GuardedRoute[] {
  return [
    {
      kind: 'guarded',
      method: 'GET',
      pattern: '/capability-tokens',
      serve: (call) => list(options, call),
    },
    {
      kind: 'guarded',
      method: 'POST',
      pattern: '/capability-tokens/revoke',
      serve(call) {
        const { token_ids, reason, tenant } = parseTokenRevocation(call.body);
        const { identity } = call;
        requireRole(identity, ['operator', 'platform-operator']);
        return revoke(options, identity, tenantToRevokeIn(identity, tenant), { tokenIds: token_ids, reason });
      },
    },
  ];
}

/** Operators too: whoever may revoke must find what to revoke. */
async function list({ tokens, now }: Options, { identity, query }: Call): Promise<Answer> {
  requireRole(identity, ['auditor', 'operator', 'platform-auditor', 'platform-operator']);
  const asked = readQuery(query, ['status', 'tenant', 'limit', 'cursor']);
  const status = oneOf('status', asked.status, { values: STATUSES, usual: 'active' });
  const limit = limitIn(asked.limit, PAGE);
  const tenant = tenantToRead(identity, asked.tenant === undefined ? undefined : parseTenant(asked.tenant));
  const cursor = asked.cursor === undefined ? {} : { cursor: asked.cursor };
  const { rows, next } = await tokens.tokens({ tenant }, { status, now: now(), limit, ...cursor });
  const link = next === null ? {} : { link: nextLink(PATH, { ...asked, limit: `${limit}`, cursor: next }) };
  return { status: 200, headers: link, body: rows.map(rendered) };
}

function rendered(token: TokenRow): JsonValue {
  const { id, tenant, subject, session, audience, roles, capabilities, epoch } = token;
  return {
    token_id: id,
    tenant,
    subject,
    session,
    audience,
    roles: [...roles],
    capabilities: [...capabilities],
    epoch,
    issued_at: formatInstant(token.issuedAt),
    expires_at: formatInstant(token.expiresAt),
    status: token.status,
  };
}
