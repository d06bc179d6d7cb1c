import { field } from '@provability-fabric/kernel';
import { afterEach, describe, expect, it } from 'vitest';
import { ask } from '../testing/clients.ts';
import { NOW, startLedger } from '../testing/start-ledger.ts';
import { stopServers } from '../testing/start-server.ts';
import type { TokenRow } from './ports.ts';

afterEach(stopServers);

describe('capability tokens', () => {
  const row: Omit<TokenRow, 'id'> = {
    tenant: 'acme',
    subject: 'agent-1',
    session: null,
    audience: 'sidecar-watcher',
    roles: ['assistant'],
    capabilities: ['*'],
    epoch: 1,
    issuedAt: NOW,
    expiresAt: NOW + 3_600_000,
    status: 'active',
  };

  it('are revoked by operators alone, in their own tenant alone', async () => {
    const { port, ledger } = await startLedger();
    const revoke = (token: string, body: string) => ask(port, '/capability-tokens/revoke', { token, body });
    for (const token of ['agent-token', 'host-token', 'auditor-token', 'platform-auditor-token'])
      expect(await revoke(token, '{"token_ids":["t1"]}')).toMatchObject({ status: 403, code: 'FORBIDDEN' });
    const foreign = '{"token_ids":["t1"],"tenant":"globex"}';
    expect((await revoke('operator-token', foreign)).code).toBe('FORBIDDEN');
    expect(ledger.revocations).toEqual([]);
    expect((await revoke('platform-operator-token', foreign)).status).toBe(200);
    expect(ledger.revocations[0]?.tenant).toBe('globex');
  });

  it('are revoked with a reason, counted and logged; what was never recorded is revoked too, and named', async () => {
    const { port, ledger, events, metrics } = await startLedger();
    ledger.tokenRows.push({ ...row, id: 't1' });
    const body = '{"token_ids":["t1","t2"],"reason":"leaked"}';
    const came = await ask(port, '/capability-tokens/revoke', { token: 'operator-token', body });
    expect([came.status, came.json]).toEqual([200, { revoked: ['t1', 't2'], unknown: ['t2'] }]);
    expect(ledger.revocations).toEqual([
      { tenant: 'acme', tokenIds: ['t1', 't2'], reason: 'leaked', by: 'operator-1', at: NOW },
    ]);
    expect(events[0]).toMatchObject({
      event: 'tokens_revoked',
      details: { by: 'operator-1', revoked: 2, unknown: 1 },
    });
    expect(await metrics.registry.metrics()).toContain('revocation_total 2');
  });

  it.each([
    ['{}', 'token_ids'],
    ['{"token_ids":[]}', 'token_ids'],
    ['{"token_ids":"t1"}', 'token_ids'],
    ['{"token_ids":["a b"]}', 'token_ids.0'],
    [`{"token_ids":[${Array(1001).fill('"t"').join()}]}`, 'token_ids'],
    ['{"token_ids":["t"],"reason":"a\\nb"}', 'reason'],
    ['{"token_ids":["t"],"tenant":"a b"}', 'tenant'],
    ['{"token_ids":["t"],"all":true}', 'all'],
  ])('are not revoked by a malformed request: %s', async (body, member) => {
    const { port, ledger } = await startLedger();
    const came = await ask(port, '/capability-tokens/revoke', { token: 'operator-token', body });
    expect([came.status, field(came.json, 'member')]).toEqual([400, member]);
    expect(ledger.revocations).toEqual([]);
  });

  it('are listed for auditors and operators, page by page', async () => {
    const { port, ledger } = await startLedger();
    ledger.tokenRows.push(
      { ...row, id: 't1' },
      { ...row, id: 't2', status: 'revoked' },
      { ...row, id: 't3', tenant: 'globex' },
    );
    for (const token of ['auditor-token', 'operator-token']) {
      const came = await ask(port, '/capability-tokens?status=active&limit=1', { token });
      expect(came.json).toEqual([
        {
          token_id: 't1',
          tenant: 'acme',
          subject: 'agent-1',
          session: null,
          audience: 'sidecar-watcher',
          roles: ['assistant'],
          capabilities: ['*'],
          epoch: 1,
          issued_at: '2026-01-01T00:00:00.000Z',
          expires_at: '2026-01-01T01:00:00.000Z',
          status: 'active',
        },
      ]);
      expect(came.headers.link).toBe('</capability-tokens?status=active&limit=1&cursor=more>; rel="next"');
    }
    expect((await ask(port, '/capability-tokens?status=any', { token: 'auditor-token' })).status).toBe(400);
  });
});
