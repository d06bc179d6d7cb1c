import { afterEach, describe, expect, it } from 'vitest';
import { ask } from '../testing/clients.ts';
import { stopServers } from '../testing/start-server.ts';
import { CANARY, startSecrets } from './testing/start-secrets.ts';

afterEach(stopServers);

const READER = 'secrets-viewer@acme';
const ADMIN = 'secrets-admin@acme';
const SECOND = {
  version: 2,
  id: 'v1767225600002-000002',
  created_at: '2026-01-01T00:00:00.000Z',
  created_by: 'alice',
  description: '',
  state: 'current',
};

describe('secrets by name', () => {
  it('are read with value, version and metadata, the current one or by number or id', async () => {
    const { port, secrets } = await startSecrets();
    const came = await ask(port, '/api/secrets/db/primary', { token: READER });
    expect([came.status, came.json]).toEqual([
      200,
      {
        name: 'db/primary',
        value: { password: CANARY, user: 'app' },
        version: SECOND,
        metadata: { sensitivity: 'medium', tags: {}, max_versions: 10, cas_required: false },
      },
    ]);
    expect(secrets.callers[0]).toMatchObject({
      tenant: 'acme',
      principal: 'secrets-viewer-1',
      roles: ['secrets-viewer'],
      details: { client: '127.0.0.1', token: 'jti-1' },
    });
    const byId = await ask(port, '/api/secrets/db/primary?version=v1767225600001-000001', { token: READER });
    expect(byId.json).toMatchObject({ value: { password: 'old' } });
    expect((await ask(port, '/api/secrets/db/primary?version=9', { token: READER })).code).toBe(
      'SECRET_VERSION_NOT_FOUND',
    );
  });

  it('are written upon the version that the caller has seen', async () => {
    const { port } = await startSecrets();
    const put = (body: string) => ask(port, '/api/secrets/db/primary', { method: 'PUT', token: ADMIN, body });
    expect(await put('{"value":{"password":"p"},"cas":1}')).toMatchObject({
      status: 409,
      code: 'SECRET_CONFLICT',
    });
    const came = await put('{"value":{"password":"p"},"cas":2}');
    expect([came.status, came.json]).toMatchObject([200, { name: 'db/primary', version: { version: 3 } }]);
    expect(came.text).not.toContain('"p"');
  });

  it('are deleted out of sight', async () => {
    const { port } = await startSecrets();
    const gone = await ask(port, '/api/secrets/db/primary', { method: 'DELETE', token: ADMIN });
    expect([gone.status, gone.text]).toEqual([204, '']);
    expect((await ask(port, '/api/secrets/db/primary', { token: READER })).code).toBe('SECRET_DELETED');
    const byId = await ask(port, '/api/secrets/db/primary?version=v1767225600001-000001', {
      method: 'DELETE',
      token: ADMIN,
    });
    expect(byId.status).toBe(400);
  });

  it('are listed page by page', async () => {
    const { port, secrets } = await startSecrets();
    for (const name of ['a', 'db/replica', 'db/x']) secrets.seed('acme', name, { a: 'b' });
    secrets.seed('globex', 'db/theirs', { a: 'b' });
    const first = await ask(port, '/api/secrets?prefix=db/&limit=2', { token: READER });
    expect(first.json).toEqual([{ name: 'db/primary' }, { name: 'db/replica' }]);
    const next = /<([^>]+)>; rel="next"/.exec(`${first.headers.link}`)?.[1] ?? '';
    const second = await ask(port, next, { token: READER });
    expect([second.json, second.headers.link]).toEqual([[{ name: 'db/x' }], undefined]);
  });

  it('are tried by the smoke test, which says how to seed it and shows no value', async () => {
    const { port, secrets } = await startSecrets();
    const none = await ask(port, '/api/test/secret-access', { token: READER });
    expect([none.status, none.code]).toEqual([404, 'SECRET_NOT_FOUND']);
    expect(none.text).toContain('PUT /api/secrets/test');
    secrets.seed('acme', 'test', { value: CANARY });
    const came = await ask(port, '/api/test/secret-access', { token: READER });
    expect(came.text).toBe('{"success":true}');
  });
});

describe('an Idempotency-Key', () => {
  const put = (port: number, key: string, body: string, token = ADMIN) =>
    ask(port, '/api/secrets/new', { method: 'PUT', token, body, headers: { 'idempotency-key': key } });

  it('gets a repeat the first answer, and makes no other version', async () => {
    const { port, secrets } = await startSecrets();
    const [first, second] = await Promise.all([
      put(port, 'k1', '{"value":{"a":"b"}}'),
      put(port, 'k1', '{"value":{"a":"b"}}'),
    ]);
    const third = await put(port, 'k1', '{"value":{"a":"b"}}');
    expect([first.text, second.text, third.text]).toEqual(Array(3).fill(first.text));
    expect(secrets.kept.get('acme new')?.versions).toHaveLength(1);
    expect((await put(port, 'k2', '{"value":{"a":"b"}}')).json).toMatchObject({ version: { version: 2 } });
  });

  it('is for one request of one principal', async () => {
    const { port, secrets } = await startSecrets();
    await put(port, 'k1', '{"value":{"a":"b"}}');
    const other = await put(port, 'k1', '{"value":{"a":"c"}}');
    expect([other.status, other.code]).toEqual([409, 'REQUEST_CONFLICT']);
    expect((await put(port, 'k1', '{"value":{"a":"b"}}', 'secrets-viewer@acme')).status).toBe(403);
    const elsewhere = await put(port, 'k1', '{"value":{"a":"b"}}', 'secrets-admin@globex');
    expect(elsewhere.status).toBe(200);
    expect(secrets.kept.get('globex new')?.versions).toHaveLength(1);
  });

  it('of a request that failed can be used again', async () => {
    const { port, secrets } = await startSecrets();
    secrets.fault = new Error('down');
    expect((await put(port, 'k1', '{"value":{"a":"b"}}')).status).toBe(500);
    secrets.fault = undefined;
    expect((await put(port, 'k1', '{"value":{"a":"b"}}')).status).toBe(200);
  });

  it('is one plain text', async () => {
    const { port } = await startSecrets();
    for (const key of ['a b', 'x'.repeat(129), 'a,b'])
      expect((await put(port, key, '{"value":{"a":"b"}}')).status).toBe(400);
  });
});

describe('for sidecars', () => {
  it('a value is used by field, and fingerprints come once', async () => {
    const { port } = await startSecrets();
    const token = 'secrets-sidecar@acme';
    const asked = {
      secret: 'db/primary',
      field: 'password',
      tool: 'query',
      principal: 'agent-1',
      session: 's1',
      certificateId: 'c1',
    };
    const used = await ask(port, '/internal/secrets/use', { token, body: JSON.stringify(asked) });
    expect(used.json).toEqual({ value: CANARY, version: 2 });
    const prints = (body: string) => ask(port, '/internal/secrets/fingerprints', { token, body });
    expect((await prints('{}')).json).toEqual({ etag: 'e1', fingerprints: { key: 'k', entries: [] } });
    expect((await prints('{"etag":"e1"}')).json).toEqual({ etag: 'e1', fingerprints: null });
    const { field: _, ...without } = asked;
    expect((await ask(port, '/internal/secrets/use', { token, body: JSON.stringify(without) })).status).toBe(
      400,
    );
  });
});
