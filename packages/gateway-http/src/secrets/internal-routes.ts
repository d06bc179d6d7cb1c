import type { Answer } from '../respond.ts';
import type { Call, GuardedRoute } from '../route.ts';
import { callerOf, tenantOf } from './caller.ts';
import type { SecretFingerprints, SecretUseCases } from './ports.ts';
import { parseFingerprints, parseUse } from './request-shapes.ts';

interface Options {
  readonly secrets: SecretUseCases;
  readonly fingerprints: SecretFingerprints;
}

/** For sidecars: a value for a tool that the bundle permits, and what recognises values that must not pass. */
export function internalRoutes({ secrets, fingerprints }: Options): readonly GuardedRoute[] {
  return [
    {
      kind: 'guarded',
      method: 'POST',
      pattern: '/internal/secrets/use',
      serve: (call) => use(secrets, call),
    },
    {
      kind: 'guarded',
      method: 'POST',
      pattern: '/internal/secrets/fingerprints',
      serve: (call) => recognise(fingerprints, call),
    },
  ];
}

async function use(secrets: SecretUseCases, call: Call): Promise<Answer> {
  const { tenant, secret, ...request } = parseUse(call.body);
  const target = { tenant: tenantOf(call, tenant), name: secret };
  const { value, version } = await secrets.use(callerOf(call), target, request);
  return { status: 200, body: { value, version } };
}

async function recognise(port: SecretFingerprints, call: Call): Promise<Answer> {
  const { tenant, etag: known } = parseFingerprints(call.body);
  const { etag, fingerprints } = await port.of(callerOf(call), tenantOf(call, tenant), known ?? null);
  return { status: 200, body: { etag, fingerprints } };
}
