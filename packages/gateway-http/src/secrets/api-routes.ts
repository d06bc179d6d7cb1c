import { SecretError } from '@provability-fabric/secrets';
import { RequestError } from '../errors.ts';
import { limitIn, nextLink, readQuery } from '../query.ts';
import type { Answer } from '../respond.ts';
import type { Call, GuardedRoute } from '../route.ts';
import { callerOf, nameOf, tenantOf, versionOf } from './caller.ts';
import type { FirstAnswers } from './first-answers.ts';
import type { SecretUseCases } from './ports.ts';
import { NOTHING, renderedSecret, renderedVersion } from './rendering.ts';
import { metadataChange, parseWrite, requireShort } from './request-shapes.ts';

interface Options {
  readonly secrets: SecretUseCases;
  readonly answers: FirstAnswers;
}

const PAGE = { most: 1000, usual: 100 };
/** What `/api/test/secret-access` reads. */
const TEST_SECRET = 'test';

/** Secrets by name, in the tenant of the token; a platform role names another with `?tenant=`. */
export function apiRoutes(options: Options): readonly GuardedRoute[] {
  const { secrets } = options;
  return [
    { kind: 'guarded', method: 'GET', pattern: '/api/secrets', serve: (call) => list(secrets, call) },
    { kind: 'guarded', method: 'GET', pattern: '/api/secrets/*', serve: (call) => read(secrets, call) },
    { kind: 'guarded', method: 'PUT', pattern: '/api/secrets/*', serve: (call) => write(options, call) },
    { kind: 'guarded', method: 'DELETE', pattern: '/api/secrets/*', serve: (call) => remove(secrets, call) },
    {
      kind: 'guarded',
      method: 'GET',
      pattern: '/api/test/secret-access',
      serve: (call) => test(secrets, call),
    },
  ];
}

async function list(secrets: SecretUseCases, call: Call): Promise<Answer> {
  const asked = readQuery(call.query, ['prefix', 'limit', 'cursor', 'tenant']);
  const limit = limitIn(asked.limit, PAGE);
  const { prefix = '', cursor, tenant } = asked;
  const page = { prefix, limit, ...(cursor !== undefined && { cursor }) };
  const { names, cursor: next } = await secrets.list(callerOf(call), tenantOf(call, tenant), page);
  const parameters = { ...asked, limit: `${limit}`, cursor: next ?? '' };
  const link = next === null ? {} : { link: nextLink('/api/secrets', parameters) };
  return { status: 200, headers: link, body: names.map((name) => ({ name })) };
}

async function read(secrets: SecretUseCases, call: Call): Promise<Answer> {
  const { version, tenant } = readQuery(call.query, ['version', 'tenant']);
  const target = { tenant: tenantOf(call, tenant), name: nameOf(call) };
  const secret = await secrets.read(callerOf(call), target, versionOf(version));
  return { status: 200, body: renderedSecret(target.name, secret) };
}

async function write({ secrets, answers }: Options, call: Call): Promise<Answer> {
  const { tenant: asked } = readQuery(call.query, ['tenant']);
  const { value, cas, description, metadata } = parseWrite(call.body);
  requireShort(value);
  const tenant = tenantOf(call, asked);
  const name = nameOf(call);
  return answers.once(call, ['PUT', tenant, name], async () => {
    const written = await secrets.write(
      callerOf(call),
      { tenant, name },
      {
        value,
        ...(cas !== undefined && { cas }),
        ...(description !== undefined && { description }),
        ...(metadata !== undefined && { metadata: metadataChange(metadata) }),
      },
    );
    return { status: 200, body: { name, version: renderedVersion(written) } };
  });
}

/** Out of sight, not gone: `undelete` brings it back. */
async function remove(secrets: SecretUseCases, call: Call): Promise<Answer> {
  const { version, tenant } = readQuery(call.query, ['version', 'tenant']);
  const target = { tenant: tenantOf(call, tenant), name: nameOf(call) };
  const which = versionOf(version);
  if (typeof which === 'string' && which !== 'current') {
    const detail =
      'expected `version` to be a number here, came an id; `GET /admin/secrets/versions` has both';
    throw new RequestError('REQUEST_MALFORMED', detail);
  }
  await secrets.deleteVersions(callerOf(call), target, typeof which === 'number' ? [which] : undefined);
  return NOTHING;
}

/** Whether this token gets at a secret at all, without showing one. */
async function test(secrets: SecretUseCases, call: Call): Promise<Answer> {
  readQuery(call.query, []);
  try {
    await secrets.read(callerOf(call), { tenant: tenantOf(call, undefined), name: TEST_SECRET });
  } catch (error) {
    if (!(error instanceof SecretError) || error.code !== 'SECRET_NOT_FOUND') throw error;
    const mend = 'make one with PUT /api/secrets/test and the body {"value":{"value":"anything"}}';
    throw new RequestError(
      'SECRET_NOT_FOUND',
      `expected a secret \`test\` in this tenant, came none: ${mend}`,
    );
  }
  return { status: 200, body: { success: true } };
}
