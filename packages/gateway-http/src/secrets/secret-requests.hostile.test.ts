import { field } from '@provability-fabric/kernel';
import { SecretError, SecretRateError } from '@provability-fabric/secrets';
import { afterEach, describe, expect, it } from 'vitest';
import { ask, RawClient } from '../testing/clients.ts';
import { stopServers } from '../testing/start-server.ts';
import { CANARY, startSecrets } from './testing/start-secrets.ts';

afterEach(stopServers);

const READER = 'secrets-viewer@acme';
const ADMIN = 'secrets-admin@acme';

describe('a name that is none', () => {
  it.each([
    '../t2/db',
    '..%2ft2%2fdb',
    '%2e%2e%2ft2%2fdb',
    '%2e%2e/t2/db',
    '%252e%252e%252ft2%252fdb',
    'db/../../t2/db',
    'k%3Fversion=1',
    'k%253Fversion%3D1',
    'db%23primary',
    'db%00primary',
    'db//primary',
    '/db/primary',
    'db/primary/',
    'ｄb/primary',
    'db%E2%81%84primary',
    'd%D0%B2/primary',
    'db%20primary',
    'a'.repeat(256),
  ])('is refused before anything is read: %s', async (name) => {
    const { port, secrets } = await startSecrets();
    for (const path of [`/api/secrets/${name}`, `/v1/secret/data/${name}`]) {
      const client = new RawClient(port);
      client.write(`GET ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${READER}\r\n\r\n`);
      await client.saw('\r\n\r\n');
      expect([400, 404]).toContain(client.statuses[0]);
      expect(client.received).not.toContain(CANARY);
      client.socket.destroy();
    }
    expect(secrets.accesses.filter((access) => access.endsWith('SUCCESS'))).toEqual([]);
  });

  it('does not become another by what looks like a query or a fragment', async () => {
    const { port } = await startSecrets();
    const versioned = await ask(port, '/api/secrets/db/primary?version=1', { token: READER });
    expect(field(versioned.json, 'value')).toEqual({ password: 'old' });
    for (const path of [
      '/api/secrets/db/primary?version=1&version=2',
      '/api/secrets/db/primary?Version=1',
      '/api/secrets/db/primary?version=1;tenant=globex',
      '/api/secrets/db/primary?version=-1',
      '/api/secrets/db/primary?version=1e3',
    ])
      expect((await ask(port, path, { token: READER })).status).toBe(400);
    expect((await ask(port, '/api/secrets/db/primary#?version=1', { token: READER })).status).toBe(404);
  });
});

describe('somebody else’s secret', () => {
  it('is not had by a token of another tenant, however the tenant is named', async () => {
    const { port, secrets } = await startSecrets();
    const token = 'secrets-admin@globex';
    const place = '{"tenantId":"acme","secretKey":"db/primary"';
    const tries: [string, string, string?][] = [
      ['GET', '/api/secrets/db/primary?tenant=acme'],
      ['GET', '/api/secrets?tenant=acme'],
      ['PUT', '/api/secrets/db/primary?tenant=acme', '{"value":{"a":"b"}}'],
      ['DELETE', '/api/secrets/db/primary?tenant=acme'],
      ['GET', '/admin/secrets/versions/acme/db/primary'],
      ['GET', '/admin/secrets/schedules/acme/db/primary'],
      ['PUT', '/admin/secrets/schedules/acme/db/primary', '{"everyDays":90}'],
      ['GET', '/admin/secrets/dependants/acme/db/primary'],
      ['DELETE', '/admin/secrets/dependants/acme/db/primary?service=s'],
      ['GET', '/admin/secrets/audit?tenant=acme'],
      ['GET', '/admin/secrets/rotations/00000000-0000-4000-8000-000000000001?tenant=acme'],
      ['POST', '/admin/secrets/rotate', `${place}}`],
      ['POST', '/admin/secrets/rollback', `${place},"targetVersion":1}`],
      ['POST', '/admin/secrets/compare', `${place},"from":1,"to":2}`],
      ['POST', '/admin/secrets/destroy', `${place},"versions":[1]}`],
      ['POST', '/admin/secrets/undelete', `${place},"versions":[1]}`],
      ['POST', '/admin/secrets/remove', `${place}}`],
      ['POST', '/admin/secrets/metadata', `${place},"metadata":{}}`],
      ['POST', '/internal/secrets/fingerprints', '{"tenant":"acme"}'],
      ['GET', '/v1/secret/data/production/tenants/acme/db/primary'],
      ['GET', '/v1/secret/subkeys/production/tenants/acme/db/primary'],
      ['GET', '/v1/secret/metadata/production/tenants/acme/?list=true'],
      ['PATCH', '/v1/secret/data/production/tenants/acme/db/primary', '{"data":{"a":"b"}}'],
    ];
    for (const [method, path, body] of tries) {
      const came = await ask(port, path, { method, token, ...(body !== undefined && { body }) });
      expect([method, path, came.status]).toEqual([method, path, 403]);
      expect(came.text).not.toContain(CANARY);
    }
    expect(secrets.accesses.every((access) => access.endsWith('DENIED'))).toBe(true);
    expect(secrets.accesses).toHaveLength(tries.length);
  });

  it('is not there under its own path for a token of another tenant', async () => {
    const { port } = await startSecrets();
    const came = await ask(port, '/api/secrets/db/primary', { token: 'secrets-admin@globex' });
    expect([came.status, came.code]).toEqual([404, 'SECRET_NOT_FOUND']);
  });

  it('is had by the platform’s role, which names the tenant', async () => {
    const { port } = await startSecrets();
    const token = 'platform-secrets-admin@ops';
    expect((await ask(port, '/api/secrets/db/primary?tenant=acme', { token })).status).toBe(200);
    expect((await ask(port, '/api/secrets/db/primary', { token })).status).toBe(404);
  });
});

describe('a role that may not', () => {
  it.each([
    ['POST', '/admin/secrets/rotate', '{"secretKey":"db/primary"}'],
    ['POST', '/admin/secrets/rollback', '{"secretKey":"db/primary","targetVersion":1}'],
    ['PUT', '/api/secrets/db/primary', '{"value":{"a":"b"}}'],
    ['DELETE', '/api/secrets/db/primary', undefined],
    ['PUT', '/v1/secret/data/db/primary', '{"data":{"a":"b"}}'],
  ])('is refused %s %s before anything is asked', async (method, path, body) => {
    const { port, secrets, rotations, log } = await startSecrets();
    const came = await ask(port, path, { method, token: READER, ...(body !== undefined && { body }) });
    expect(came.status).toBe(403);
    expect(rotations.asked).toEqual([]);
    expect(secrets.kept.get('acme db/primary')?.versions).toHaveLength(2);
    expect(secrets.accesses).toEqual([expect.stringMatching(/acme db\/primary DENIED$/)]);
    expect(log[0]).toMatchObject({ level: 'warn', tags: ['FORBIDDEN'] });
  });
});

describe('a token', () => {
  it('comes in one header alone, so that nobody in between takes another one for ours', async () => {
    const { port, tokens } = await startSecrets();
    const path = '/v1/secret/data/db/primary';
    const alone = await ask(port, path, { headers: { 'x-vault-token': READER } });
    expect(alone.status).toBe(200);
    tokens.seen.length = 0;
    for (const other of ['secrets-viewer@globex', READER]) {
      const both = await ask(port, path, { token: READER, headers: { 'x-vault-token': other } });
      expect([both.status, both.json]).toEqual([403, { errors: ['permission denied'] }]);
    }
    const twice = await ask(port, path, { headers: { 'x-vault-token': [READER, READER] } });
    expect(twice.status).toBe(403);
    expect(tokens.seen).toEqual([]);
  });

  it('in Vault’s header opens nothing but Vault’s paths', async () => {
    const { port } = await startSecrets();
    const came = await ask(port, '/api/secrets/db/primary', { headers: { 'x-vault-token': READER } });
    expect([came.status, came.code]).toEqual([401, 'UNAUTHENTICATED']);
  });

  it('is needed, and Vault’s clients are told in their way', async () => {
    const { port } = await startSecrets();
    const came = await ask(port, '/v1/secret/data/db/primary');
    expect([came.status, came.json]).toEqual([403, { errors: ['permission denied'] }]);
    expect(came.headers['content-type']).toBe('application/json');
  });

  it('is never shown again', async () => {
    const { port } = await startSecrets();
    for (const [method, path] of [
      ['GET', '/v1/auth/token/lookup-self'],
      ['POST', '/v1/auth/token/renew-self'],
    ] as const) {
      const came = await ask(port, path, { method, headers: { 'x-vault-token': READER } });
      expect(came.status).toBe(200);
      expect(came.text).not.toContain(READER);
    }
  });
});

describe('a value', () => {
  it('of 2 MB is refused before it is read, and one of 61,441 bytes by its size', async () => {
    const { port, secrets } = await startSecrets();
    const put = (bytes: number) =>
      ask(port, '/api/secrets/new', {
        method: 'PUT',
        token: ADMIN,
        body: `{"value":{"a":"${'x'.repeat(bytes - 8)}"}}`,
      });
    expect([(await put(2_000_000)).code, (await put(61_441)).code]).toEqual([
      'BODY_TOO_LARGE',
      'BODY_TOO_LARGE',
    ]);
    expect(secrets.accesses).toEqual([]);
    expect((await put(61_440)).status).toBe(200);
    const kv = await ask(port, '/v1/secret/data/new', {
      method: 'PUT',
      token: ADMIN,
      body: `{"data":{"a":"${'x'.repeat(61_433)}"}}`,
    });
    expect(kv.status).toBe(413);
  });

  it('is in no refusal and no log line, whatever is wrong with it', async () => {
    const { port, log, events } = await startSecrets();
    const bodies = [
      `{"value":{"password":["${CANARY}"]}}`,
      `{"value":{"${CANARY}!":"a"}}`,
      `{"value":"${CANARY}"}`,
      `{"value":{"a":"b"},"${CANARY}":1}`,
      `{"value":{"password":"${CANARY}"`,
      `{"value":{"password":"${CANARY}"},"cas":7}`,
      `{"value":{"password":"${CANARY}"},"metadata":{"tags":{"a":["${CANARY}"]}}}`,
    ];
    for (const body of bodies) {
      const came = await ask(port, '/api/secrets/db/primary', { method: 'PUT', token: ADMIN, body });
      expect([400, 409]).toContain(came.status);
      if (!body.includes(`"${CANARY}":1`)) expect(came.text).not.toContain(CANARY);
    }
    expect(JSON.stringify([log, events])).not.toContain(CANARY);
  });

  it('is not in the answer to HEAD, which is an access like any other', async () => {
    const { port, secrets } = await startSecrets();
    for (const path of ['/api/secrets/db/primary', '/v1/secret/data/db/primary']) {
      const client = new RawClient(port);
      client.write(`HEAD ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${READER}\r\n\r\n`);
      await client.saw('\r\n\r\n');
      expect(client.statuses).toEqual([200]);
      expect(client.received).not.toContain(CANARY);
      client.socket.destroy();
    }
    expect(secrets.accesses).toEqual(['read acme db/primary SUCCESS', 'read acme db/primary SUCCESS']);
  });

  it('does not go out in the open to a client that asked for it to be wrapped', async () => {
    const { port, secrets } = await startSecrets();
    const headers = { 'x-vault-token': READER, 'x-vault-wrap-ttl': '60s' };
    const came = await ask(port, '/v1/secret/data/db/primary', { headers });
    expect(came.status).toBe(400);
    expect(secrets.accesses).toEqual([]);
  });

  it('is not kept by anybody on the way', async () => {
    const { port } = await startSecrets();
    for (const path of ['/api/secrets/db/primary', '/v1/secret/data/db/primary', '/v1/sys/health']) {
      const came = await ask(port, path, { token: READER });
      expect([came.status, came.headers['cache-control']]).toEqual([200, 'no-store']);
      expect(came.headers.etag).toBeUndefined();
    }
  });
});

describe('a failure behind the routes', () => {
  it.each([
    ['SECRETS_SEALED', 503, '1'],
    ['PROVIDER_UNAVAILABLE', 503, '1'],
    ['AUDIT_UNAVAILABLE', 503, '1'],
    ['SECRET_RATE_LIMITED', 429, '3'],
    ['PROVIDER_UNSUPPORTED', 501, undefined],
    ['PROVIDER_INCONSISTENT', 502, undefined],
    ['PROVIDER_FORBIDDEN', 502, undefined],
    ['SECRET_DELETED', 404, undefined],
    ['ROTATION_UNDER_WAY', 409, undefined],
  ] as const)('%s is told by its name and %i', async (code, status, retry) => {
    const { port, secrets } = await startSecrets();
    secrets.fault =
      code === 'SECRET_RATE_LIMITED' ? new SecretRateError(2500) : new SecretError(code, 'what was expected');
    const came = await ask(port, '/api/secrets/db/primary', { token: READER });
    expect([came.status, came.code, came.headers['retry-after']]).toEqual([status, code, retry]);
    const kv = await ask(port, '/v1/secret/data/db/primary', { token: READER });
    expect(kv.status).toBe(status === 409 ? 400 : status);
    expect(Object.keys(kv.json as object)).toEqual(['errors']);
    expect(kv.headers['retry-after']).toBe(retry);
  });

  it('says nothing where it was not foreseen: its message may be anything', async () => {
    const { port, secrets, log } = await startSecrets();
    secrets.fault = new Error(CANARY);
    const came = await ask(port, '/api/secrets/db/primary', { token: READER });
    expect([came.status, came.code]).toEqual([500, 'INTERNAL']);
    const kv = await ask(port, '/v1/secret/data/db/primary', { token: READER });
    expect([kv.status, kv.json]).toEqual([500, { errors: ['INTERNAL'] }]);
    expect(JSON.stringify([came.text, kv.text, log])).not.toContain(CANARY);
  });
});
