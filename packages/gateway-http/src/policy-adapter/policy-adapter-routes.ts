import { formatInstant } from '@provability-fabric/policy';
import { requireRole, tenantToChange, tenantToRead, tenantToRevokeIn } from '../access.ts';
import { RequestError } from '../errors.ts';
import type { Metrics } from '../metrics.ts';
import { parseEpoch, parseRevocation, parseTenant } from '../operator-shapes.ts';
import type { Log } from '../ports.ts';
import { limitIn, nextLink, readQuery } from '../query.ts';
import type { Answer } from '../respond.ts';
import { revoke } from '../revoke.ts';
import type { Call, GuardedRoute } from '../route.ts';
import { bundleRoutes } from './bundle-routes.ts';
import type { Authority, Bundles, RevocationRow } from './ports.ts';

export interface PolicyAdapterOptions {
  readonly bundles: Bundles;
  readonly authority: Authority;
  /** ms since the epoch. */
  now(): number;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'recordRevocations' | 'recordPolicyAdapterError'>;
}

const OPERATORS = ['operator', 'platform-operator'] as const;
const READERS = ['auditor', 'operator', 'platform-auditor', 'platform-operator'] as const;
const PAGE = { most: 1000, usual: 100 };

/** What operators change while agents are at work: the bundle, a tenant's epoch, what is revoked. */
export function policyAdapterRoutes(options: PolicyAdapterOptions): readonly GuardedRoute[] {
  const get = { kind: 'guarded', method: 'GET' } as const;
  const post = { kind: 'guarded', method: 'POST' } as const;
  const routes: readonly GuardedRoute[] = [
    ...bundleRoutes(options),
    { ...get, pattern: '/v1/epoch', serve: (call) => showEpoch(options, call) },
    { ...post, pattern: '/v1/epoch', serve: (call) => raiseEpoch(options, call) },
    { ...get, pattern: '/v1/revocations', serve: (call) => listRevocations(options, call) },
    { ...post, pattern: '/v1/revocations', serve: (call) => addRevocations(options, call) },
  ];
  return routes.map((route) => ({ ...route, serve: (call) => counted(options, route.serve(call)) }));
}

/** A refusal is the caller's affair; anything else that goes wrong here is ours. */
async function counted<T>({ metrics }: PolicyAdapterOptions, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof RequestError)) metrics.recordPolicyAdapterError();
    throw error;
  }
}

async function showEpoch({ authority }: PolicyAdapterOptions, { identity, query }: Call): Promise<Answer> {
  requireRole(identity, READERS);
  const { tenant: asked } = readQuery(query, ['tenant']);
  const tenant = asked === undefined ? identity.principal.tenant : parseTenant(asked);
  const mayReadAny = identity.principal.roles.includes('platform-operator');
  if (!mayReadAny) tenantToRead(identity, tenant);
  return { status: 200, body: { tenant, epoch: authority.epoch(tenant) } };
}

/** By one, or to a number: every token of an earlier epoch ends with it. */
async function raiseEpoch(options: PolicyAdapterOptions, { identity, body }: Call): Promise<Answer> {
  const { authority, log } = options;
  requireRole(identity, OPERATORS);
  const asked = parseEpoch(body);
  const tenant = tenantToChange(identity, asked.tenant);
  const before = authority.epoch(tenant);
  const wanted = asked.epoch ?? before + 1;
  if (wanted <= before) {
    const detail = `expected an epoch above the one in force, \`${before}\`, came \`${wanted}\`: epochs only rise`;
    throw new RequestError('EPOCH_NOT_RAISED', detail);
  }
  const epoch = await authority.raiseEpoch(tenant, wanted, identity.principal.id);
  const details = { by: identity.principal.id, tenant, before, epoch };
  log({ level: 'warn', event: 'epoch_raised', tags: ['EPOCH'], latency_ms: 0, details });
  return { status: 200, body: { tenant, epoch } };
}

async function listRevocations(
  { authority }: PolicyAdapterOptions,
  { identity, query }: Call,
): Promise<Answer> {
  requireRole(identity, READERS);
  const asked = readQuery(query, ['tenant', 'limit', 'cursor']);
  const tenant = tenantToRead(identity, asked.tenant === undefined ? undefined : parseTenant(asked.tenant));
  const limit = limitIn(asked.limit, PAGE);
  const cursor = asked.cursor === undefined ? {} : { cursor: asked.cursor };
  const { rows, next } = await authority.revocations({ tenant }, { limit, ...cursor });
  const parameters = { ...asked, limit: `${limit}`, cursor: next ?? '' };
  const link = next === null ? {} : { link: nextLink('/v1/revocations', parameters) };
  return { status: 200, headers: link, body: rows.map(rendered) };
}

async function addRevocations(options: PolicyAdapterOptions, { identity, body }: Call): Promise<Answer> {
  requireRole(identity, OPERATORS);
  const { token_ids, principals, reason, tenant } = parseRevocation(body);
  const { authority, now, log, metrics } = options;
  const owner = tenantToRevokeIn(identity, tenant);
  // A principal's id says nothing without its tenant.
  if (principals !== undefined && owner === null)
    throw new RequestError('REQUEST_MALFORMED', 'expected `tenant`, whose principals these are, came none');
  return revoke({ tokens: authority, now, log, metrics }, identity, owner, {
    ...(token_ids !== undefined && { tokenIds: token_ids }),
    ...(principals !== undefined && { principals: principals.map((id) => ({ tenant: owner ?? '', id })) }),
    reason,
  });
}

function rendered({ kind, id, tenant, reason, by, at }: RevocationRow) {
  return { kind, id, tenant, reason, by, at: formatInstant(at) };
}
