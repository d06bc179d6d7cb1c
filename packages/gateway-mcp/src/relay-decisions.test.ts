import { describe, expect, it } from 'vitest';
import type { Decision } from './ports.ts';
import { allow, answering, call, refusalIn, request, result, settle, setUp } from './relay.fixture.ts';

describe('decisions', () => {
  it('refuses when the decider fails, and forwards nothing', async () => {
    const { client, upstream, decider, relay } = setUp({ upstream: answering });
    decider.decideBy = () => Promise.reject(new Error('disk full'));
    client.send(call(1), request(2, 'resources/read', { uri: 'file:///a' }));
    expect(await client.answer(1)).toMatchObject({ result: { isError: true } });
    expect(refusalIn(await client.answer(1))).toEqual({ code: 'EVIDENCE_UNAVAILABLE', effect: 'block' });
    expect(await client.answer(2)).toMatchObject({ error: { code: -32001 } });
    expect(JSON.stringify(client.lines)).not.toContain('disk full');
    expect(upstream.lines).toEqual([]);
    await relay.close();
  });

  it('tells the agent code, clause, ticket and certificate of a refusal, as a tool result', async () => {
    const { client, upstream, decider, relay } = setUp({ upstream: answering });
    const decisions: Decision[] = [
      { effect: 'block', certificateId: '1a2b', code: 'LABEL_FLOW', clause: 'no-exfiltration' },
      {
        effect: 'hold',
        certificateId: '3c4d',
        code: 'APPROVAL_REQUIRED',
        clause: 'large-sums',
        ticket: 'T-7',
      },
      { effect: 'block', code: 'UNAUTHENTICATED' },
    ];
    decider.decideBy = () => decisions.shift() as Decision;
    client.send(call(1), call(2), call(3));
    await client.answer(3);
    const texts = client
      .messages()
      .map((message) => (message.result as { content: { text: string }[] }).content[0]?.text);
    expect(texts).toEqual([
      'refused by policy: LABEL_FLOW (clause no-exfiltration), certificate 1a2b',
      'held by policy: APPROVAL_REQUIRED (clause large-sums), ticket T-7, certificate 3c4d; repeat the same call once it is approved',
      'refused by policy: UNAUTHENTICATED',
    ]);
    expect(client.messages().map(refusalIn)).toEqual([
      { code: 'LABEL_FLOW', clause: 'no-exfiltration', certificate_id: '1a2b', effect: 'block' },
      {
        code: 'APPROVAL_REQUIRED',
        clause: 'large-sums',
        ticket: 'T-7',
        certificate_id: '3c4d',
        effect: 'hold',
      },
      { code: 'UNAUTHENTICATED', effect: 'block' },
    ]);
    expect(client.messages()[0]).toMatchObject({ result: { isError: true } });
    expect(upstream.lines).toEqual([]);
    await relay.close();
  });

  it('answers a refused read, and a refused call that asked for a task, with an error of the same content', async () => {
    const { client, decider, relay } = setUp();
    decider.decideBy = () => ({ effect: 'block', certificateId: 'c', code: 'FORBIDDEN', clause: 'x' });
    client.send(request('r', 'prompts/get', { name: 'p' }), call('t', 'echo', { task: { ttl: 1 } }));
    for (const id of ['r', 't']) {
      expect(await client.answer(id)).toEqual({
        jsonrpc: '2.0',
        id,
        error: {
          code: -32001,
          message: 'refused by policy: FORBIDDEN (clause x), certificate c',
          data: { code: 'FORBIDDEN', clause: 'x', certificate_id: 'c', effect: 'block' },
        },
      });
    }
    await relay.close();
  });

  it('decides in the order received, and forwards nothing past an undecided request', async () => {
    const { client, upstream, decider, relay } = setUp();
    const waiting: ((decision: Decision) => void)[] = [];
    decider.decideBy = () => new Promise((resolve) => waiting.push(resolve));
    client.send(call(1), request(2, 'ping'), call(3));
    await settle();
    expect([decider.asked.length, upstream.lines.length]).toEqual([1, 0]);
    waiting.shift()?.({ effect: 'block', code: 'NOT_PERMITTED' });
    await settle();
    expect(decider.asked.length).toBe(2);
    waiting.shift()?.(allow('x'));
    await settle();
    expect(upstream.messages().map(({ id }) => id)).toEqual([2, 3]);
    await relay.close();
  });

  it('forwards the very bytes that were decided, and returns the very bytes that came back', async () => {
    const { client, upstream, relay, decider } = setUp();
    const sent =
      ' {"params" : {"arguments":{"n":12345678901234567890,"f":1.50,"t":"\\u00e9\\/é"},"name":"sum"},\t"method":"tools/call","id":1e0,"jsonrpc":"2.0"} \r';
    client.send(sent);
    await upstream.sees('sum');
    expect(upstream.lines).toEqual([sent]);
    expect(decider.asked[0]?.value).toEqual({ n: 12345678901234567890n, f: 1.5, t: 'é/é' });
    const back = '{"id":1,"result":{"n":98765432109876543210,"content":[]},  "jsonrpc":"2.0"}\r';
    upstream.send(back);
    await client.sees('result');
    expect(client.lines).toEqual([back]);
    expect(decider.settled[0]?.outcome.result).toEqual({ n: 98765432109876543210n, content: [] });
    await relay.close();
  });

  it('shows a result only after it is recorded, and not at all if it cannot be', async () => {
    const { client, upstream, decider, relay } = setUp({ upstream: answering });
    let recorded: () => void = () => {};
    decider.settleBy = () => new Promise((resolve) => (recorded = resolve));
    client.send(call(1));
    await upstream.sees('echo');
    await settle();
    expect(client.lines).toEqual([]);
    recorded();
    await client.answer(1);
    decider.settleBy = () => Promise.reject(new Error('journal gone'));
    client.send(call(2));
    expect(refusalIn(await client.answer(2))).toMatchObject({
      code: 'EVIDENCE_UNAVAILABLE',
      certificate_id: 'cert-2',
    });
    await relay.close();
  });

  it('takes a result with isError, and an error, for failed; anything else for done', async () => {
    const { client, upstream, decider, relay } = setUp();
    client.send(call(1), call(2), call(3), request(4, 'resources/subscribe', { uri: 'a:b' }));
    await upstream.sees('a:b');
    const failure = { code: -32602, message: 'no such tool' };
    upstream.send(
      result(4, {}),
      { jsonrpc: '2.0', id: 3, error: failure },
      result(2, { isError: true }),
      result(1),
    );
    await client.answer(1);
    expect(decider.settled).toEqual([
      { certificateId: 'cert-4', outcome: { outcome: 'done', result: {} } },
      { certificateId: 'cert-3', outcome: { outcome: 'failed', result: failure } },
      { certificateId: 'cert-2', outcome: { outcome: 'failed', result: { isError: true } } },
      { certificateId: 'cert-1', outcome: { outcome: 'done', result: { content: [] } } },
    ]);
    await relay.close();
  });

  it('hides tools that may never be called, without touching the rest', async () => {
    const { client, upstream, decider, relay } = setUp();
    decider.hidden = ['delete'];
    const tool = (name: string) => ({ name, inputSchema: { type: 'object', maximum: '@big@' } });
    const big = (text: string) => text.replaceAll('"@big@"', '12345678901234567890');
    const list = (...names: string[]) =>
      big(JSON.stringify(result(1, { tools: names.map(tool), nextCursor: 'c', _meta: { a: 1 } })));
    client.send(request(1, 'tools/list'));
    await upstream.sees('tools/list');
    upstream.send(list('read', 'delete', 'write'));
    await client.answer(1);
    expect(client.lines).toEqual([list('read', 'write')]);

    const untouched = ` ${list('read')}`.replace('"id":1', '"id": 2');
    client.send(request(2, 'tools/list'));
    await upstream.seesCount('tools/list', 2);
    upstream.send(untouched);
    await client.answer(2);
    expect(client.lines[1]).toBe(untouched);
    await relay.close();
  });
});
