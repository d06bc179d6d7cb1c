import { HOSTILE_NAMES } from '@provability-fabric/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SECRET_ROLES } from '../access/access-table.ts';
import { createInProcessLimits } from '../limits/in-process-limits.ts';
import {
  ADMIN,
  ASKS,
  callerOf,
  DB,
  type House,
  openHouseWithSecret,
  openSecretsHouse,
} from './service.fixture.ts';

describe('the use cases', () => {
  let house: House;
  beforeEach(async () => {
    house = await openHouseWithSecret();
  });
  afterEach(() => house.secrets.close());

  it.each(Object.keys(ASKS))(
    "refuse another tenant's token before the provider is asked: %s",
    async (operation) => {
      const ask = ASKS[operation as keyof typeof ASKS];
      for (const role of SECRET_ROLES) {
        const stranger = callerOf(role, { tenant: 'evil', principal: 'mallory' });
        await expect(ask(house.secrets, stranger, DB)).rejects.toMatchObject({ code: 'SECRET_FORBIDDEN' });
      }
      expect(house.asked).toEqual([]);
      // In the stranger's own log, which nobody else's is filled by.
      expect(new Set(house.audit.records.map(({ tenant }) => tenant))).toEqual(new Set(['evil']));
      expect(new Set(house.audit.told.map((told) => told.split(' ').slice(1).join(' ')))).toEqual(
        new Set(['DENIED SECRET_FORBIDDEN']),
      );
      expect(house.audit.records[0]?.details).toMatchObject({ asked_tenant: 'acme', operation });
    },
  );

  it.each(Object.keys(ASKS))(
    'put a denial on record, and ask nothing of the provider: %s',
    async (operation) => {
      const ask = ASKS[operation as keyof typeof ASKS];
      for (const caller of [
        callerOf('none'),
        callerOf('', { principal: 'admin-alice' }),
        callerOf('secrets-admin', { principal: '' }),
      ])
        await expect(ask(house.secrets, caller, DB)).rejects.toMatchObject({ code: 'SECRET_FORBIDDEN' });
      expect(house.asked).toEqual([]);
      expect(house.audit.records.map(({ result, principal }) => [result, principal])).toEqual([
        ['DENIED', 'alice'],
        ['DENIED', 'admin-alice'],
        ['DENIED', '-'],
      ]);
    },
  );

  it.each(Object.keys(ASKS))(
    'give no answer and change nothing when nothing can be put on record: %s',
    async (operation) => {
      house.audit.failing = () => true;
      const before = structuredClone(house.rows.tenantsByName);
      await expect(ASKS[operation as keyof typeof ASKS](house.secrets, ADMIN, DB)).rejects.toMatchObject({
        code: 'AUDIT_UNAVAILABLE',
      });
      expect(house.rows.tenantsByName).toEqual(before);
    },
  );

  it.each(Object.keys(ASKS))(
    'keep the answer back when what came of it cannot be put on record: %s',
    async (operation) => {
      house.audit.failing = ({ result }) => result === 'SUCCESS';
      await expect(ASKS[operation as keyof typeof ASKS](house.secrets, ADMIN, DB)).rejects.toMatchObject({
        code: 'AUDIT_UNAVAILABLE',
      });
    },
  );

  it.each(Object.keys(ASKS))('refuse hostile names by name: %s', async (operation) => {
    if (operation === 'list') return;
    for (const name of HOSTILE_NAMES) {
      const asked = ASKS[operation as keyof typeof ASKS](house.secrets, ADMIN, { tenant: 'acme', name });
      await expect(asked, JSON.stringify(name)).rejects.toMatchObject({ code: 'SECRET_NAME_INVALID' });
    }
    expect(house.asked).toEqual([]);
    expect(new Set(house.audit.records.map(({ secret }) => secret))).toEqual(new Set(['-']));
  });

  it('never take a value from the environment', async () => {
    process.env.JWT_SECRET = 'from the environment';
    process.env['db/other'] = 'from the environment';
    try {
      for (const name of ['JWT_SECRET', 'jwt-secret', 'db/other'])
        await expect(house.secrets.read(ADMIN, { tenant: 'acme', name })).rejects.toMatchObject({
          code: 'SECRET_NOT_FOUND',
        });
    } finally {
      delete process.env.JWT_SECRET;
      delete process.env['db/other'];
    }
  });

  it('let no value, nor a part of one, into records or events', async () => {
    const canary = 'canary-9f8e7d6c';
    await house.secrets.write(ADMIN, DB, { value: { password: canary } });
    for (const ask of Object.values(ASKS)) await ask(house.secrets, ADMIN, DB).catch(() => undefined);
    await house.secrets
      .write(ADMIN, DB, { value: { [canary]: canary, 'bad field': canary } })
      .catch(() => undefined);
    const told = JSON.stringify([house.audit.records, house.events]);
    for (let at = 0; at + 6 <= canary.length; at++) expect(told).not.toContain(canary.slice(at, at + 6));
  });
});

describe('the rate of accesses', () => {
  it('ends reads and probes of one principal, and one refusal a second is on record', async () => {
    let now = 0;
    const limits = createInProcessLimits({
      perPrincipal: 3,
      perTenant: 99,
      windowSeconds: 3,
      clock: () => now,
    });
    const house = await openSecretsHouse({ limits, elapsed: () => now });
    const probe = () => house.secrets.read(callerOf('none'), DB).catch((error) => error.code);
    const codes = [];
    for (let at = 0; at < 20; at++) codes.push(await probe());
    expect(codes).toEqual([...Array(3).fill('SECRET_FORBIDDEN'), ...Array(17).fill('SECRET_RATE_LIMITED')]);
    expect(house.audit.told).toHaveLength(4);
    expect(house.asked).toEqual([]);
    await expect(house.secrets.read(callerOf('none'), DB)).rejects.toMatchObject({ retryAfterMs: 1000 });
    await expect(house.secrets.read(callerOf('none', { principal: 'bob' }), DB)).rejects.toMatchObject({
      code: 'SECRET_FORBIDDEN',
    });
    now += 1000;
    expect(await probe()).toBe('SECRET_FORBIDDEN');
  });

  it('is taken for exceeded when it cannot be counted', async () => {
    const house = await openSecretsHouse({
      limits: { take: () => Promise.reject(new Error('redis is down')) },
    });
    await expect(house.secrets.read(ADMIN, DB)).rejects.toMatchObject({ code: 'SECRET_RATE_LIMITED' });
    expect(house.asked).toEqual([]);
  });
});
