import { field } from '@provability-fabric/kernel';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { createMetrics } from '../metrics.ts';
import { ask } from '../testing/clients.ts';
import { FakeLedger, LedgerError } from '../testing/fake-ledger.ts';
import { NOW, startLedger } from '../testing/start-ledger.ts';
import { startListener, stopServers } from '../testing/start-server.ts';
import { ledgerRoutes } from './ledger-routes.ts';

afterEach(stopServers);

const ids = (json: unknown) => (json as { id: string }[]).map(({ id }) => id);

describe('whose rows are shown', () => {
  it.each([
    ['/receipts'],
    ['/egress-certificates'],
    ['/permission-certificates'],
    ['/egress-certificates/count'],
    ['/capability-tokens'],
    ['/evidence/p1'],
  ])('is nobody’s without a token or the role: %s', async (path) => {
    const { port, ledger } = await startLedger();
    expect((await ask(port, path)).status).toBe(401);
    for (const token of ['agent-token', 'host-token'])
      expect(await ask(port, path, { token })).toMatchObject({ status: 403, code: 'FORBIDDEN' });
    expect(ledger.asked).toEqual([]);
  });

  it('is those of the token’s own tenant, whatever is asked for', async () => {
    const { port } = await startLedger();
    const token = 'auditor-token';
    expect(ids((await ask(port, '/egress-certificates', { token })).json)).toEqual(['e0', 'e2', 'e4']);
    expect(ids((await ask(port, '/egress-certificates?tenant=acme', { token })).json)).toHaveLength(3);
    for (const path of [
      '/egress-certificates',
      '/egress-certificates/count',
      '/capability-tokens',
      '/evidence/e1',
    ])
      expect(await ask(port, `${path}?tenant=globex`, { token })).toMatchObject({
        status: 403,
        code: 'FORBIDDEN',
      });
    expect((await ask(port, '/evidence/e1', { token })).code).toBe('NOT_FOUND');
    expect((await ask(port, '/evidence/e0', { token })).status).toBe(200);
    expect((await ask(port, '/egress-certificates/count', { token })).json).toEqual({ count: 3 });
  });

  it('is everybody’s or a chosen tenant’s for the platform’s auditor', async () => {
    const { port } = await startLedger();
    const token = 'platform-auditor-token';
    expect(ids((await ask(port, '/egress-certificates', { token })).json)).toHaveLength(6);
    expect(ids((await ask(port, '/egress-certificates?tenant=globex', { token })).json)).toEqual([
      'e1',
      'e3',
      'e5',
    ]);
    expect((await ask(port, '/evidence/e1', { token })).json).toMatchObject({ evidence: { id: 'e1' } });
  });
});

describe('a hostile query', () => {
  it.each([
    ['a parameter twice', '?tenant=acme&tenant=globex', 'tenant'],
    ['a parameter twice, once escaped', '?tenant=acme&%74enant=globex', 'tenant'],
    ['an unknown parameter', '?tenants=globex', 'query'],
    ['a prototype key', '?__proto__=1', 'query'],
    ['an array in another dialect', '?tenant[]=globex', 'query'],
    ['an empty value', '?tenant=', 'tenant'],
    ['no value', '?tenant', 'tenant'],
    ['a header in the tenant', '?tenant=acme%0d%0aset-cookie:%20a=b', 'tenant'],
    ['a NUL in the tenant', '?tenant=acme%00', 'tenant'],
    ['SQL in the tenant', "?tenant=acme'%20or%20'1'='1", 'tenant'],
    ['a broken escape', '?tenant=%ff', 'query'],
    ['no number', '?limit=ten', 'limit'],
    ['limit zero', '?limit=0', 'limit'],
    ['a limit beyond the bound', '?limit=1001', 'limit'],
    ['a negative limit', '?limit=-1', 'limit'],
    ['a limit in hex', '?limit=0x10', 'limit'],
    ['a day that does not exist', '?since=2026-02-30T00:00:00Z', 'since'],
    ['a time without a zone', '?since=2026-01-01T00:00:00', 'since'],
    ['words for a time', '?until=yesterday', 'until'],
  ])('with %s is refused by name', async (_what, query, member) => {
    const { port, ledger } = await startLedger();
    const came = await ask(port, `/egress-certificates${query}`, { token: 'platform-auditor-token' });
    expect(came).toMatchObject({ status: 400, code: 'REQUEST_MALFORMED' });
    expect(field(came.json, 'member')).toBe(member);
    expect(ledger.asked).toEqual([]);
  });

  it('with a cursor that was never given out is told so', async () => {
    const { port } = await startLedger();
    const came = await ask(port, '/receipts?cursor=x', { token: 'auditor-token' });
    expect(came).toMatchObject({ status: 400, code: 'BAD_CURSOR' });
  });

  it('never gets a character of its own into the header of the next page', async () => {
    const { port, ledger } = await startLedger();
    const token = 'auditor-token';
    const value = fc.stringMatching(/^[ -~\u00e9\u4e16]{1,40}$/);
    await fc.assert(
      fc.asyncProperty(value, value, async (session, principal) => {
        const filter = `session=${encodeURIComponent(session)}&principal=${encodeURIComponent(principal)}`;
        const came = await ask(port, `/egress-certificates?${filter}&limit=1`, { token });
        expect(came.status).toBe(200);
        const link = /^<\/egress-certificates\?([A-Za-z0-9%&=._~!*()-]+)>; rel="next"$/.exec(
          came.headers.link as string,
        );
        expect(link).not.toBeNull();
        const next = new URLSearchParams(link?.[1]);
        expect([next.get('session'), next.get('principal')]).toEqual([session, principal]);
        expect(ledger.asked.at(-1)).toMatchObject({ session, principal });
      }),
      { numRuns: 60 },
    );
  });
});

describe('a list', () => {
  it('gives each statement whole, with its signature and place, which no member of it can forge', async () => {
    const { port } = await startLedger();
    const came = await ask(port, '/permission-certificates', { token: 'auditor-token' });
    expect(came.json).toEqual([{ id: 'p1', tenant: 'acme', at: NOW, index: 6, signature: 'sig-6' }]);
    expect(came.headers.link).toBeUndefined();
  });

  it('is followed page by page to its end', async () => {
    const { port } = await startLedger();
    const seen: string[] = [];
    let path: string | undefined = '/egress-certificates?limit=2&since=2026-01-01T00:00:00Z';
    while (path !== undefined) {
      const came = await ask(port, path, { token: 'platform-auditor-token' });
      seen.push(...ids(came.json));
      path = /^<([^>]+)>/.exec((came.headers.link as string | undefined) ?? '')?.[1];
    }
    expect(seen).toEqual(['e0', 'e1', 'e2', 'e3', 'e4', 'e5']);
  });

  it('takes the time that `date -Iseconds` writes, whose plus sign arrives as a space', async () => {
    const { port, ledger } = await startLedger();
    const query = '?since=2026-01-01T02:00:00+02:00&until=2026-01-01T00:00:01.5Z';
    expect((await ask(port, `/receipts${query}`, { token: 'auditor-token' })).status).toBe(200);
    expect(ledger.asked[0]).toMatchObject({
      since: NOW,
      until: NOW + 1500,
      types: ['access-receipt'],
      limit: 100,
    });
  });

  it.each([
    ['LEDGER_UNAVAILABLE', 503],
    ['LEDGER_READ_ONLY', 503],
    ['LEDGER_CORRUPT', 500],
  ])('says by name that the ledger has a problem: %s', async (code, status) => {
    const { port, ledger, log } = await startLedger();
    ledger.fault = new LedgerError(code, 'the ledger does not answer; retry later');
    const came = await ask(port, '/receipts', { token: 'auditor-token' });
    expect(came).toMatchObject({ status, code, headers: status === 503 ? { 'retry-after': '1' } : {} });
    expect(log[0]).toMatchObject({ event: 'request_failed', details: { problem: ledger.fault.message } });
  });

  it('says nothing of an error that has only the look of the ledger’s', async () => {
    const { port, ledger } = await startLedger();
    ledger.fault = new LedgerError('28P01', 'password for postgres://u:hunter2@db failed');
    const came = await ask(port, '/receipts', { token: 'auditor-token' });
    expect([came.status, came.text.includes('hunter2')]).toEqual([500, false]);
  });
});

describe('the log itself', () => {
  it('is public: checkpoint and tiles, a full tile for good', async () => {
    const { port, ledger } = await startLedger();
    expect((await ask(port, '/checkpoint')).status).toBe(404);
    ledger.published = 'origin/ledger\n1\nroot\n\n— signature\n';
    ledger.tiles.set('0/x001/234', Buffer.alloc(8192, 7));
    ledger.tiles.set('0/001.p/5', Buffer.alloc(160, 9));
    const checkpoint = await ask(port, '/checkpoint');
    expect([checkpoint.text, checkpoint.headers['cache-control']]).toEqual([ledger.published, 'no-store']);
    const full = await ask(port, '/tile/0/x001/234');
    expect(full.headers).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-length': '8192',
      'cache-control': 'public, max-age=31536000, immutable',
    });
    expect((await ask(port, '/tile/0/001.p/5')).headers['cache-control']).toBe('no-store');
    expect((await ask(port, '/tile/0/000')).status).toBe(404);
  });

  it.each([
    '/tile/../checkpoint',
    '/tile/0/..%2f..%2fetc%2fpasswd',
    '/tile/%2e%2e/0',
    '/tile//0/000',
    '/tile/0//000',
    '/tile/64/000',
    '/tile/00/000',
    '/tile/0/1',
    '/tile/0/000.p/0',
    '/tile/0/000.p/256',
    '/tile/entries/000',
    `/tile/0/${'x001/'.repeat(40)}000`,
    '/tile/0/000%00',
    '/tile/',
  ])('asks storage for no path that is no tile: %s', async (path) => {
    const { port, ledger } = await startLedger();
    ledger.tile = async () => Buffer.from('a secret');
    expect((await ask(port, path)).status).toBe(404);
  });

  it('is rate limited like everything else', async () => {
    const ledger = new FakeLedger();
    const routes = ledgerRoutes({
      reader: ledger,
      tokens: ledger,
      now: () => NOW,
      log: () => undefined,
      metrics: createMetrics(),
    });
    const { port } = await startListener(routes, { burst: 2, requestsPerSecond: 0.001 });
    const codes = [];
    for (let i = 0; i < 3; i++) codes.push((await ask(port, '/checkpoint')).status);
    expect(codes).toEqual([404, 404, 429]);
  });
});
