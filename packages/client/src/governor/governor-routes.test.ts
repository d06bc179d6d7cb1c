import { afterEach, describe, expect, it } from 'vitest';
import { HASH, OTHER, PLAN } from '../../../gateway-http/src/governor/testing/fake-governor.ts';
import { tokenFor } from '../../../gateway-http/src/governor/testing/jwt-issuer.ts';
import { startGovernor, stopGovernors } from '../../../gateway-http/src/governor/testing/start-governor.ts';
import { createGovernorClient } from './governor-client.ts';

afterEach(stopGovernors);

async function start(role: 'admin' | 'auditor' = 'admin') {
  const { governor, port } = await startGovernor();
  const token = () => tokenFor(role);
  const client = createGovernorClient({ url: `http://127.0.0.1:${port}`, token, retries: 0 });
  return { governor, client };
}

describe('over the routes of the service', () => {
  it('a refusal comes with what blocks and what the tests wrote', async () => {
    const { governor, client } = await start();
    const tests = { rc: 1, stdout: 'not ok', stderr: '', duration_ms: 5, timed_out: false };
    const sandbox = {
      ...tests,
      end: 'exited',
      commands: 1,
      stdout_bytes: 6,
      stderr_bytes: 0,
      tier: 'rlimits',
      engine: 'bubblewrap 0.8.0',
    } as const;
    governor.refuseWith('TESTS_FAILED', { manifest: HASH, plan: PLAN, sandbox });
    await expect(client.apply({ signed_envelope: {} })).rejects.toMatchObject({
      code: 'TESTS_FAILED',
      status: 422,
      facts: { manifest: HASH, reasons: PLAN.reasons, sandbox: { rc: 1, stdout: 'not ok' } },
    });
    governor.refuseWith('KILLED', {});
    await expect(client.rollback({ audit_index: 0 })).rejects.toMatchObject({ code: 'KILLED', status: 503 });
  });

  it('a role that may not is told so', async () => {
    const { governor, client } = await start('auditor');
    await expect(client.kill('fire')).rejects.toMatchObject({ code: 'GOVERNOR_FORBIDDEN', status: 403 });
    expect(governor.asked).toEqual([]);
  });

  it('everything that may be asked is understood on both sides', async () => {
    const { governor, client } = await start();
    expect(await client.verify({ a: 1 })).toMatchObject({ valid: true, manifest_hash: HASH });
    expect(await client.plan({ b: 2 })).toEqual(PLAN);
    expect(await client.apply({ signed_envelope: {}, manifest: {}, idempotency_key: 'k' })).toMatchObject({
      success: true,
      audit_index: 7,
    });
    expect(await client.rollback({ manifest_hash: HASH })).toMatchObject({ reverted_hash: HASH });
    governor.records = [{ index: 0 }, { index: 1 }];
    expect(await client.auditLast(1)).toEqual([{ index: 1 }]);
    expect(await client.auditVerify()).toMatchObject({ valid: false, behind: 3 });
    expect(await client.status()).toMatchObject({ can_apply: false, tree: { digest: OTHER } });
    expect(await client.propose({ c: 3 })).toMatchObject({ status: 'open', next: 'sign it' });
    expect(await client.proposals({ limit: 5 })).toMatchObject([{ hash: HASH }, { hash: OTHER }]);
    expect(await client.proposals({ status: 'open', limit: 1 })).toMatchObject([
      { proposed_at: '2026-01-01T00:00:00.000Z', verdict: 'blocked' },
    ]);
    expect(await client.proposal(OTHER)).toMatchObject({ proposer: 'somebody', signed_envelope: null });
    expect(await client.approve(HASH, { d: 4 })).toMatchObject({ success: true });
    expect(await client.kill('fire')).toMatchObject({ active: true, reason: 'fire' });
    expect(await client.revive('out')).toMatchObject({ active: false });
    expect(governor.asked.map(([use]) => use)).toEqual([
      'verify',
      'plan',
      'apply',
      'rollback',
      'auditLast',
      'auditVerify',
      'status',
      'propose',
      'proposals',
      'proposals',
      'proposal',
      'approve',
      'kill',
      'revive',
    ]);
    expect(governor.asked[7]?.[2]).toEqual({ c: 3 });
  });
});
