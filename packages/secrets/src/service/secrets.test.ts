import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MAX_GRACE_HOURS } from '../rotation/grace.ts';
import type { LiveValue } from './secrets.ts';
import { ADMIN, callerOf, collect, DB, type House, openHouseWithSecret, USE } from './service.fixture.ts';

const PLATFORM = callerOf('platform-secrets-admin', { tenant: null, principal: 'root' });

describe('the use cases', () => {
  let house: House;
  beforeEach(async () => {
    house = await openHouseWithSecret();
  });
  afterEach(() => house.secrets.close());

  it('are on record before anything changes, and again with what came of it, under one id', async () => {
    house.audit.failing = ({ result }) => {
      if (result === 'STARTED') expect(house.asked).toEqual([]);
      return false;
    };
    await house.secrets.write(callerOf('secrets-operator', { details: { client: '10.0.0.1' } }), DB, {
      value: { v: '3' },
      cas: 2,
    });
    const [started, ended] = house.audit.records;
    expect(started).toMatchObject({
      tenant: 'acme',
      principal: 'alice',
      action: 'WRITE',
      secret: 'db/primary',
      result: 'STARTED',
      details: { operation: 'write', provider: 'embedded', client: '10.0.0.1' },
      at: house.time.now,
    });
    expect(ended).toMatchObject({ id: started?.id, result: 'SUCCESS', version: 3 });
  });

  it('put failures on record by their code', async () => {
    await expect(house.secrets.write(ADMIN, DB, { value: { v: 'x' }, cas: 7 })).rejects.toMatchObject({
      code: 'SECRET_CONFLICT',
    });
    await expect(house.secrets.read(ADMIN, { ...DB, name: 'nothing' })).rejects.toMatchObject({
      code: 'SECRET_NOT_FOUND',
    });
    await expect(house.secrets.read(ADMIN, DB, 9)).rejects.toMatchObject({
      code: 'SECRET_VERSION_NOT_FOUND',
    });
    await expect(house.secrets.write(ADMIN, DB, { value: 'text' })).rejects.toMatchObject({
      code: 'SECRET_VALUE_INVALID',
    });
    expect(house.audit.told).toEqual([
      'WRITE STARTED',
      'WRITE FAILURE SECRET_CONFLICT',
      'READ FAILURE SECRET_NOT_FOUND',
      'READ FAILURE SECRET_VERSION_NOT_FOUND',
      'WRITE STARTED',
      'WRITE FAILURE SECRET_VALUE_INVALID',
    ]);
  });

  it('ask the provider once for two reads, and again after each kind of change', async () => {
    await house.secrets.read(ADMIN, DB);
    expect((await house.secrets.read(ADMIN, DB)).value).toEqual({ v: '2' });
    expect(house.asked).toEqual(['read']);
    expect(house.events.map(({ cached }) => cached)).toEqual([false, true]);
    expect(house.audit.told).toEqual(['READ SUCCESS', 'READ SUCCESS']);
    await house.secrets.write(ADMIN, DB, { value: { v: '3' } });
    expect((await house.secrets.read(ADMIN, DB)).value).toEqual({ v: '3' });
    await house.secrets.rollback(ADMIN, DB, 1);
    expect((await house.secrets.read(ADMIN, DB)).value).toEqual({ v: '1' });
    await house.secrets.deleteVersions(ADMIN, DB);
    await expect(house.secrets.read(ADMIN, DB)).rejects.toMatchObject({ code: 'SECRET_DELETED' });
    await house.secrets.undelete(ADMIN, DB, [4]);
    expect((await house.secrets.read(ADMIN, DB)).value).toEqual({ v: '1' });
    await house.secrets.changeMetadata(ADMIN, DB, { sensitivity: 'critical' });
    expect((await house.secrets.read(ADMIN, DB)).metadata.sensitivity).toBe('critical');
    await house.secrets.provider.stage(
      { ...(await placeIn(house)) },
      { token: 't', value: { v: 'rotated' } },
    );
    await house.secrets.provider.promote(await placeIn(house), 't', { author: 'system:rotation' });
    expect((await house.secrets.read(ADMIN, DB)).value).toEqual({ v: 'rotated' });
    await house.secrets.remove(ADMIN, DB);
    await expect(house.secrets.read(ADMIN, DB)).rejects.toMatchObject({ code: 'SECRET_NOT_FOUND' });
  });

  it('roll back as a new version, to a number or an id', async () => {
    const [first] = (await house.secrets.describe(ADMIN, DB)).versions.slice(-1);
    expect(await house.secrets.rollback(ADMIN, DB, 1)).toMatchObject({
      version: 3,
      state: 'current',
      createdBy: 'alice',
    });
    expect((await house.secrets.rollback(ADMIN, DB, first?.id ?? '')).version).toBe(4);
    const { versions } = await house.secrets.describe(ADMIN, DB);
    expect(versions.map(({ version }) => version)).toEqual([4, 3, 2, 1]);
    expect((await house.secrets.read(ADMIN, DB, 2)).value).toEqual({ v: '2' });
    await expect(house.secrets.rollback(ADMIN, DB, 99)).rejects.toMatchObject({
      code: 'SECRET_VERSION_NOT_FOUND',
    });
  });

  it('compare by field, without a character of a value', async () => {
    const both = { tenant: 'acme', name: 'compared' };
    await house.secrets.write(ADMIN, both, {
      value: { a: 'same', b: 'before', constructor: 'x', gone: 'y' },
    });
    await house.secrets.write(ADMIN, both, { value: { a: 'same', b: 'after', toString: 'x', new: 'z' } });
    const compared = await house.secrets.compare(ADMIN, both, 1, 'current');
    expect(compared.changes).toEqual([
      { field: 'b', change: 'modified' },
      { field: 'constructor', change: 'removed' },
      { field: 'gone', change: 'removed' },
      { field: 'new', change: 'added' },
      { field: 'toString', change: 'added' },
    ]);
    expect(JSON.stringify(compared)).not.toMatch(/before|after|same/);
    expect((await house.secrets.compare(ADMIN, both, 1, 1)).changes).toEqual([]);
  });

  it('list what begins with a prefix, page by page, on record', async () => {
    for (const name of ['app/a', 'app/b', 'app/c'])
      await house.secrets.write(ADMIN, { tenant: 'acme', name }, { value: { v: '1' } });
    house.audit.records.length = 0;
    const page = await house.secrets.list(callerOf('auditor'), 'acme', { prefix: 'app/', limit: 2 });
    expect(page.names).toEqual(['app/a', 'app/b']);
    const rest = await house.secrets.list(ADMIN, 'acme', {
      prefix: 'app/',
      limit: 2,
      cursor: page.cursor ?? '',
    });
    expect(rest).toEqual({ names: ['app/c'], cursor: null });
    for (const query of [{ limit: 0 }, { limit: 1001 }, { limit: 1.5 }, { cursor: '../x' }])
      await expect(house.secrets.list(ADMIN, 'acme', query)).rejects.toMatchObject({
        code: 'SECRET_REQUEST_INVALID',
      });
    expect(house.audit.records[0]).toMatchObject({
      action: 'LIST',
      secret: 'app/',
      result: 'SUCCESS',
      details: { names: 2 },
    });
  });

  it('give a sidecar one field for one call, on record with tool, session and certificate', async () => {
    const sidecar = callerOf('secrets-sidecar', { principal: 'sidecar-1' });
    expect(await house.secrets.use(sidecar, DB, USE)).toEqual({ value: '2', version: 2 });
    expect(house.audit.records).toMatchObject([
      {
        action: 'USE',
        result: 'SUCCESS',
        version: 2,
        principal: 'sidecar-1',
        details: { tool: 'query', for: 'agent-7', session: 's-1', certificate: 'c-1' },
      },
    ]);
    await expect(house.secrets.use(sidecar, DB, { ...USE, field: 'constructor' })).rejects.toMatchObject({
      code: 'SECRET_REQUEST_INVALID',
    });
    const many = { tenant: 'acme', name: 'many' };
    await house.secrets.write(ADMIN, many, { value: { value: 'x', other: 'y' } });
    expect((await house.secrets.use(sidecar, many, USE)).value).toBe('x');
    expect((await house.secrets.use(sidecar, many, { ...USE, field: 'other' })).value).toBe('y');
    await expect(house.secrets.read(sidecar, DB)).rejects.toMatchObject({ code: 'SECRET_FORBIDDEN' });
  });

  it('tell the live values: current, staged, and those replaced lately', async () => {
    await house.secrets.provider.stage(await placeIn(house), { token: 't', value: { v: 'staged' } });
    house.audit.records.length = 0;
    const values = (found: readonly LiveValue[]) => found.map(({ version, fields }) => [version, fields.v]);
    const live = await collect(house.secrets.liveValues(ADMIN, 'acme'));
    expect(values(live)).toEqual([
      [0, 'staged'],
      [2, '2'],
      [1, '1'],
    ]);
    expect(house.audit.told).toEqual(['FINGERPRINT STARTED', 'FINGERPRINT SUCCESS']);
    // As long as a grace may be, the target may take the old value.
    house.time.now += MAX_GRACE_HOURS * 3_600_000 - 1;
    expect(values(await collect(house.secrets.liveValues(ADMIN, 'acme', DB.name)))).toHaveLength(3);
    house.time.now += 1;
    expect(values(await collect(house.secrets.liveValues(ADMIN, 'acme', DB.name)))).toEqual([
      [0, 'staged'],
      [2, '2'],
    ]);
    expect(await collect(house.secrets.liveValues(ADMIN, 'acme', 'not/there'))).toEqual([]);
    house.audit.records.length = 0;
    for await (const value of house.secrets.liveValues(ADMIN, 'acme')) if (value.version === 2) break;
    expect(house.audit.told).toEqual(['FINGERPRINT STARTED', 'FINGERPRINT SUCCESS']);
    expect(house.audit.records.at(-1)?.details.values).toBe(2);
  });

  it('tell of changes, also of those that a rotation makes', async () => {
    const heard: unknown[] = [];
    const stop = house.secrets.onChange((changed) => heard.push(changed));
    await house.secrets.write(ADMIN, DB, { value: { v: '3' } });
    await house.secrets.provider.stage(await placeIn(house), { token: 't', value: { v: '4' } });
    expect(new Set(heard.map((changed) => JSON.stringify(changed)))).toEqual(new Set([JSON.stringify(DB)]));
    stop();
    heard.length = 0;
    await house.secrets.remove(ADMIN, DB);
    expect(heard).toEqual([]);
  });

  it('let the platform role act in the tenant that it names, in whose log it is found', async () => {
    expect((await house.secrets.read(PLATFORM, DB)).value).toEqual({ v: '2' });
    expect(house.audit.records[0]).toMatchObject({
      tenant: 'acme',
      principal: 'root',
      details: { caller_tenant: '-' },
    });
    await expect(house.secrets.read(PLATFORM, { ...DB, tenant: '../acme' })).rejects.toMatchObject({
      code: 'SECRET_NAME_INVALID',
    });
  });

  it('refuse a removal of what is not there', async () => {
    await expect(house.secrets.remove(ADMIN, { ...DB, name: 'typo' })).rejects.toMatchObject({
      code: 'SECRET_NOT_FOUND',
    });
  });

  it('erase a tenant with its keys, also from memory, for admins only', async () => {
    await house.secrets.read(ADMIN, DB);
    await expect(house.secrets.eraseTenant(callerOf('secrets-editor'), 'acme')).rejects.toMatchObject({
      code: 'SECRET_FORBIDDEN',
    });
    await house.secrets.eraseTenant(ADMIN, 'acme');
    await expect(house.secrets.read(ADMIN, DB)).rejects.toMatchObject({ code: 'SECRET_NOT_FOUND' });
    expect(house.rows.tenantsByName.has('acme')).toBe(false);
    expect(house.audit.told).toContain('REMOVE STARTED');
    expect(house.audit.records.at(-2)).toMatchObject({ secret: '-', details: { whole_tenant: true } });
  });

  it('admit for others: role, tenant, name and rate, and only a denial goes on record', async () => {
    expect(await house.secrets.admit(ADMIN, 'rotate', DB)).toEqual(DB);
    expect(
      await house.secrets.admit(callerOf('auditor'), 'audit', { tenant: 'acme', name: '' }),
    ).toMatchObject({ tenant: 'acme' });
    expect(house.audit.records).toEqual([]);
    await expect(house.secrets.admit(callerOf('secrets-viewer'), 'rotate', DB)).rejects.toMatchObject({
      code: 'SECRET_FORBIDDEN',
    });
    expect(house.audit.told).toEqual(['ROTATE DENIED SECRET_FORBIDDEN']);
    expect(house.asked).toEqual([]);
  });
});

async function placeIn(house: House) {
  return house.secrets.admit(ADMIN, 'rotate', DB);
}
