import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../testing/clients.ts';
import { GOVERNOR_ROLES, type GovernorRole } from './access.ts';
import { governorRoutes } from './governor-routes.ts';
import { FakeGovernor, HASH } from './testing/fake-governor.ts';
import { claims, signed, tokenFor } from './testing/jwt-issuer.ts';
import { startGovernor, stopGovernors } from './testing/start-governor.ts';

// The matrix of roles, written out once more and asked of every route over HTTP with real tokens.

const BODIES: Readonly<Record<string, object>> = {
  '/v1/apply': { signed_envelope: {} },
  '/v1/rollback': { audit_index: 0 },
  '/v1/proposals': { manifest: {} },
  '/v1/proposals/:hash/approve': { signed_envelope: {} },
  '/v1/kill': { reason: 'fire' },
  '/v1/revive': { reason: 'out' },
};
const PARAMETERS: Readonly<Record<string, string>> = { ':hash': HASH, ':n': '5' };

const all: readonly GovernorRole[] = GOVERNOR_ROLES;
const people: readonly GovernorRole[] = ['admin', 'operator'];
const makers: readonly GovernorRole[] = ['admin', 'operator', 'proposer'];
const readers: readonly GovernorRole[] = ['admin', 'operator', 'auditor'];
const MATRIX: Readonly<Record<string, readonly GovernorRole[]>> = {
  'POST /v1/verify': people,
  'POST /v1/policy/plan': makers,
  'POST /v1/apply': people,
  'POST /v1/rollback': ['admin'],
  'GET /v1/audit': readers,
  'GET /v1/audit/verify': readers,
  'GET /v1/audit/:n': readers,
  'POST /v1/proposals': makers,
  'GET /v1/proposals': makers,
  'GET /v1/proposals/:hash': makers,
  'POST /v1/proposals/:hash/approve': people,
  'GET /v1/status': makers,
  'POST /v1/kill': ['admin'],
  'POST /v1/revive': ['admin'],
};

let started: Awaited<ReturnType<typeof startGovernor>>;
const tokens = new Map<string, string>();
beforeAll(async () => {
  started = await startGovernor();
  for (const role of all) tokens.set(role, await tokenFor(role));
});
afterAll(stopGovernors);

function request(name: string, token: string | undefined, port = started.port) {
  const [method = '', pattern = ''] = name.split(' ');
  const path = pattern.replace(/:\w+/g, (parameter) => PARAMETERS[parameter] ?? '');
  const body = method === 'POST' ? { body: JSON.stringify(BODIES[pattern] ?? {}) } : {};
  return ask(port, path, { method, ...body, ...(token !== undefined && { token }) });
}

describe('the matrix of roles', () => {
  it('has a line for each route, and no other', () => {
    const routes = governorRoutes({ governor: new FakeGovernor(), tenant: 'acme', log: () => undefined });
    const names = routes.map((route) => ('method' in route ? `${route.method} ${route.pattern}` : ''));
    expect(names.sort()).toEqual(Object.keys(MATRIX).sort());
    expect(routes.every(({ kind }) => kind === 'guarded')).toBe(true);
  });

  it.each(Object.entries(MATRIX))('%s is open to %j alone', async (name, allowed) => {
    for (const role of all) {
      started.governor.asked.length = 0;
      const came = await request(name, tokens.get(role));
      const isOpen = allowed.includes(role);
      expect([role, came.status < 300]).toEqual([role, isOpen]);
      if (isOpen) continue;
      expect([came.status, came.code]).toEqual([403, 'GOVERNOR_FORBIDDEN']);
      expect(started.governor.asked).toEqual([]);
    }
  });

  it.each(Object.keys(MATRIX))('%s is closed without a token, and to one of another kind', async (name) => {
    started.governor.asked.length = 0;
    expect((await request(name, undefined)).status).toBe(401);
    const stranger = await signed(claims({ role: 'root' }));
    expect((await request(name, stranger)).status).toBe(401);
    expect(started.governor.asked).toEqual([]);
  });

  it('says which role is missing, and opens nothing to a token of another tenant', async () => {
    const came = await request('POST /v1/rollback', tokens.get('operator'));
    expect(came.json).toMatchObject({ detail: 'expected a token with the role `admin`' });
    const elsewhere = await startGovernor({ tenant: 'globex' });
    const refused = await request('GET /v1/status', tokens.get('admin'), elsewhere.port);
    expect([refused.status, refused.code]).toEqual([403, 'GOVERNOR_FORBIDDEN']);
    expect(elsewhere.governor.asked).toEqual([]);
  });
});
