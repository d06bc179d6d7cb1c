import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  answering,
  call,
  fakeTime,
  notice,
  passes,
  refusalIn,
  request,
  result,
  settle,
  setUp,
} from './relay.fixture.ts';

afterEach(() => vi.useRealTimers());

describe('a faulty upstream', () => {
  it('that dies leaves no request unanswered and no outcome guessed', async () => {
    const { client, upstream, decider, relay, die } = setUp();
    client.send(call(1), request(2, 'resources/read', { uri: 'a:b' }), request(3, 'ping'));
    await upstream.sees('ping');
    die({ code: null, signal: 'SIGSEGV' });
    const end = await relay.closed;
    expect(end).toEqual({ reason: 'upstream-exited', upstream: { code: null, signal: 'SIGSEGV' } });
    expect(decider.outcomes()).toEqual(['cert-1 ambiguous', 'cert-2 ambiguous']);
    expect(await client.answer(1)).toMatchObject({ result: { isError: true } });
    expect(refusalIn(await client.answer(1))).toEqual({
      code: 'OUTCOME_AMBIGUOUS',
      certificate_id: 'cert-1',
      effect: 'allow',
    });
    expect(await client.answer(2)).toMatchObject({ error: { data: { code: 'OUTCOME_AMBIGUOUS' } } });
    expect(await client.answer(3)).toMatchObject({
      error: { code: -32001, data: { code: 'UPSTREAM_CLOSED' } },
    });
  });

  it('that dies is still heard to its last word', async () => {
    const { client, upstream, decider, relay, die } = setUp();
    decider.settleBy = () => settle();
    client.send(call(1), call(2));
    await upstream.seesCount('echo', 2);
    upstream.send(result(1), result(2, { content: ['last'] }));
    upstream.outgoing.write('{"jsonrpc":"2.0","id":3,"resu');
    die({ code: 1, signal: null });
    await relay.closed;
    expect(client.lines).toEqual(
      [result(1), result(2, { content: ['last'] })].map((line) => JSON.stringify(line)),
    );
    expect(decider.outcomes()).toEqual(['cert-1 done', 'cert-2 done']);
  });

  it('that dies during a decision gets nothing, and the certified call is recorded as not done', async () => {
    const { client, upstream, decider, relay, die } = setUp();
    let decide: () => void = () => {};
    decider.decideBy = () =>
      new Promise((resolve) => {
        decide = () => resolve({ effect: 'allow', certificateId: 'late' });
      });
    client.send(call(1), call(2));
    await settle();
    die({ code: 0, signal: null });
    expect(refusalIn(await client.answer(1))).toEqual({ code: 'UPSTREAM_CLOSED', effect: 'block' });
    expect(refusalIn(await client.answer(2))).toEqual({ code: 'UPSTREAM_CLOSED', effect: 'block' });
    decide();
    await relay.closed;
    expect(decider.outcomes()).toEqual(['late failed']);
    expect(decider.asked).toHaveLength(1);
    expect(upstream.lines).toEqual([]);
  });

  it('that hangs is waited for only so long; what it says later is recorded, not shown', async () => {
    fakeTime();
    const { client, upstream, decider, relay } = setUp();
    client.send(call(1), request(2, 'ping'), request(3, 'tools/list'));
    await passes(30_000);
    expect(refusalIn(await client.answer(1))).toEqual({
      code: 'OUTCOME_AMBIGUOUS',
      certificate_id: 'cert-1',
      effect: 'allow',
    });
    expect(refusalIn(await client.answer(2))).toEqual({ code: 'UPSTREAM_TIMEOUT', effect: 'allow' });
    await client.answer(3);
    upstream.send(result(1, { content: ['late'] }), result(1, { content: ['later'] }), result(2), result(3));
    await settle();
    expect(decider.outcomes()).toEqual(['cert-1 ambiguous', 'cert-1 done']);
    expect(client.lines).toHaveLength(3);
    await relay.close();
  });

  it('that answers while its silence is being recorded has its answer recorded after it', async () => {
    fakeTime();
    const { client, upstream, decider, relay } = setUp();
    let silenceRecorded: () => void = () => {};
    decider.settleBy = (_, { outcome }) =>
      outcome === 'ambiguous' ? new Promise((resolve) => (silenceRecorded = resolve)) : undefined;
    client.send(call(1));
    await upstream.sees('echo');
    await passes(30_000);
    upstream.send(result(1, { content: ['late'] }));
    await settle();
    silenceRecorded();
    expect(refusalIn(await client.answer(1))).toMatchObject({ code: 'OUTCOME_AMBIGUOUS' });
    await settle();
    expect(decider.outcomes()).toEqual(['cert-1 ambiguous', 'cert-1 done']);
    expect(client.lines).toHaveLength(1);
    await relay.close();
  });

  it('that takes nothing in any more holds nobody up beyond the time-out, and nothing more is decided', async () => {
    fakeTime();
    const { client, upstream, decider, relay } = setUp();
    upstream.incoming.removeAllListeners('data');
    upstream.incoming.pause();
    const filler = 'x'.repeat(100_000);
    client.send(call(1, 'echo', { _meta: { filler } }), call(2), request(3, 'ping'));
    await passes(30_000);
    expect(refusalIn(await client.answer(1))).toMatchObject({ code: 'OUTCOME_AMBIGUOUS' });
    expect(refusalIn(await client.answer(2))).toEqual({ code: 'UPSTREAM_TIMEOUT', effect: 'block' });
    await client.answer(3);
    expect(decider.asked).toHaveLength(1);
    const closing = relay.close();
    await passes(1000);
    await closing;
  });

  it('cannot answer what it has not been asked, nor answer twice', async () => {
    const { client, upstream, decider, relay, events } = setUp();
    let decide: () => void = () => {};
    decider.decideBy = ({ requestId }) =>
      new Promise((resolve) => {
        decide = () => resolve({ effect: 'allow', certificateId: requestId });
      });
    client.send(call(1));
    await settle();
    upstream.send(result(1, { content: ['forged'] }), result('1'), result(99), {
      jsonrpc: '2.0',
      id: null,
      error: {},
    });
    await settle();
    expect(client.lines).toEqual([]);
    decide();
    await upstream.sees('echo');
    upstream.send(result(1), result(1, { content: ['again'] }));
    await settle();
    expect(client.lines).toEqual([JSON.stringify(result(1))]);
    expect(decider.outcomes()).toEqual(['1 done']);
    expect(events.filter(({ details }) => details.reason === 'UNKNOWN_ID')).toHaveLength(5);
    await relay.close();
  });

  it('that prints its log on stdout is relayed without the log', async () => {
    const { client, relay, events } = setUp({
      upstream: (message, self) => {
        self.send('Starting server…', '', '[1,2]', '{"level":"info"}');
        answering(message, self);
      },
    });
    client.send(request(1, 'ping'));
    await client.answer(1);
    expect(client.lines).toEqual([JSON.stringify(result(1))]);
    expect(events.map(({ details }) => details.reason).filter(Boolean)).toEqual([
      'JSON_SYNTAX',
      'BATCH',
      'NOT_A_MESSAGE',
    ]);
    await relay.close();
  });

  it('that answers with what cannot be recorded ends the wait at once, as ambiguous', async () => {
    const { client, upstream, decider, relay } = setUp();
    client.send(call(1), call(2), request(3, 'ping'));
    await upstream.sees('ping');
    upstream.send(
      '{"jsonrpc":"2.0","id":1,"result":{"t":"\\ud800"}}',
      '{"jsonrpc":"2.0","id":2,"result":{},"Result":{"t":"hidden"}}',
      '{"jsonrpc":"2.0","id":3,"method":7}', // its own request, malformed: concerns nobody's ping
    );
    for (const id of [1, 2])
      expect(refusalIn(await client.answer(id))).toMatchObject({ code: 'OUTCOME_AMBIGUOUS' });
    await settle();
    expect(decider.outcomes()).toEqual(['cert-1 ambiguous', 'cert-2 ambiguous']);
    expect(client.lines).toHaveLength(2);
    await relay.close();
  });

  it('that sends a line without end is ended', async () => {
    const { client, upstream, decider, relay, events } = setUp({ limits: { maxUpstreamLineBytes: 1000 } });
    client.send(call(1));
    await upstream.sees('echo');
    upstream.outgoing.write('x'.repeat(2000));
    const end = await relay.closed;
    expect(end.reason).toBe('upstream-line-too-long');
    expect(events).toContainEqual({ event: 'mcp.line-too-long', details: { side: 'upstream', limit: 1000 } });
    expect(refusalIn(await client.answer(1))).toMatchObject({ code: 'OUTCOME_AMBIGUOUS' });
    expect(decider.outcomes()).toEqual(['cert-1 ambiguous']);
  });

  it('that floods is held back by what the client reads, and loses nothing', async () => {
    const { client, upstream, relay } = setUp();
    const flood = Array.from({ length: 20_000 }, (_, n) => notice('notifications/message', { data: n }));
    for (const line of flood) upstream.send(line);
    await client.sees('"data":19999');
    expect(client.lines).toEqual(flood.map((line) => JSON.stringify(line)));
    await relay.close();
  });

  it('that asks the client more than it may have open, or twice under one id, is not heard', async () => {
    const { client, upstream, relay, events } = setUp({ limits: { maxPending: 3 } });
    const ask = (id: number) => request(id, 'ping');
    upstream.send(ask(1), ask(2), request(2, 'roots/list'), ask(3), ask(4));
    upstream.send(notice('notifications/cancelled', { requestId: 1 }), ask(5));
    await client.sees('"id":5');
    expect(client.messages().map(({ id }) => id)).toEqual([1, 2, 3, undefined, 5]);
    expect(client.lines.join()).not.toContain('roots/list');
    expect(events.filter(({ details }) => details.reason === 'TOO_MANY_REQUESTS')).toHaveLength(2);
    await relay.close();
  });

  it('whose input is closed gets nothing decided for it', async () => {
    const { client, upstream, decider, relay } = setUp();
    upstream.incoming.destroy();
    await settle();
    client.send(call(1), request(2, 'ping'));
    for (const id of [1, 2])
      expect(refusalIn(await client.answer(id))).toMatchObject({ code: 'UPSTREAM_CLOSED' });
    expect(decider.asked).toEqual([]);
    await relay.close();
  });
});
