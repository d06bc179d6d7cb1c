import { request as httpsRequest } from 'node:https';
import type { GovernorErrorCode } from '@provability-fabric/governor';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { certificateAuthority } from '../testing/certificates.ts';
import { type Ask, ask } from '../testing/clients.ts';
import { HASH, OTHER, PLAN, proposalBy } from './testing/fake-governor.ts';
import { tokenFor } from './testing/jwt-issuer.ts';
import { startGovernor, stopGovernors } from './testing/start-governor.ts';

let admin: string;
let proposer: string;
beforeAll(async () => {
  admin = await tokenFor('admin');
  proposer = await tokenFor('proposer');
});
afterEach(stopGovernors);

async function start() {
  const started = await startGovernor();
  const post = (path: string, body: unknown, more: Ask = {}) =>
    ask(started.port, path, { token: admin, body: JSON.stringify(body), ...more });
  const get = (path: string, token = admin) => ask(started.port, path, { token });
  return { ...started, post, get };
}

describe('requests that are not what a route takes', () => {
  it.each([
    ['/v1/verify', []],
    ['/v1/verify', 'text'],
    ['/v1/policy/plan', null],
    ['/v1/apply', {}],
    ['/v1/apply', { signed_envelope: 'e30=' }],
    ['/v1/apply', { signed_envelope: {}, force: true }],
    ['/v1/apply', { signed_envelope: {}, idempotency_key: 'two words' }],
    ['/v1/apply', { signed_envelope: {}, idempotency_key: 'k'.repeat(129) }],
    ['/v1/rollback', {}],
    ['/v1/rollback', { manifest_hash: HASH, audit_index: 1 }],
    ['/v1/rollback', { manifest_hash: '../../etc/passwd' }],
    ['/v1/rollback', { manifest_hash: HASH.toUpperCase() }],
    ['/v1/rollback', { audit_index: -1 }],
    ['/v1/rollback', { audit_index: 1.5 }],
    ['/v1/rollback', { audit_index: '1' }],
    ['/v1/proposals', { manifest: [] }],
    [`/v1/proposals/${HASH}/approve`, { envelope: {} }],
    ['/v1/proposals/short/approve', { signed_envelope: {} }],
    ['/v1/kill', {}],
    ['/v1/kill', { reason: '' }],
    ['/v1/kill', { reason: 'a\nb' }],
    ['/v1/kill', { reason: 'red\u001b[31m' }],
    ['/v1/kill', { reason: 'x'.repeat(201) }],
  ])('%s refuses %j before anything is asked', async (path, body) => {
    const { post, governor } = await start();
    const came = await post(path, body);
    expect([came.status, came.code]).toEqual([400, 'REQUEST_MALFORMED']);
    expect(governor.asked).toEqual([]);
  });

  it.each(['0', '-1', '1001', '00005', '5a', '%2e%2e', 'verified'])(
    '/v1/audit/%s is no number of records',
    async (n) => {
      const { get, governor } = await start();
      expect((await get(`/v1/audit/${n}`)).status).toBe(400);
      expect(governor.asked).toEqual([]);
    },
  );

  it('refuses a query that it does not know, and keys that differ', async () => {
    const { get, post, governor } = await start();
    for (const path of ['/v1/audit?n=5', '/v1/audit?limit=0', '/v1/audit/5?limit=2', '/v1/status?x=1'])
      expect((await get(path)).status).toBe(400);
    const body = { signed_envelope: {}, idempotency_key: 'a' };
    const came = await post('/v1/apply', body, { headers: { 'idempotency-key': 'b' } });
    expect([came.status, came.code]).toEqual([400, 'REQUEST_MALFORMED']);
    expect(governor.asked).toEqual([]);
  });
});

describe('a change over HTTP', () => {
  it('is verified, planned, applied and taken back on behalf of the token’s subject', async () => {
    const { post, governor, log } = await start();
    const caller = { principal: 'admin-1', actor: 'api' };
    expect((await post('/v1/verify', { payload: 'AA==' })).json).toMatchObject({
      valid: true,
      manifest_hash: HASH,
      signers: [{ keyId: 'ed25519:ann', role: 'human' }],
    });
    expect((await post('/v1/policy/plan', { targets: [] })).json).toEqual(PLAN);
    const applied = await post('/v1/apply', { signed_envelope: { a: 1 }, manifest: null });
    expect(applied.json).toEqual({
      success: true,
      manifest_hash: HASH,
      merkle_root: 'ef'.repeat(32),
      audit_index: 7,
      message: 'applied',
      sandbox_result: null,
      error: null,
      commit: null,
    });
    const back = await post('/v1/rollback', { manifest_hash: HASH, audit_index: null });
    expect(back.json).toMatchObject({ success: true, reverted_hash: HASH, audit_index: 8 });
    expect(governor.asked).toEqual([
      ['verify', caller, { payload: 'AA==' }],
      ['plan', caller, { targets: [] }],
      ['apply', caller, { signed_envelope: { a: 1 } }],
      ['rollback', caller, { manifest_hash: HASH }],
    ]);
    expect(log.filter(({ tags }) => tags.includes('GOVERNED_CHANGE')).map(({ event }) => event)).toEqual([
      'change_applied',
      'change_rolled_back',
    ]);
  });

  it.each([
    [{ idempotency_key: 'k-1' }, undefined],
    [{}, 'k-1'],
    [{ idempotency_key: 'k-1' }, 'k-1'],
  ])('takes its idempotency key from the body, the header or both', async (inBody, inHeader) => {
    const { post, governor } = await start();
    const headers = inHeader === undefined ? {} : { 'idempotency-key': inHeader };
    await post('/v1/apply', { signed_envelope: {}, manifest: { b: 2 }, ...inBody }, { headers });
    expect(governor.asked[0]?.[2]).toEqual({
      signed_envelope: {},
      manifest: { b: 2 },
      idempotency_key: 'k-1',
    });
  });

  it('tells what is known of a refused one, with the output of its tests', async () => {
    const { post, governor } = await start();
    const sandbox = {
      rc: 1,
      stdout: 'not ok 1',
      stderr: '',
      duration_ms: 12,
      timed_out: false,
      end: 'exited',
      commands: 1,
      stdout_bytes: 8,
      stderr_bytes: 0,
      tier: 'cgroups',
      engine: 'bubblewrap 0.8.0',
    } as const;
    const position = { index: 4, merkle_root: 'ee'.repeat(32) };
    governor.refuseWith('TESTS_FAILED', { manifest: HASH, plan: PLAN, sandbox, position });
    const came = await post('/v1/apply', { signed_envelope: {} });
    expect(came.status).toBe(422);
    expect(came.headers['content-type']).toBe('application/problem+json');
    expect(came.json).toMatchObject({
      code: 'TESTS_FAILED',
      detail: 'expected this, came that',
      success: false,
      manifest_hash: HASH,
      reasons: PLAN.reasons,
      blocked_paths: ['.git/config'],
      sandbox_result: { rc: 1, stdout: 'not ok 1' },
      audit_index: 4,
      merkle_root: 'ee'.repeat(32),
    });
    governor.refuseWith('CHANGE_REPLAYED', {});
    const bare = await post('/v1/apply', { signed_envelope: {} });
    expect(Object.keys(bare.json as object).sort()).toEqual(
      ['code', 'detail', 'error', 'request_id', 'status', 'success', 'title', 'type'].sort(),
    );
  });

  it.each([
    [400, ['MANIFEST_INVALID', 'MANIFEST_MISMATCH', 'ENVELOPE_INVALID', 'SIGNATURE_INVALID']],
    [403, ['SIGNATURES_MISSING', 'CHANGE_EXPIRED', 'CHANGE_BLOCKED', 'GOVERNOR_FORBIDDEN', 'KEY_INVALID']],
    [404, ['CHANGE_UNKNOWN', 'PROPOSAL_UNKNOWN', 'KEY_UNKNOWN']],
    [409, ['CHANGE_REPLAYED', 'IDEMPOTENCY_CONFLICT', 'STALE_BASE', 'POLICY_MISMATCH', 'TREE_UNSAFE']],
    [409, ['ROLLBACK_OVERLAP', 'ROLLBACK_IMPOSSIBLE', 'KEY_EXISTS']],
    [422, ['TESTS_FAILED']],
    [429, ['PROPOSALS_FULL']],
    [500, ['GIT_FAILED']],
    [
      503,
      [
        'KILLED',
        'KILL_SWITCH_UNAVAILABLE',
        'TREE_BUSY',
        'TREE_DAMAGED',
        'SANDBOX_UNAVAILABLE',
        'POLICY_ROLLBACK',
      ],
    ],
    [503, ['POLICY_INVALID', 'CHANGE_AUDIT_UNAVAILABLE', 'CHANGE_AUDIT_DAMAGED']],
  ] as readonly [number, readonly GovernorErrorCode[]][])('answers %i for %j', async (status, codes) => {
    const { post, governor } = await start();
    for (const code of codes) {
      governor.refuseWith(code);
      const came = await post('/v1/apply', { signed_envelope: {} });
      expect([came.status, came.code]).toEqual([status, code]);
    }
  });

  it('says nothing of an error that nobody foresaw', async () => {
    const { post, governor, log } = await start();
    governor.refusal = new Error('line 3 of src/keys.ts: hunter2');
    const came = await post('/v1/apply', { signed_envelope: {} });
    expect([came.status, came.code]).toEqual([500, 'INTERNAL']);
    expect(JSON.stringify([came.text, log])).not.toContain('hunter2');
  });
});

describe('the audit over HTTP', () => {
  it('gives the last records and not the first, however many are asked for', async () => {
    const { get, governor } = await start();
    governor.records = Array.from({ length: 80 }, (_, index) => ({ index, commit: null }));
    const indexes = (came: { json: unknown }) =>
      (came.json as { records: { index: number }[] }).records.map(({ index }) => index);
    expect(indexes(await get('/v1/audit/2'))).toEqual([78, 79]);
    expect(indexes(await get('/v1/audit?limit=3'))).toEqual([77, 78, 79]);
    expect((await get('/v1/audit')).json).toMatchObject({ count: 50 });
    expect((await get('/v1/audit/1000')).json).toMatchObject({ count: 80 });
  });

  it('is verified under its own path, and what does not hold is an answer', async () => {
    const { get, governor } = await start();
    const came = await get('/v1/audit/verify');
    expect([came.status, came.json]).toEqual([
      200,
      { valid: false, error: '3 behind', current_root: 'ef'.repeat(32), behind: 3 },
    ]);
    expect(governor.asked).toEqual([['auditVerify']]);
  });
});

describe('proposals over HTTP', () => {
  it('an agent sees its own alone, and cannot tell another’s from none', async () => {
    const { get, governor } = await start();
    const listed = (await get('/v1/proposals', proposer)).json as { hash: string; proposer: string }[];
    expect(listed.map(({ hash }) => hash)).toEqual([HASH]);
    expect((await get(`/v1/proposals/${HASH}`, proposer)).status).toBe(200);
    const others = await get(`/v1/proposals/${OTHER}`, proposer);
    expect([others.status, others.code]).toEqual([404, 'PROPOSAL_UNKNOWN']);
    governor.kept = Array.from({ length: 60 }, () => proposalBy('somebody', OTHER));
    governor.kept.push(proposalBy('proposer-1', HASH));
    expect((await get('/v1/proposals?limit=1', proposer)).json).toHaveLength(1);
  });

  it('a person sees all of them, and the whole change before they sign it', async () => {
    const { get, governor } = await start();
    expect((await get('/v1/proposals?status=all&limit=2')).json).toHaveLength(2);
    expect(governor.asked).toEqual([['proposals', { limit: 2 }]]);
    expect((await get(`/v1/proposals/${OTHER}`)).json).toMatchObject({
      hash: OTHER,
      status: 'open',
      proposer: 'somebody',
      proposed_at: '2026-01-01T00:00:00.000Z',
      manifest: { files: [{ path: 'src/a.ts', base: null, content: { text: 'x' } }] },
      signed_envelope: null,
      plan: { policy: { version: 3 } },
    });
  });

  it('are made with 201 and a place to look, and approved by an envelope', async () => {
    const { post, governor } = await start();
    const made = await post('/v1/proposals', { manifest: { targets: ['a'] } });
    expect([made.status, made.headers.location]).toEqual([201, `/v1/proposals/${HASH}`]);
    const approved = await post(`/v1/proposals/${HASH}/approve`, { signed_envelope: { s: 1 } });
    expect(approved.json).toMatchObject({ success: true, audit_index: 7 });
    expect(governor.asked[1]).toEqual(['approve', { principal: 'admin-1', actor: 'api' }, HASH, { s: 1 }]);
  });
});

describe('the kill switch over HTTP', () => {
  it('makes /readyz say 503 and why, and leaves liveness and the start alone', async () => {
    const { post, port, log, metrics } = await start();
    const ready = { active: false, env_enabled: true, sentinel_exists: false, reason: null };
    expect((await ask(port, '/readyz')).json).toEqual({ status: 'ready', kill_switch: ready });
    expect((await post('/v1/kill', { reason: 'wrong change landed' })).json).toMatchObject({ active: true });
    for (const path of ['/readyz', '/health/ready']) {
      const came = await ask(port, path);
      expect([came.status, came.json]).toEqual([
        503,
        {
          status: 'not_ready',
          kill_switch: { ...ready, active: true, sentinel_exists: true, reason: 'wrong change landed' },
        },
      ]);
    }
    expect((await ask(port, '/livez')).json).toEqual({ status: 'alive' });
    expect((await ask(port, '/health/startup')).status).toBe(200);
    expect((await ask(port, '/metrics')).text).toContain('\nsafeai_kill_switch_active 1\n');
    await post('/v1/revive', { reason: 'looked at' });
    expect((await ask(port, '/readyz')).status).toBe(200);
    const shown = await metrics.registry.metrics();
    expect(shown).toContain('\nsafeai_kill_switch_active 0\n');
    for (const [endpoint, method, status] of [
      ['/v1/kill', 'POST', 200],
      ['/readyz', 'GET', 503],
    ])
      expect(shown).toContain(
        `\nsafeai_api_requests_total{endpoint="${endpoint}",method="${method}",status="${status}"} 1\n`,
      );
    expect(log.filter(({ tags }) => tags.includes('KILL_SWITCH')).map(({ event }) => event)).toEqual([
      'governor_killed',
      'governor_revived',
    ]);
  });
});

describe('the governor behind mutual TLS', () => {
  it('lets nobody in without a certificate of the authority, whatever the token', async () => {
    const authority = certificateAuthority('house');
    const client = authority.issue('pipeline');
    const stranger = certificateAuthority('elsewhere').issue('pipeline');
    const { port, governor } = await startGovernor({
      tls: {
        ...authority.issue('governor'),
        clients: { authority: authority.certificate, certificate: 'required' },
      },
    });
    const status = (shown: { certificate: Buffer; key: Buffer } | undefined) =>
      new Promise<number | undefined>((resolve, reject) => {
        const sent = httpsRequest(
          {
            host: '127.0.0.1',
            port,
            path: '/v1/status',
            agent: false,
            ca: authority.certificate,
            headers: { authorization: `Bearer ${admin}` },
            ...(shown !== undefined && { cert: shown.certificate, key: shown.key }),
          },
          (answer) => {
            answer.resume();
            resolve(answer.statusCode);
          },
        );
        sent.on('error', reject);
        sent.end();
      });
    await expect(status(undefined)).rejects.toThrow();
    await expect(status(stranger)).rejects.toThrow();
    expect(governor.asked).toEqual([]);
    expect(await status(client)).toBe(200);
  });
});
