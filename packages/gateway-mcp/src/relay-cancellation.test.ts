import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Decision } from './ports.ts';
import { allow, call, fakeTime, notice, passes, request, result, settle, setUp } from './relay.fixture.ts';

const cancel = (requestId: unknown) =>
  notice('notifications/cancelled', { requestId, reason: 'changed my mind' });

afterEach(() => vi.useRealTimers());

describe('a cancellation', () => {
  it('before the decision stops everything: not sent, recorded as not done, not answered', async () => {
    const { client, upstream, decider, relay } = setUp();
    const waiting: ((decision: Decision) => void)[] = [];
    decider.decideBy = () => new Promise((resolve) => waiting.push(resolve));
    client.send(call(1), call(2), request(3, 'ping'), cancel(1), cancel(2), cancel(3));
    await settle();
    waiting.shift()?.(allow('1'));
    await settle();
    expect(decider.outcomes()).toEqual(['cert-1 failed']);
    expect(decider.settled[0]?.outcome).toEqual({ outcome: 'failed' });
    expect(decider.asked).toHaveLength(1); // 2 still waited for its turn
    expect([upstream.lines, client.lines]).toEqual([[], []]);
    client.send(call(2)); // never sent, so its id is free
    await settle();
    expect(decider.asked).toHaveLength(2);
    waiting.shift()?.({ effect: 'block', code: 'FORBIDDEN' });
    await client.answer(2);
    await relay.close();
  });

  it('before a refusal is no reason to answer', async () => {
    const { client, decider, relay } = setUp();
    const waiting: ((decision: Decision) => void)[] = [];
    decider.decideBy = () => new Promise((resolve) => waiting.push(resolve));
    client.send(call(1), cancel(1));
    await settle();
    waiting.shift()?.({ effect: 'block', code: 'FORBIDDEN' });
    await settle();
    expect([client.lines, decider.settled]).toEqual([[], []]);
    await relay.close();
  });

  it('after the call was sent is forwarded once, ahead of what waits for a decision', async () => {
    const { client, upstream, decider, relay } = setUp({ limits: { upstreamTimeoutMs: 200 } });
    client.send(call(1));
    await upstream.sees('echo');
    decider.decideBy = () => new Promise(() => {});
    client.send(call(2), cancel(1), cancel(1));
    await upstream.sees('cancelled');
    await settle();
    expect(upstream.lines.slice(1)).toEqual([JSON.stringify(cancel(1))]);
    // The server may have been done already: what it says is recorded and shown.
    upstream.send(result(1, { content: ['done'] }));
    await client.answer(1);
    expect(decider.outcomes()).toEqual(['cert-1 done']);
    await relay.close();
  });

  it('after the call was sent, and obeyed, leaves the outcome ambiguous and the client in peace', async () => {
    fakeTime();
    const { client, upstream, decider, relay } = setUp();
    client.send(call(1));
    await upstream.sees('echo');
    client.send(cancel(1));
    await upstream.sees('cancelled');
    await passes(30_000);
    expect(decider.outcomes()).toEqual(['cert-1 ambiguous']);
    expect(client.lines).toEqual([]);
    await relay.close();
  });

  it('while the outcome is being recorded changes nothing', async () => {
    const { client, upstream, decider, relay } = setUp();
    let recorded: () => void = () => {};
    decider.settleBy = () => new Promise((resolve) => (recorded = resolve));
    client.send(call(1));
    await upstream.sees('echo');
    upstream.send(result(1));
    await settle();
    client.send(cancel(1));
    await settle();
    recorded();
    await client.answer(1);
    expect(upstream.lines).toHaveLength(1);
    await relay.close();
  });

  it('of something unknown, finished or refused goes nowhere', async () => {
    const { client, upstream, decider, relay, eventNames } = setUp();
    decider.decideBy = () => ({ effect: 'block', code: 'FORBIDDEN' });
    client.send(call(1));
    await client.answer(1);
    client.send(cancel(1), cancel(2), cancel('1'), cancel(null), notice('notifications/cancelled', {}));
    await upstream.sees('cancelled');
    expect(upstream.lines).toEqual([JSON.stringify(notice('notifications/cancelled', {}))]);
    expect(eventNames().filter((name) => name === 'mcp.cancelled-unknown')).toHaveLength(4);
    await relay.close();
  });
});
