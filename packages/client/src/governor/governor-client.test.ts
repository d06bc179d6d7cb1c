import type { JsonObject } from '@provability-fabric/kernel';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeFabric, json, problem, TOKEN } from '../testing/fake-fabric.ts';
import { createGovernorClient, type GovernorClient } from './governor-client.ts';
import { GovernorRefused } from './governor-refused.ts';

let fabric: FakeFabric;
let url: string;
let governor: GovernorClient;
beforeEach(async () => {
  fabric = new FakeFabric();
  url = await fabric.start();
  governor = createGovernorClient({
    url,
    token: TOKEN,
    timeoutMs: 2000,
    changeTimeoutMs: 2000,
    retryDelayMs: 1,
  });
});
afterEach(() => fabric.stop());

const HASH = 'ab'.repeat(32);
const ROOT = 'cd'.repeat(32);
const APPLIED = {
  success: true,
  manifest_hash: HASH,
  merkle_root: ROOT,
  audit_index: 3,
  message: 'applied',
  sandbox_result: null,
  error: null,
  commit: null,
};
const answers = (status: number, body: JsonObject, type?: string) =>
  fabric.behaviours.push((_, response) =>
    json(response, status, body, type === undefined ? {} : { 'content-type': type }),
  );
const refuses = (status: number, members: JsonObject) =>
  answers(status, { type: 'about:blank', title: 'no', status, ...members }, 'application/problem+json');

describe('a change', () => {
  it('is asked for once: what was lost on the way may have landed', async () => {
    fabric.behaviours.push((_, response) => {
      response.destroy();
      return true;
    });
    await expect(governor.apply({ signed_envelope: {} })).rejects.toMatchObject({
      code: 'SERVICE_UNREACHABLE',
    });
    expect(fabric.came).toHaveLength(1);
  });

  it('that is refused says which rules block and what its tests wrote, whatever the status', async () => {
    for (const [status, code] of [
      [403, 'CHANGE_BLOCKED'],
      [409, 'STALE_BASE'],
      [422, 'TESTS_FAILED'],
      [503, 'KILLED'],
    ] as const) {
      const tests = { rc: 1, stdout: 'one failed', stderr: '', timed_out: false };
      refuses(status, {
        code,
        detail: 'no',
        manifest_hash: HASH,
        reasons: ['deny_paths'],
        sandbox_result: tests,
      });
      const refused = await governor.apply({ signed_envelope: {} }).catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(GovernorRefused);
      expect(refused).toMatchObject({
        code,
        status,
        message: 'no',
        facts: { manifest: HASH, reasons: ['deny_paths'], sandbox: tests },
      });
    }
    expect(fabric.came).toHaveLength(4);
  });

  it('stays refused where the service says odd things about it', async () => {
    refuses(422, { code: 'TESTS_FAILED', detail: 'no', reasons: 7, sandbox_result: 'x', manifest_hash: '!' });
    await expect(governor.apply({ signed_envelope: {} })).rejects.toMatchObject({
      code: 'TESTS_FAILED',
      facts: { manifest: null, reasons: [], sandbox: null },
    });
  });

  it('was not refused by a proxy that says no in its own words', async () => {
    fabric.behaviours.push((_, response) => {
      response.writeHead(403).end('<html>');
      return true;
    });
    await expect(governor.apply({ signed_envelope: {} })).rejects.toMatchObject({ code: 'SERVICE_FAILED' });
  });

  it('never has its token in a message', async () => {
    for (const token of [TOKEN, async () => TOKEN]) {
      const asking = createGovernorClient({ url, token, retries: 0 });
      refuses(403, { code: 'GOVERNOR_FORBIDDEN', detail: `not with ${TOKEN}` });
      await expect(asking.apply({ signed_envelope: {} })).rejects.toMatchObject({
        message: 'not with (token)',
      });
    }
  });

  it('that landed is one only with all that an answer has', async () => {
    answers(200, APPLIED);
    await expect(governor.apply({ signed_envelope: {}, idempotency_key: 'k' })).resolves.toEqual(APPLIED);
    expect(fabric.came[0]).toMatchObject({
      path: '/v1/apply',
      body: { signed_envelope: {}, idempotency_key: 'k' },
    });
    for (const odd of [{ ...APPLIED, success: false }, { ...APPLIED, merkle_root: '' }, {}]) {
      answers(200, odd);
      await expect(governor.apply({ signed_envelope: {} })).rejects.toMatchObject({
        code: 'ANSWER_MALFORMED',
      });
    }
  });
});

describe('questions', () => {
  it('are asked again where the service is away for a moment', async () => {
    fabric.behaviours.push((_, response) => problem(response, 503, 'OVERLOADED', 'later'));
    answers(200, { valid: true, error: null, current_root: ROOT, behind: 0 });
    await expect(governor.auditVerify()).resolves.toMatchObject({ valid: true, behind: 0 });
    expect(fabric.came).toHaveLength(2);
  });

  it('ask for the last records, and list proposals by status', async () => {
    answers(200, { count: 1, records: [{ index: 0 }] });
    await expect(governor.auditLast(5)).resolves.toEqual([{ index: 0 }]);
    fabric.behaviours.push((_, response) => json(response, 200, []));
    await expect(governor.proposals({ status: 'open', limit: 2 })).resolves.toEqual([]);
    expect(fabric.came.map(({ path }) => path)).toEqual([
      '/v1/audit?limit=5',
      '/v1/proposals?status=open&limit=2',
    ]);
  });

  it('about a proposal that is not there get the code', async () => {
    refuses(404, { code: 'PROPOSAL_UNKNOWN', detail: 'no such proposal' });
    await expect(governor.proposal('x/../y')).rejects.toMatchObject({ code: 'PROPOSAL_UNKNOWN' });
    expect(fabric.came[0]?.path).toBe('/v1/proposals/x%2F..%2Fy');
  });
});
