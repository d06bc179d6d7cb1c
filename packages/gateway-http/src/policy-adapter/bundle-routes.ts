import { field, type JsonObject, type JsonValue } from '@provability-fabric/kernel';
import { type Role, requireRole } from '../access.ts';
import { RequestError } from '../errors.ts';
import type { Scope } from '../ledger/ports.ts';
import { parseActivation, parseBundleName } from '../operator-shapes.ts';
import type { Identity, Log } from '../ports.ts';
import { readQuery } from '../query.ts';
import type { Answer } from '../respond.ts';
import type { Call, GuardedRoute } from '../route.ts';
import type { BundleSummary, Bundles } from './ports.ts';

interface Options {
  readonly bundles: Bundles;
  readonly log: Log;
}

export function bundleRoutes(options: Options): readonly GuardedRoute[] {
  return [
    { kind: 'guarded', method: 'GET', pattern: '/v1/bundles', serve: (call) => list(options, call) },
    { kind: 'guarded', method: 'POST', pattern: '/v1/bundles', serve: (call) => activate(options, call) },
  ];
}

async function list({ bundles }: Options, { identity, query }: Call): Promise<Answer> {
  requireRole(identity, ['auditor', 'operator', 'platform-auditor', 'platform-operator']);
  const { name } = readQuery(query, ['name']);
  const scope = scopeOf(identity, ['platform-auditor', 'platform-operator']);
  const { active, archived } = await bundles.list(scope, name === undefined ? name : parseBundleName(name));
  return { status: 200, body: { active: active && rendered(active), archived: archived.map(rendered) } };
}

/** Compiled elsewhere and checked here: the text of a bundle decides nothing until it has become the one in force. */
async function activate({ bundles, log }: Options, { identity, body }: Call): Promise<Answer> {
  requireRole(identity, ['operator', 'platform-operator']);
  const { bundle } = parseActivation(body);
  const { tenant, id } = identity.principal;
  requireOwnTenants(identity, tenantsOf(bundle));
  const activation = await bundles.activate(scopeOf(identity, ['platform-operator']), bundle, id);
  if (!activation.ok) {
    const { code, problem } = activation;
    const details = { by: id, tenant, code };
    log({ level: 'warn', event: 'bundle_refused', tags: ['REJECT'], latency_ms: 0, details });
    throw new RequestError(code, problem);
  }
  const { name, version, digest } = activation.bundle;
  const details = { by: id, tenant, bundle: name, version, digest };
  log({ level: 'warn', event: 'bundle_activated', tags: [], latency_ms: 0, details });
  return { status: 200, body: { active: rendered(activation.bundle) } };
}

function scopeOf({ principal }: Identity, platform: readonly Role[]): Scope {
  return { tenant: platform.some((role) => principal.roles.includes(role)) ? null : principal.tenant };
}

/** A bundle decides for all of its tenants: whoever answers for one must not change the rules of another. */
function requireOwnTenants({ principal }: Identity, tenants: readonly JsonValue[]): void {
  if (principal.roles.includes('platform-operator')) return;
  if (tenants.every((tenant) => tenant === principal.tenant)) return;
  const mend = 'expected a bundle for the tenant of this token alone, or the role `platform-operator`';
  throw new RequestError('FORBIDDEN', `a bundle decides for all of its tenants; ${mend}`);
}

/** Whether these are well-formed is found out when it is activated; here they only narrow. */
function tenantsOf(bundle: JsonObject): readonly JsonValue[] {
  const tenants = field(bundle, 'tenants');
  return Array.isArray(tenants) ? tenants : [];
}

function rendered({ name, version, digest, tenants }: BundleSummary): JsonValue {
  return { name, version, digest, tenants: [...tenants] };
}
