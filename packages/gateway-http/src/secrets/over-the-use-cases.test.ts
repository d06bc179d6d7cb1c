import { field, type JsonValue } from '@provability-fabric/kernel';
import NodeVault from 'node-vault';
import { afterEach, describe, expect, it } from 'vitest';
import { ask } from '../testing/clients.ts';
import { stopServers } from '../testing/start-server.ts';
import { openSecretsInMemory } from './testing/open-secrets.ts';
import { CANARY, startSecrets } from './testing/start-secrets.ts';

// The other tests hold the routes against a stand-in; these hold them against the use cases and the embedded provider.

const opened: (() => Promise<void>)[] = [];
afterEach(async () => {
  await stopServers();
  await Promise.all(opened.splice(0).map((close) => close()));
});

const ADMIN = 'secrets-admin@acme';

async function start(perPrincipal?: number) {
  const house = await openSecretsInMemory(perPrincipal);
  opened.push(house.close);
  const { port } = await startSecrets({ secrets: house.secrets, rotations: house.rotations });
  const send = (method: string, path: string, body?: JsonValue | object, token = ADMIN) =>
    ask(port, path, { method, token, ...(body !== undefined && { body: JSON.stringify(body) }) });
  const told = () =>
    house.records.map(({ action, secret, result, errorCode }) =>
      [action, secret, result, ...(errorCode === undefined ? [] : [errorCode])].join(' '),
    );
  return { ...house, port, send, told };
}

describe('the life of a secret', () => {
  it('is on record from the first write to its end', async () => {
    const { send, told } = await start();
    expect(
      (await send('PUT', '/api/secrets/db/primary', { value: { password: 'one' }, cas: 0 })).status,
    ).toBe(200);
    expect(
      (await send('PUT', '/api/secrets/db/primary', { value: { password: CANARY }, cas: 0 })).status,
    ).toBe(409);
    const second = await send('PUT', '/api/secrets/db/primary', { value: { password: CANARY } });
    expect(field(second.json, 'version')).toMatchObject({ version: 2, state: 'current' });
    const listed = await send('GET', '/admin/secrets/versions/acme/db/primary');
    const ids = (listed.json as { id: string }[]).map(({ id }) => id);
    expect(ids).toEqual([expect.stringMatching(/^v\d+-[0-9a-z]{6}$/), expect.stringMatching(/^v\d/)]);
    const compared = await send('POST', '/admin/secrets/compare', {
      secretKey: 'db/primary',
      from: 1,
      to: ids[0],
    });
    expect(field(compared.json, 'changes')).toEqual([{ field: 'password', change: 'modified' }]);
    const back = await send('POST', '/admin/secrets/rollback', {
      tenantId: 'acme',
      secretKey: 'db/primary',
      targetVersion: ids[1],
    });
    expect(field(back.json, 'version')).toMatchObject({ version: 3 });
    const read = await send('GET', '/api/secrets/db/primary');
    expect(field(read.json, 'value')).toEqual({ password: 'one' });
    expect((await send('DELETE', '/api/secrets/db/primary')).status).toBe(204);
    expect((await send('GET', '/api/secrets/db/primary')).code).toBe('SECRET_DELETED');
    const gone = await send('GET', '/v1/secret/data/db/primary');
    expect([gone.status, field(gone.json, 'data')]).toMatchObject([
      404,
      { data: null, metadata: { version: 3, destroyed: false } },
    ]);
    await send('POST', '/admin/secrets/undelete', { secretKey: 'db/primary', versions: [3] });
    expect((await send('GET', '/api/secrets/db/primary')).status).toBe(200);
    await send('POST', '/admin/secrets/destroy', { secretKey: 'db/primary', versions: [1] });
    expect((await send('GET', '/api/secrets/db/primary?version=1')).code).toBe('SECRET_DESTROYED');
    expect((await send('POST', '/admin/secrets/remove', { secretKey: 'db/primary' })).status).toBe(204);
    expect((await send('GET', '/api/secrets/db/primary')).code).toBe('SECRET_NOT_FOUND');
    expect(told().slice(0, 4)).toEqual([
      'WRITE db/primary STARTED',
      'WRITE db/primary SUCCESS',
      'WRITE db/primary STARTED',
      'WRITE db/primary FAILURE SECRET_CONFLICT',
    ]);
    expect(told().at(-1)).toBe('READ db/primary FAILURE SECRET_NOT_FOUND');
  });

  it('does not go on without its record: no audit, no secret', async () => {
    const { send, condition } = await start();
    await send('PUT', '/api/secrets/db', { value: { password: CANARY } });
    condition.auditFails = true;
    for (const path of ['/api/secrets/db', '/v1/secret/data/db', '/v1/secret/subkeys/db']) {
      const came = await send('GET', path);
      expect([came.status, came.headers['retry-after']]).toEqual([503, '1']);
      expect(came.text).not.toContain(CANARY);
    }
  });

  it('has schedules, dependants and the record itself looked at and changed on record', async () => {
    const { send, told } = await start();
    await send('PUT', '/api/secrets/db', { value: { password: CANARY } });
    const before = told().length;
    const service = { serviceId: 's', serviceName: 'S', serviceType: 'api', environment: 'production' };
    for (const [method, path, body] of [
      ['PUT', '/admin/secrets/schedules/acme/db', { everyDays: 30 }],
      ['GET', '/admin/secrets/schedules/acme/db'],
      ['DELETE', '/admin/secrets/schedules/acme/db'],
      ['PUT', '/admin/secrets/dependants/acme/db', service],
      ['GET', '/admin/secrets/dependants/acme/db'],
      ['DELETE', '/admin/secrets/dependants/acme/db?service=s'],
      ['GET', '/admin/secrets/audit'],
      ['GET', '/admin/secrets/audit?secret=db'],
    ] as const)
      expect([path, (await send(method, path, body)).status < 300]).toEqual([path, true]);
    const changed = ['ROTATE db STARTED', 'ROTATE db SUCCESS'];
    expect(told().slice(before)).toEqual([
      ...changed,
      'DESCRIBE db SUCCESS',
      ...changed,
      ...changed,
      'DESCRIBE db SUCCESS',
      ...changed,
      'LIST - SUCCESS',
      'LIST db SUCCESS',
    ]);
  });

  it('is not asked for more often than is good', async () => {
    const { send } = await start(3);
    const statuses = [];
    for (let i = 0; i < 5; i++) statuses.push(await send('GET', '/api/secrets/none'));
    expect(statuses.map(({ status }) => status)).toEqual([404, 404, 404, 429, 429]);
    expect(Number(statuses.at(-1)?.headers['retry-after'])).toBeGreaterThan(1);
  });
});

describe('roles and tenants', () => {
  it('are those of the table, over every route', async () => {
    const { send, told } = await start();
    await send('PUT', '/api/secrets/db', { value: { value: CANARY } });
    const tries: [string, string, string, object?][] = [
      ['auditor@acme', 'GET', '/api/secrets/db'],
      ['secrets-sidecar@acme', 'GET', '/api/secrets/db'],
      ['secrets-viewer@acme', 'POST', '/admin/secrets/rotate', { secretKey: 'db' }],
      ['secrets-operator@acme', 'POST', '/admin/secrets/rotate', { secretKey: 'db' }],
      ['secrets-editor@acme', 'DELETE', '/api/secrets/db'],
      ['secrets-viewer@acme', 'PUT', '/admin/secrets/schedules/acme/db', { everyDays: 30 }],
      ['secrets-viewer@acme', 'GET', '/admin/secrets/audit'],
      ['admin@acme', 'GET', '/api/secrets/db'],
      ['secrets-admin@globex', 'GET', '/api/secrets/db?tenant=acme'],
      ['secrets-admin@globex', 'GET', '/v1/secret/data/production/tenants/acme/db'],
      ['secrets-viewer@globex', 'GET', '/admin/secrets/rotations/x?tenant=acme'],
    ];
    for (const [token, method, path, body] of tries) {
      const came = await send(method, path, body, token);
      expect([token, path, came.status]).toEqual([token, path, 403]);
      expect(came.text).not.toContain(CANARY);
    }
    expect(told().filter((line) => line.includes('DENIED SECRET_FORBIDDEN'))).toHaveLength(tries.length);
    expect((await send('GET', '/admin/secrets/audit', undefined, 'auditor@acme')).status).toBe(200);
    const used = await send(
      'POST',
      '/internal/secrets/use',
      { secret: 'db', field: null, tool: 't', principal: 'p', session: 's', certificateId: 'c' },
      'secrets-sidecar@acme',
    );
    expect(used.json).toEqual({ value: CANARY, version: 1 });
  });
});

describe('rotation', () => {
  it('gives the secret a new value, which no answer holds', async () => {
    const { send } = await start();
    await send('PUT', '/api/secrets/db', { value: { password: CANARY } });
    const rotated = await send('POST', '/admin/secrets/rotate', { tenantId: 'acme', secretKey: 'db' });
    expect([rotated.status, field(rotated.json, 'phase')]).toEqual([200, 'done']);
    const value = `${field(field((await send('GET', '/api/secrets/db')).json, 'value'), 'password')}`;
    expect(value).not.toBe(CANARY);
    const id = `${field(rotated.json, 'rotation_id')}`;
    const shown = await send('GET', `/admin/secrets/rotations/${id}`);
    expect(shown.json).toMatchObject({ phase: 'done', version: 2, previous_version: 1, error_code: null });
    expect(rotated.text + shown.text).not.toContain(value);
    const none = await send('POST', '/admin/secrets/rotate', { secretKey: 'none' });
    expect([none.status, none.code]).toEqual([404, 'SECRET_NOT_FOUND']);
  });

  it('is scheduled truly every so many days, and says how it read a cron line that cannot', async () => {
    const { send } = await start();
    await send('PUT', '/api/secrets/db', { value: { password: 'p' } });
    const path = '/admin/secrets/schedules/acme/db';
    const made = await send('PUT', path, { policy: 'DATABASE_CREDENTIALS', cronSchedule: '0 2 */90 * *' });
    expect(made.json).toMatchObject({ every_days: 90, at: '02:00', grace_period_hours: 24 });
    expect(`${field(made.json, 'warning')}`).toContain('90 days');
    expect((await send('PUT', path, { everyDays: 0 })).code).toBe('ROTATION_INVALID');
    expect((await send('PUT', path, { everyDays: 9, rotator: 'none' })).code).toBe('ROTATION_INVALID');
    expect((await send('GET', path)).json).toMatchObject({ every_days: 90, warning: null });
    expect((await send('DELETE', path)).status).toBe(204);
  });
});

describe('services that use a secret', () => {
  it('are named, counted and taken off the list', async () => {
    const { send } = await start();
    await send('PUT', '/api/secrets/db', { value: { password: 'p' } });
    const path = '/admin/secrets/dependants/acme/db';
    const service = { serviceId: 's1', serviceName: 'shop', serviceType: 'api', environment: 'production' };
    expect((await send('PUT', path, service)).status).toBe(204);
    expect((await send('PUT', path, { ...service, url: 'file:///etc/passwd' })).status).toBe(400);
    expect((await send('PUT', path, service, 'secrets-viewer@acme')).status).toBe(403);
    expect((await send('GET', path)).json).toEqual({
      dependants: [
        {
          service_id: 's1',
          service_name: 'shop',
          service_type: 'api',
          environment: 'production',
          url: null,
        },
      ],
      impact: { level: 'low', services: 1, downtime_minutes: 5, advised_window: 'at any time' },
    });
    expect((await send('DELETE', path)).status).toBe(400);
    expect((await send('DELETE', `${path}?service=s1`)).status).toBe(204);
    expect((await send('DELETE', `${path}?service=s1`)).code).toBe('NOT_FOUND');
  });
});

describe('node-vault', () => {
  it('has a whole session', async () => {
    const { port } = await start();
    const vault = NodeVault({ endpoint: `http://127.0.0.1:${port}`, token: ADMIN, noCustomHTTPVerbs: true });
    const path = 'secret/data/production/tenants/acme/app/db';
    expect(
      (await vault.write(path, { data: { user: 'u', password: 'p' }, options: { cas: 0 } })).data.version,
    ).toBe(1);
    await expect(vault.write(path, { data: { a: 'b' }, options: { cas: 0 } })).rejects.toThrow(
      'check-and-set',
    );
    await vault.update(path, { data: { password: 'q' } });
    expect((await vault.read(path)).data.data).toEqual({ user: 'u', password: 'q' });
    expect((await vault.read(`${path}?version=1`)).data.data).toEqual({ user: 'u', password: 'p' });
    const metadata = path.replace('/data/', '/metadata/');
    await vault.write(metadata, { custom_metadata: { team: 'a' }, max_versions: 3, cas_required: true });
    await expect(vault.write(path, { data: { a: 'b' } })).rejects.toThrow('check-and-set parameter required');
    expect((await vault.read(metadata)).data).toMatchObject({
      cas_required: true,
      current_version: 2,
      custom_metadata: { team: 'a' },
      max_versions: 3,
    });
    expect((await vault.list('secret/metadata/production/tenants/acme')).data.keys).toEqual(['app/']);
    expect((await vault.list('secret/metadata/app/')).data.keys).toEqual(['db']);
    await vault.delete(path);
    await expect(vault.read(path)).rejects.toThrow('404');
    await vault.write(path.replace('/data/', '/undelete/'), { versions: [2] });
    expect((await vault.read(path)).data.metadata).toMatchObject({
      version: 2,
      custom_metadata: { team: 'a' },
    });
    await vault.delete(metadata);
    await expect(vault.list('secret/metadata')).rejects.toThrow('404');
  });
});
