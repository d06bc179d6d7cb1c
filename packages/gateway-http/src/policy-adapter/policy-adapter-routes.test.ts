import { field, type JsonValue } from '@provability-fabric/kernel';
import { afterEach, describe, expect, it } from 'vitest';
import type { Revoking, Scope } from '../ledger/ports.ts';
import { createMetrics } from '../metrics.ts';
import type { GatewayEvent } from '../ports.ts';
import { ask } from '../testing/clients.ts';
import { FakeLedger, LedgerError } from '../testing/fake-ledger.ts';
import { startListener, stopServers } from '../testing/start-server.ts';
import { policyAdapterRoutes } from './policy-adapter-routes.ts';
import type { Activation, Authority, BundleSummary, Bundles, RevocationRow } from './ports.ts';

afterEach(stopServers);

const NOW = 1_767_225_600_000;
const ACTIVE = { name: 'mail', version: 3, digest: 'a'.repeat(64), tenants: ['acme'] };

/** Stands in for the authority: epochs in a map, revocations where the ledger's fake keeps them. */
class FakeAuthority implements Authority {
  readonly ledger = new FakeLedger();
  readonly epochs = new Map<string, number>();
  fails: Error | undefined;

  revoke(scope: Scope, revoking: Revoking) {
    return this.ledger.revoke(scope, revoking);
  }

  epoch(tenant: string): number {
    return this.epochs.get(tenant) ?? 1;
  }

  async raiseEpoch(tenant: string, epoch: number): Promise<number> {
    if (this.fails !== undefined) throw this.fails;
    this.epochs.set(tenant, epoch);
    return epoch;
  }

  async revocations(scope: { readonly tenant: string | null }, { limit }: { readonly limit: number }) {
    const rows = [revoked('t1', 'acme'), revoked('t2', 'globex'), revoked('t3', 'acme')].filter(
      ({ tenant }) => scope.tenant === null || tenant === scope.tenant,
    );
    return { rows: rows.slice(0, limit), next: rows.length > limit ? 'more' : null };
  }
}

function revoked(id: string, tenant: string): RevocationRow {
  return { kind: 'token', id, tenant, reason: 'leaked', by: 'operator-1', at: NOW };
}

/** Stands in for the bundles of a fabric: answers what a test wants. */
class FakeBundles implements Bundles {
  active: BundleSummary | null = ACTIVE;
  readonly listed: [tenant: string | null, name: string | undefined][] = [];
  readonly activated: JsonValue[] = [];
  readonly scopes: (string | null)[] = [];
  answer: Activation | Error = { ok: true, bundle: { ...ACTIVE, version: 4 } };

  async list({ tenant }: Scope, name?: string) {
    this.listed.push([tenant, name]);
    return { active: this.active, archived: [{ ...ACTIVE, version: 2 }] };
  }

  async activate({ tenant }: Scope, bundle: JsonValue) {
    if (this.answer instanceof Error) throw this.answer;
    this.scopes.push(tenant);
    this.activated.push(bundle);
    return this.answer;
  }
}

async function startAdapter() {
  const authority = new FakeAuthority();
  const bundles = new FakeBundles();
  const events: GatewayEvent[] = [];
  const metrics = createMetrics();
  const log = (event: GatewayEvent) => events.push(event);
  const routes = policyAdapterRoutes({ authority, bundles, metrics, log, now: () => NOW });
  return { ...(await startListener(routes)), authority, bundles, events, metrics };
}

describe('who may change what holds', () => {
  it.each([
    ['/v1/epoch', '{}'],
    ['/v1/bundles', '{"bundle":{}}'],
    ['/v1/revocations', '{"token_ids":["t"],"reason":"r"}'],
  ])('is an operator, and nobody else: %s', async (path, body) => {
    const { port, authority, bundles } = await startAdapter();
    expect((await ask(port, path, { body })).status).toBe(401);
    for (const token of ['agent-token', 'host-token', 'auditor-token', 'platform-auditor-token'])
      expect(await ask(port, path, { token, body })).toMatchObject({ status: 403, code: 'FORBIDDEN' });
    expect([authority.epochs.size, bundles.activated, authority.ledger.revocations]).toEqual([0, [], []]);
  });

  it.each([
    ['/v1/epoch', '{"tenant":"globex"}'],
    ['/v1/revocations', '{"token_ids":["t"],"reason":"r","tenant":"globex"}'],
    ['/v1/bundles', '{"bundle":{"tenants":["acme","globex"]}}'],
    ['/v1/bundles', '{"bundle":{"tenants":[["acme"]]}}'],
  ])('is an operator of that tenant: %s %s', async (path, body) => {
    const { port, authority, bundles } = await startAdapter();
    const token = 'operator-token';
    expect(await ask(port, path, { token, body })).toMatchObject({ status: 403, code: 'FORBIDDEN' });
    expect([authority.epochs.size, bundles.activated]).toEqual([0, []]);
    expect((await ask(port, path, { token: 'platform-operator-token', body })).status).toBe(200);
  });

  it('is not the operator of one tenant where the bundle in force decides for others too', async () => {
    const { port, bundles, events } = await startAdapter();
    bundles.answer = { ok: false, code: 'FORBIDDEN', problem: 'expected a bundle of this tenant alone' };
    const body = '{"bundle":{"tenants":["acme"]}}';
    expect(await ask(port, '/v1/bundles', { token: 'operator-token', body })).toMatchObject({
      status: 403,
      code: 'FORBIDDEN',
    });
    expect(events[0]).toMatchObject({ event: 'bundle_refused', details: { code: 'FORBIDDEN' } });
    await ask(port, '/v1/bundles', { token: 'platform-operator-token', body });
    expect(bundles.scopes).toEqual(['acme', null]);
  });
});

describe('an epoch', () => {
  it('rises by one, or to a number, and is logged with who raised it', async () => {
    const { port, events } = await startAdapter();
    const token = 'operator-token';
    const raise = (body: string) => ask(port, '/v1/epoch', { token, body });
    expect((await raise('{}')).json).toEqual({ tenant: 'acme', epoch: 2 });
    expect((await raise('{"epoch":9}')).json).toEqual({ tenant: 'acme', epoch: 9 });
    expect((await ask(port, '/v1/epoch', { token })).json).toEqual({ tenant: 'acme', epoch: 9 });
    expect(events[1]).toMatchObject({
      event: 'epoch_raised',
      details: { by: 'operator-1', before: 2, epoch: 9 },
    });
  });

  it.each([
    ['{"epoch":1}', 409, 'EPOCH_NOT_RAISED'],
    ['{"epoch":0}', 409, 'EPOCH_NOT_RAISED'],
    ['{"epoch":-1}', 400, 'REQUEST_MALFORMED'],
    ['{"epoch":1.5}', 400, 'REQUEST_MALFORMED'],
    ['{"epoch":9007199254740993}', 400, 'REQUEST_MALFORMED'],
    ['{"epoch":"2"}', 400, 'REQUEST_MALFORMED'],
  ])('never goes back: %s', async (body, status, code) => {
    const { port, authority } = await startAdapter();
    expect(await ask(port, '/v1/epoch', { token: 'operator-token', body })).toMatchObject({ status, code });
    expect(authority.epochs.size).toBe(0);
  });

  it('that somebody else raised meanwhile is a conflict, and a ledger that is gone counts as an error', async () => {
    const { port, authority, metrics } = await startAdapter();
    authority.fails = new LedgerError('EPOCH_NOT_RAISED', 'expected an epoch above `7`');
    const raise = () => ask(port, '/v1/epoch', { token: 'operator-token', body: '{}' });
    expect(await raise()).toMatchObject({ status: 409, code: 'EPOCH_NOT_RAISED' });
    authority.fails = new LedgerError('LEDGER_UNAVAILABLE', 'the ledger does not answer');
    expect(await raise()).toMatchObject({ status: 503, code: 'LEDGER_UNAVAILABLE' });
    expect(await metrics.registry.metrics()).toContain('policy_adapter_errors_total 2');
  });

  it('of another tenant is shown to the platform only', async () => {
    const { port } = await startAdapter();
    const of = async (token: string) => (await ask(port, '/v1/epoch?tenant=globex', { token })).status;
    expect(
      await Promise.all(
        ['auditor', 'operator', 'platform-auditor', 'platform-operator'].map((role) => of(`${role}-token`)),
      ),
    ).toEqual([403, 403, 200, 200]);
  });
});

describe('a bundle', () => {
  it('becomes the active one', async () => {
    const { port, bundles, events } = await startAdapter();
    const token = 'operator-token';
    const body = '{"bundle":{"tenants":["acme"],"version":4,"big":9007199254740993}}';
    const came = await ask(port, '/v1/bundles', { token, body });
    expect([came.status, came.json]).toEqual([200, { active: { ...ACTIVE, version: 4 } }]);
    expect(field(bundles.activated[0], 'big')).toBe(9007199254740993n);
    expect(events[0]).toMatchObject({ event: 'bundle_activated', details: { by: 'operator-1', version: 4 } });
    const listed = await ask(port, '/v1/bundles', { token: 'auditor-token' });
    expect(listed.json).toEqual({ active: ACTIVE, archived: [{ ...ACTIVE, version: 2 }] });
  });

  it('of another tenant is shown to the platform only, and one of several names by its name', async () => {
    const { port, bundles } = await startAdapter();
    bundles.active = null;
    const get = (query: string, token: string) => ask(port, `/v1/bundles${query}`, { token });
    expect((await get('', 'auditor-token')).json).toMatchObject({ active: null });
    await get('?name=mail', 'operator-token');
    await get('?name=mail', 'platform-auditor-token');
    await get('', 'platform-operator-token');
    const asked = [
      ['acme', undefined],
      ['acme', 'mail'],
      [null, 'mail'],
      [null, undefined],
    ];
    expect(bundles.listed).toEqual(asked);
    for (const bad of ['?name=', '?name=a%00b', '?name=A', '?name=a&name=b', '?tenant=globex'])
      expect((await get(bad, 'operator-token')).status, bad).toBe(400);
    expect(bundles.listed).toEqual(asked);
  });

  it('that meets no database is refused by name, and may be sent again', async () => {
    const { port, bundles, events, metrics } = await startAdapter();
    bundles.answer = new LedgerError('LEDGER_UNAVAILABLE', 'the ledger does not answer');
    const came = await ask(port, '/v1/bundles', { token: 'operator-token', body: '{"bundle":{}}' });
    expect(came).toMatchObject({ status: 503, code: 'LEDGER_UNAVAILABLE' });
    expect(came.headers['retry-after']).toBe('1');
    expect(events.filter(({ event }) => event === 'bundle_activated')).toEqual([]);
    expect(await metrics.registry.metrics()).toContain('policy_adapter_errors_total 1');
  });

  it.each([
    ['BUNDLE_ROLLBACK', 409],
    ['BUNDLE_WRONG_NAME', 409],
    ['BUNDLE_INVALID', 422],
  ] as const)('that cannot is refused by name, and the running one stays: %s', async (code, status) => {
    const { port, bundles, events } = await startAdapter();
    bundles.answer = { ok: false, code, problem: 'expected version `4` or above, came `2`' };
    const came = await ask(port, '/v1/bundles', { token: 'operator-token', body: '{"bundle":{}}' });
    expect(came).toMatchObject({ status, code });
    expect(field(came.json, 'detail')).toBe('expected version `4` or above, came `2`');
    expect(events[0]).toMatchObject({ event: 'bundle_refused', tags: ['REJECT'], details: { code } });
  });

  it.each(['{}', '{"bundle":"text"}', '{"bundle":{},"directory":"/etc"}', '[]'])(
    'is never read from a malformed request: %s',
    async (body) => {
      const { port, bundles } = await startAdapter();
      expect((await ask(port, '/v1/bundles', { token: 'operator-token', body })).code).toBe(
        'REQUEST_MALFORMED',
      );
      expect(bundles.activated).toEqual([]);
    },
  );
});

describe('revocations', () => {
  it('name tokens or principals, and a reason', async () => {
    const { port, authority, metrics } = await startAdapter();
    const token = 'operator-token';
    const body = '{"principals":["agent-1"],"reason":"compromised"}';
    const came = await ask(port, '/v1/revocations', { token, body });
    expect(came.json).toEqual({ revoked: ['agent-1'], unknown: [] });
    expect(authority.ledger.revocations).toEqual([
      {
        tenant: 'acme',
        principals: [{ tenant: 'acme', id: 'agent-1' }],
        reason: 'compromised',
        by: 'operator-1',
        at: NOW,
      },
    ]);
    for (const bad of ['{"reason":"r"}', '{"token_ids":["t"]}', '{"principals":[],"reason":"r"}'])
      expect((await ask(port, '/v1/revocations', { token, body: bad })).code).toBe('REQUEST_MALFORMED');
    expect(await metrics.registry.metrics()).toContain('revocation_total 1');
  });

  it('of the platform reach tokens of any tenant, but principals only of one that is named', async () => {
    const { port, authority } = await startAdapter();
    const token = 'platform-operator-token';
    const add = (body: string) => ask(port, '/v1/revocations', { token, body });
    expect((await add('{"principals":["agent-1"],"reason":"r"}')).code).toBe('REQUEST_MALFORMED');
    await add('{"token_ids":["t1"],"reason":"r"}');
    await add('{"principals":["agent-1"],"reason":"r","tenant":"globex"}');
    expect(authority.ledger.revocations.map(({ tenant }) => tenant)).toEqual([null, 'globex']);
  });

  it('are listed for the tenant of the token', async () => {
    const { port } = await startAdapter();
    const came = await ask(port, '/v1/revocations?limit=1', { token: 'auditor-token' });
    const row = {
      kind: 'token',
      id: 't1',
      tenant: 'acme',
      reason: 'leaked',
      by: 'operator-1',
      at: '2026-01-01T00:00:00.000Z',
    };
    expect(came.json).toEqual([row]);
    expect(came.headers.link).toBe('</v1/revocations?limit=1&cursor=more>; rel="next"');
    expect((await ask(port, '/v1/revocations', { token: 'platform-auditor-token' })).json).toHaveLength(3);
  });
});
