import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { call, fakeTime, notice, passes, refusalIn, request, result, setUp } from './relay.fixture.ts';

beforeEach(fakeTime);
afterEach(() => vi.useRealTimers());

const limits = { upstreamTimeoutMs: 1000 };

describe('the time-out', () => {
  it('starts again with each progress of that very call', async () => {
    const { client, upstream, relay, decider } = setUp({ limits });
    const withToken = (id: number, progressToken: unknown) =>
      call(id, `t${id}`, { _meta: { progressToken } });
    client.send(withToken(1, 'p'), withToken(2, 7));
    await upstream.sees('t2');
    for (let n = 0; n < 4; n++) {
      await passes(600);
      upstream.send(notice('notifications/progress', { progressToken: 'p', progress: n }));
      upstream.send(notice('notifications/progress', { progressToken: '7', progress: n })); // not 7
    }
    upstream.send(result(1));
    await client.answer(1);
    expect(decider.outcomes()).toEqual(['cert-2 ambiguous', 'cert-1 done']);
    await relay.close();
  });

  it('is for the server alone: the time that the decision took does not count', async () => {
    const { client, upstream, relay, decider } = setUp({ limits });
    decider.decideBy = async () => {
      await new Promise((resolve) => setTimeout(resolve, 600));
      return { effect: 'allow', certificateId: 'c' };
    };
    client.send(call(1));
    await passes(600);
    await upstream.sees('echo');
    await passes(600);
    upstream.send(result(1));
    await client.answer(1);
    expect(decider.outcomes()).toEqual(['c done']);
    await relay.close();
  });

  it('waits while the server asks the client, and starts again after the answer', async () => {
    const { client, upstream, relay, decider } = setUp({ limits });
    client.send(call(1));
    await upstream.sees('echo');
    upstream.send(request('ask', 'elicitation/create', {}));
    await client.sees('elicitation/create');
    await passes(5000);
    expect(client.lines).toHaveLength(1);
    client.send({ jsonrpc: '2.0', id: 'ask', result: { action: 'decline' } });
    await passes(900);
    expect(client.lines).toHaveLength(1);
    await passes(100);
    await client.answer(1);
    expect(decider.outcomes()).toEqual(['cert-2 done', 'cert-1 ambiguous']); // 2: the answer itself
    await relay.close();
  });

  it('does not wait for what software answers at once', async () => {
    const { client, upstream, relay } = setUp({ limits });
    client.send(call(1));
    await upstream.sees('echo');
    upstream.send(request('a', 'ping'), request('b', 'roots/list'));
    await passes(1000);
    await client.answer(1);
    await relay.close();
  });

  it('ends a decision that does not come, and what it allows afterwards is not sent', async () => {
    const { client, upstream, relay, decider } = setUp({ limits });
    decider.decideBy = async ({ requestId }) => {
      await new Promise((resolve) => setTimeout(resolve, 1500));
      return { effect: 'allow', certificateId: `cert-${requestId}` };
    };
    client.send(call(1), call(2));
    await passes(1000);
    expect(refusalIn(await client.answer(1))).toEqual({ code: 'EVIDENCE_UNAVAILABLE', effect: 'block' });
    expect(refusalIn(await client.answer(2))).toEqual({ code: 'UPSTREAM_TIMEOUT', effect: 'block' });
    await passes(500);
    expect(decider.outcomes()).toEqual(['cert-1 failed']);
    expect(upstream.lines).toEqual([]);
    await relay.close();
  });

  it('ends a recording that does not come: the result stays unseen', async () => {
    const { client, upstream, relay, decider } = setUp({ limits });
    client.send(call(1));
    await upstream.sees('echo');
    decider.settleBy = () => new Promise(() => {});
    upstream.send(result(1, { content: ['secret'] }));
    await passes(1000);
    expect(refusalIn(await client.answer(1))).toMatchObject({ code: 'EVIDENCE_UNAVAILABLE' });
    expect(client.lines.join()).not.toContain('secret');
    await relay.close();
  });

  it('says that even the ambiguity could not be recorded', async () => {
    const { client, upstream, relay, decider } = setUp({ limits });
    decider.settleBy = () => Promise.reject(new Error('gone'));
    client.send(call(1));
    await upstream.sees('echo');
    await passes(1000);
    expect(refusalIn(await client.answer(1))).toMatchObject({
      code: 'EVIDENCE_UNAVAILABLE',
      certificate_id: 'cert-1',
    });
    await relay.close();
  });
});
