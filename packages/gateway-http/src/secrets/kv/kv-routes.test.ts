import { field } from '@provability-fabric/kernel';
import NodeVault from 'node-vault';
import { afterEach, describe, expect, it } from 'vitest';
import { ask, RawClient } from '../../testing/clients.ts';
import { stopServers } from '../../testing/start-server.ts';
import { CANARY, startSecrets } from '../testing/start-secrets.ts';

afterEach(stopServers);

const ADMIN = 'secrets-admin@acme';
const HEAD = {
  request_id: 'r1',
  lease_id: '',
  renewable: false,
  lease_duration: 0,
  wrap_info: null,
  warnings: null,
  auth: null,
  mount_type: 'kv',
};
const FIRST = {
  created_time: '2026-01-01T00:00:00.000Z',
  custom_metadata: null,
  deletion_time: '',
  destroyed: false,
  version: 1,
};

async function startKv() {
  const started = await startSecrets();
  const send = (method: string, path: string, body?: object, headers: Record<string, string> = {}) =>
    ask(started.port, `/v1${path}`, {
      method,
      headers: { 'x-vault-token': ADMIN, 'x-vault-request': 'true', 'x-request-id': 'r1', ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  return { ...started, send };
}

describe('KV version 2, in the bytes that clients parse', () => {
  it('a version is read in Vault’s shape, under the plain and the tenant’s path', async () => {
    const { send } = await startKv();
    for (const path of ['db/primary', 'production/tenants/acme/db/primary']) {
      const came = await send('GET', `/secret/data/${path}?version=1`);
      expect([came.status, came.json]).toEqual([
        200,
        { ...HEAD, data: { data: { password: 'old' }, metadata: FIRST } },
      ]);
    }
    const current = await send('GET', '/secret/data/db/primary?version=0');
    expect(field(field(current.json, 'data'), 'metadata')).toMatchObject({ version: 2 });
  });

  it('another environment is not taken for ours, and another mount is not served', async () => {
    const { send } = await startKv();
    const staging = await send('GET', '/secret/data/staging/tenants/acme/db/primary');
    expect([staging.status, staging.json]).toEqual([
      400,
      { errors: ['expected the environment `production` in the path, came another'] },
    ]);
    const other = await send('GET', '/other/data/db/primary');
    expect([other.status, Object.keys(other.json as object)]).toEqual([404, ['errors']]);
    expect((await send('GET', '/sys/data/db/primary')).status).toBe(404);
  });

  it('what is not there is 404 without a word; what was deleted says so', async () => {
    const { send } = await startKv();
    for (const path of ['/secret/data/none', '/secret/data/db/primary?version=9', '/secret/metadata/none']) {
      const came = await send('GET', path);
      expect([came.status, came.json]).toEqual([404, { errors: [] }]);
    }
    expect((await send('DELETE', '/secret/data/db/primary')).status).toBe(204);
    const deleted = await send('GET', '/secret/data/db/primary');
    const metadata = { ...FIRST, version: 2, deletion_time: '2026-01-01T00:00:05.000Z' };
    expect([deleted.status, deleted.json]).toEqual([404, { ...HEAD, data: { data: null, metadata } }]);
    expect(deleted.text).not.toContain(CANARY);
    expect((await send('POST', '/secret/undelete/db/primary', { versions: [2] })).status).toBe(204);
    expect((await send('GET', '/secret/data/db/primary')).status).toBe(200);
  });

  it('writes are checked and set', async () => {
    const { send, secrets } = await startKv();
    const put = (options: object | undefined, name = 'db/primary') =>
      send('PUT', `/secret/data/${name}`, { data: { a: 'b' }, ...(options && { options }) });
    const stale = await put({ cas: 1 });
    expect([stale.status, stale.json]).toEqual([
      400,
      { errors: ['check-and-set parameter did not match the current version'] },
    ]);
    expect((await put({ cas: 0 }, 'new')).json).toEqual({ ...HEAD, data: FIRST });
    expect((await put({ cas: 2 })).status).toBe(200);
    expect((await put({})).status).toBe(200);
    const required = secrets.kept.get('acme new');
    if (required) required.metadata = { ...required.metadata, casRequired: true };
    const without = await put(undefined, 'new');
    expect([without.status, without.json]).toEqual([
      400,
      { errors: ['check-and-set parameter required for this call'] },
    ]);
    for (const body of [undefined, {}, { data: null }]) {
      const none = await send('POST', '/secret/data/new', body);
      expect([none.status, none.json]).toEqual([400, { errors: ['no data provided'] }]);
    }
    expect((await send('POST', '/secret/data/new', { data: { a: { b: 'c' } } })).status).toBe(400);
    expect((await send('POST', '/secret/data/new', { data: { a: 'b' }, options: { cas: -1 } })).status).toBe(
      400,
    );
  });

  it('a patch keeps what it does not name', async () => {
    const { send, secrets } = await startKv();
    const patch = (body: object) =>
      send('PATCH', '/secret/data/db/primary', body, { 'content-type': 'application/merge-patch+json' });
    const came = await patch({ data: { user: 'app2' } });
    expect([came.status, field(came.json, 'data')]).toMatchObject([200, { version: 3 }]);
    await patch({ data: { user: null, host: 'h' }, options: { cas: 3 } });
    const value = secrets.kept.get('acme db/primary')?.versions[0]?.value;
    expect(value).toEqual({ password: CANARY, host: 'h' });
    expect((await patch({ data: { a: 'b' }, options: { cas: 3 } })).status).toBe(400);
    const none = await send('PATCH', '/secret/data/none', { data: { a: 'b' } });
    expect([none.status, none.json]).toEqual([404, { errors: [] }]);
  });

  it('a folder is listed by `?list=true`: names, and folders with a slash', async () => {
    const { send, secrets } = await startKv();
    for (const name of ['api', 'db/replica', 'db/old/one', 'dbx']) secrets.seed('acme', name, { a: 'b' });
    secrets.seed('globex', 'theirs', { a: 'b' });
    for (const path of [
      '/secret/metadata',
      '/secret/metadata/',
      '/secret/metadata/production/tenants/acme/',
    ]) {
      const came = await send('GET', `${path}?list=true`);
      expect([path, came.json]).toEqual([path, { ...HEAD, data: { keys: ['api', 'db/', 'dbx'] } }]);
    }
    const folder = await send('GET', '/secret/metadata/db?list=true&after=old/&limit=1');
    expect(field(folder.json, 'data')).toEqual({ keys: ['primary'] });
    const empty = await send('GET', '/secret/metadata/nothing/?list=true');
    expect([empty.status, empty.json]).toEqual([404, { errors: [] }]);
  });

  it('the verb LIST does not pass Node’s parser, which is why clients have to ask with GET', async () => {
    const { port } = await startKv();
    const client = new RawClient(port);
    client.write(`LIST /v1/secret/metadata HTTP/1.1\r\nhost: x\r\nx-vault-token: ${ADMIN}\r\n\r\n`);
    await client.ended();
    expect(client.statuses).toEqual([400]);
  });

  it('metadata is shown, changed and patched; subkeys come without values', async () => {
    const { send } = await startKv();
    const change = { max_versions: 5, cas_required: true, custom_metadata: { team: 'a', tier: '1' } };
    expect((await send('POST', '/secret/metadata/db/primary', change)).status).toBe(204);
    const patch = { custom_metadata: { tier: null, owner: 'b' } };
    expect((await send('PATCH', '/secret/metadata/db/primary', patch)).status).toBe(204);
    const shown = await send('GET', '/secret/metadata/db/primary');
    const version = { created_time: FIRST.created_time, deletion_time: '', destroyed: false };
    expect(field(shown.json, 'data')).toEqual({
      cas_required: true,
      created_time: FIRST.created_time,
      current_version: 2,
      custom_metadata: { team: 'a', owner: 'b' },
      delete_version_after: '0s',
      max_versions: 5,
      oldest_version: 1,
      updated_time: '2026-01-01T00:00:05.000Z',
      versions: { 1: version, 2: version },
    });
    const subkeys = await send('GET', '/secret/subkeys/db/primary');
    expect(field(field(subkeys.json, 'data'), 'subkeys')).toEqual({ password: null, user: null });
    expect(subkeys.text).not.toContain(CANARY);
    const aged = await send('POST', '/secret/metadata/db/primary', { delete_version_after: '3h' });
    expect(aged.status).toBe(400);
    expect((await send('PUT', '/secret/destroy/db/primary', { versions: ['1'] })).status).toBe(204);
    expect((await send('PUT', '/secret/delete/db/primary', { versions: [] })).status).toBe(400);
    expect((await send('DELETE', '/secret/metadata/db/primary')).status).toBe(204);
    expect((await send('GET', '/secret/data/db/primary')).status).toBe(404);
  });
});

describe('what clients ask before and around KV', () => {
  it('vault kv’s preflight: which engine, which version', async () => {
    const { send } = await startKv();
    for (const path of ['secret/db/primary', 'secret']) {
      const came = await send('GET', `/sys/internal/ui/mounts/${path}`);
      expect(field(came.json, 'data')).toMatchObject({
        path: 'secret/',
        type: 'kv',
        options: { version: '2' },
      });
    }
    expect((await send('GET', '/sys/internal/ui/mounts/other/db')).status).toBe(403);
  });

  it('health and seal status, for anybody, from memory', async () => {
    const { port, secrets } = await startKv();
    let asked = 0;
    secrets.health = async () => {
      asked += 1;
      return { sealed: true, problems: [] };
    };
    const health = await ask(port, '/v1/sys/health?standbyok=true');
    expect([health.status, health.json]).toMatchObject([
      503,
      { initialized: true, sealed: true, standby: false },
    ]);
    const status = await ask(port, '/v1/sys/seal-status');
    expect([status.status, status.json]).toMatchObject([200, { sealed: true }]);
    expect(asked).toBe(1);
  });

  it('the token they have: its time is told, it is not renewed', async () => {
    const { send } = await startKv();
    const self = await send('GET', '/auth/token/lookup-self');
    const ttl = Math.floor((4_000_000_000_000 - 1_767_225_600_000) / 1000);
    expect(field(self.json, 'data')).toMatchObject({
      id: '',
      type: 'service',
      ttl,
      renewable: false,
      policies: ['secrets-admin'],
      expire_time: '2096-10-02T07:06:40.000Z',
    });
    for (const method of ['POST', 'PUT']) {
      const renewed = await send(method, '/auth/token/renew-self', { increment: 3600 });
      expect(field(renewed.json, 'auth')).toMatchObject({
        client_token: '',
        lease_duration: ttl,
        renewable: false,
      });
    }
  });
});

describe('the npm client node-vault', () => {
  it('reads, writes, patches, lists, deletes and asks for health', async () => {
    const { port, secrets } = await startKv();
    const vault = NodeVault({
      endpoint: `http://127.0.0.1:${port}`,
      token: ADMIN,
      noCustomHTTPVerbs: true,
    });
    const read = await vault.read('secret/data/production/tenants/acme/db/primary');
    expect(read.data.data).toEqual({ password: CANARY, user: 'app' });
    const written = await vault.write('secret/data/app', { data: { k: 'v' }, options: { cas: 0 } });
    expect(written.data.version).toBe(1);
    await vault.update('secret/data/app', { data: { l: 'w' } });
    expect(secrets.kept.get('acme app')?.versions[0]?.value).toEqual({ k: 'v', l: 'w' });
    expect((await vault.list('secret/metadata')).data.keys).toEqual(['app', 'db/']);
    await expect(vault.write('secret/data/app', { data: { k: 'x' }, options: { cas: 1 } })).rejects.toThrow(
      'check-and-set parameter did not match the current version',
    );
    await vault.delete('secret/data/app');
    await expect(vault.read('secret/data/app')).rejects.toThrow('Status 404');
    await vault.write('secret/undelete/app', { versions: [2] });
    await vault.destroySecretVersions({ path: 'app', versions: [1] });
    expect((await vault.read('secret/data/app')).data.metadata.version).toBe(2);
    await vault.delete('secret/metadata/app');
    await expect(vault.read('secret/metadata/app')).rejects.toThrow('Status 404');
    expect(await vault.health()).toMatchObject({ initialized: true, sealed: false });
    expect(await vault.status()).toMatchObject({ sealed: false });
    expect((await vault.tokenLookupSelf()).data.display_name).toBe('secrets-admin-1');
  });

  it('is told permission denied as Vault would', async () => {
    const { port } = await startKv();
    const stranger = NodeVault({ endpoint: `http://127.0.0.1:${port}`, token: 'none-at-all' });
    await expect(stranger.read('secret/data/db/primary')).rejects.toThrow('permission denied');
  });
});
