import { readQuery } from '../query.ts';
import type { Answer } from '../respond.ts';
import type { Call, GuardedRoute } from '../route.ts';
import { callerOf, nameOf, tenantOf, versionOf } from './caller.ts';
import type { SecretUseCases } from './ports.ts';
import { NOTHING, renderedComparison, renderedDescription, renderedMetadata } from './rendering.ts';
import {
  metadataChange,
  parseCompare,
  parseErase,
  parseMetadata,
  parsePlace,
  parseVersions,
} from './request-shapes.ts';

/** Versions and metadata of a secret. */
export function adminRoutes(secrets: SecretUseCases): readonly GuardedRoute[] {
  const post = { kind: 'guarded', method: 'POST' } as const;
  return [
    {
      kind: 'guarded',
      method: 'GET',
      pattern: '/admin/secrets/versions/:tenant/*',
      serve: (call) => versions(secrets, call),
    },
    { ...post, pattern: '/admin/secrets/compare', serve: (call) => compare(secrets, call) },
    { ...post, pattern: '/admin/secrets/undelete', serve: (call) => undelete(secrets, call) },
    { ...post, pattern: '/admin/secrets/destroy', serve: (call) => destroy(secrets, call) },
    { ...post, pattern: '/admin/secrets/remove', serve: (call) => remove(secrets, call) },
    { ...post, pattern: '/admin/secrets/erase', serve: (call) => erase(secrets, call) },
    { ...post, pattern: '/admin/secrets/metadata', serve: (call) => changeMetadata(secrets, call) },
  ];
}

async function versions(secrets: SecretUseCases, call: Call): Promise<Answer> {
  readQuery(call.query, []);
  const target = { tenant: tenantOf(call, call.params.tenant), name: nameOf(call) };
  return { status: 200, body: renderedDescription(await secrets.describe(callerOf(call), target)) };
}

async function compare(secrets: SecretUseCases, call: Call): Promise<Answer> {
  const { tenantId, secretKey, from, to } = parseCompare(call.body);
  const target = { tenant: tenantOf(call, tenantId), name: secretKey };
  const compared = await secrets.compare(callerOf(call), target, versionOf(`${from}`), versionOf(`${to}`));
  return { status: 200, body: renderedComparison(compared) };
}

async function undelete(secrets: SecretUseCases, call: Call): Promise<Answer> {
  const { tenantId, secretKey, versions: which } = parseVersions(call.body);
  await secrets.undelete(callerOf(call), { tenant: tenantOf(call, tenantId), name: secretKey }, which);
  return NOTHING;
}

async function destroy(secrets: SecretUseCases, call: Call): Promise<Answer> {
  const { tenantId, secretKey, versions: which } = parseVersions(call.body);
  await secrets.destroy(callerOf(call), { tenant: tenantOf(call, tenantId), name: secretKey }, which);
  return NOTHING;
}

async function remove(secrets: SecretUseCases, call: Call): Promise<Answer> {
  const { tenantId, secretKey } = parsePlace(call.body);
  await secrets.remove(callerOf(call), { tenant: tenantOf(call, tenantId), name: secretKey });
  return NOTHING;
}

/** Everything of a tenant, which has to be named: a body that was forgotten erases nothing. */
async function erase(secrets: SecretUseCases, call: Call): Promise<Answer> {
  const { tenantId } = parseErase(call.body);
  await secrets.eraseTenant(callerOf(call), tenantId);
  return NOTHING;
}

async function changeMetadata(secrets: SecretUseCases, call: Call): Promise<Answer> {
  const { tenantId, secretKey, metadata } = parseMetadata(call.body);
  const target = { tenant: tenantOf(call, tenantId), name: secretKey };
  const changed = await secrets.changeMetadata(callerOf(call), target, metadataChange(metadata));
  return { status: 200, body: renderedMetadata(changed) };
}
