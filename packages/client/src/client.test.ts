import type { JsonObject } from '@provability-fabric/kernel';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createClient } from './client.ts';
import { cutOff, FakeFabric, json, TOKEN } from './testing/fake-fabric.ts';
import { retryDelay, secondsIn } from './transport/retry-delay.ts';

let fabric: FakeFabric;
let url: string;
beforeEach(async () => {
  fabric = new FakeFabric();
  url = await fabric.start();
});
afterEach(() => fabric.stop());

const client = () => createClient({ url, token: TOKEN, timeoutMs: 2000, retryDelayMs: 1 });

describe('the client', () => {
  it('keeps integers of any length, both ways', async () => {
    await client().authorize({ action: { kind: 'read', uri: 'db://x', args: { id: 9007199254740993n } } });
    expect(fabric.came[0]?.body).toMatchObject({ action: { kind: 'read', args: { id: 9007199254740993n } } });
    await client().outcome({
      session: 's',
      certificateId: 'a'.repeat(64),
      outcome: 'done',
      result: { id: 12345678901234567890n },
    });
    expect(fabric.outcomes).toMatchObject([{ outcome: 'done', result: { id: 12345678901234567890n } }]);
  });

  it('gives each action a request id of its own, unless it is told one', async () => {
    const action = { kind: 'call', tool: 'look' } as const;
    await client().authorize({ action });
    await client().authorize({ action });
    await client().authorize({ action, requestId: 'mine-1', session: 's9', attributes: { urgent: true } });
    const bodies = fabric.came.map(({ body }) => body as { request_id: string });
    expect(new Set(bodies.map(({ request_id }) => request_id)).size).toBe(3);
    expect(bodies[2]).toEqual({ request_id: 'mine-1', session: 's9', action, attributes: { urgent: true } });
  });

  it('refuses before it asks what JSON cannot say', async () => {
    const asking = client().authorize({ action: { kind: 'call', tool: 'look', args: { x: Number.NaN } } });
    await expect(asking).rejects.toMatchObject({ code: 'REQUEST_UNFIT' });
    expect(fabric.came).toEqual([]);
  });

  it('says how the service is, without a token, also when it is not well', async () => {
    const problems = [{ component: 'evidence', problem: 'disk full' }];
    fabric.behaviours.push((_, response) => json(response, 200, { status: 'healthy', uptime: 17 }));
    expect(await client().health()).toEqual({ healthy: true, uptime: 17, problems: [] });
    fabric.behaviours.push((_, response) =>
      json(response, 503, { status: 'unhealthy', uptime: 18, problems }),
    );
    expect(await client().health()).toEqual({ healthy: false, uptime: 18, problems });
    expect(fabric.came.map(({ headers }) => headers.authorization)).toEqual([undefined, undefined]);
  });

  describe('in the words of AuthZEN', () => {
    const subject = { type: 'agent', id: 'agent-1' };
    const question = { action: { name: 'call' }, resource: { type: 'tool', id: 'send_mail' } };
    const answers: JsonObject[] = [
      { decision: false, context: { reason: 'LABEL_FLOW' } },
      { decision: true, note: 'of a newer service' },
    ];

    it('asks one question, which a repetition repeats', async () => {
      fabric.behaviours.push(cutOff, (_, response) => json(response, 200, answers[0] as JsonObject));
      const evaluation = await client().evaluate({ subject, ...question, context: { urgent: true } });
      expect(evaluation).toEqual(answers[0]);
      const [first, second] = fabric.came.map(({ body }) => body);
      expect(first).toEqual({
        subject,
        ...question,
        context: { urgent: true, request_id: expect.any(String) },
      });
      expect(second).toEqual(first);
    });

    it('takes no answer to another question', async () => {
      const context = { session: 's1', certificate_id: 'a'.repeat(64) };
      fabric.behaviours.push((_, response) => json(response, 200, { decision: true, context }));
      await expect(client().evaluate({ subject, ...question })).rejects.toMatchObject({
        code: 'ANSWER_MISMATCH',
      });
      fabric.behaviours.push((_, response) => json(response, 200, { evaluations: answers }));
      const one = client().evaluations({ subject, evaluations: [question] });
      await expect(one).rejects.toMatchObject({ code: 'ANSWER_MISMATCH' });
    });

    it('asks several at once, each under a request id', async () => {
      fabric.behaviours.push((_, response) => json(response, 200, { evaluations: answers }));
      const evaluations = [question, { ...question, context: { urgent: true } }];
      expect(await client().evaluations({ subject, evaluations, semantic: 'execute_all' })).toEqual([
        answers[0],
        { decision: true, context: null },
      ]);
      const body = fabric.came[0]?.body as { context: { request_id: string } };
      const id = body.context.request_id;
      expect(body).toEqual({
        subject,
        context: { request_id: id },
        evaluations: [question, { ...question, context: { urgent: true, request_id: `${id}/1` } }],
        options: { evaluations_semantic: 'execute_all' },
      });
    });
  });

  it('sends through a fetch of the caller’s, below the path of its URL', async () => {
    const seen: string[] = [];
    const through = createClient({
      url: 'https://gateway.example/fabric/',
      token: TOKEN,
      retries: 0,
      fetch: async (to, init) => {
        seen.push(to);
        return fetch(to.replace('https://gateway.example/fabric', url), init);
      },
    });
    await through.authorize({ action: { kind: 'call', tool: 'look' } });
    expect(seen).toEqual(['https://gateway.example/fabric/v1/authorize']);
  });
});

describe('the wait before a repetition', () => {
  it('doubles up to half a minute, is at least half of that, and never shorter than was asked for', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (repetition, chance) => {
          const full = Math.min(30_000, 100 * 2 ** (repetition - 1));
          const wait = retryDelay(repetition, 100, null, () => chance);
          expect(wait).toBeGreaterThanOrEqual(full / 2);
          expect(wait).toBeLessThanOrEqual(full);
          expect(retryDelay(repetition, 100, 29, () => chance)).toBeGreaterThanOrEqual(29_000);
          expect(retryDelay(repetition, 100, 31, () => chance)).toBeNull();
        },
      ),
    );
  });

  it('is read from seconds and from nothing else', () => {
    expect(
      ['0', '17', '-1', '1.5', '1e9', 'Wed, 21 Oct 2026 07:28:00 GMT', '99999999999', null].map(secondsIn),
    ).toEqual([0, 17, null, null, null, null, null, null]);
  });
});
