import { describe, expect, it } from 'vitest';
import { call, notice, request, result, settle, setUp } from './relay.fixture.ts';

const SAMPLING = { messages: [{ role: 'user', content: { type: 'text', text: 'summarise' } }], maxTokens: 9 };
const SAID = { role: 'assistant', model: 'm', content: { type: 'text', text: 'the secret plan' } };

describe('what a server asks the client', () => {
  it('is refused where no call of the client is under way: a server cannot ask on its own account', async () => {
    const { client, upstream, relay, decider, eventNames } = setUp();
    upstream.send(request('q', 'sampling/createMessage', SAMPLING), request('e', 'elicitation/create', {}));
    expect(await upstream.answer('q')).toMatchObject({ error: { code: -32001, data: { code: 'NO_CALL' } } });
    await upstream.answer('e');
    client.send(request(1, 'resources/list'), request(2, 'resources/read', { uri: 'file:///a' }));
    await upstream.sees('file:///a');
    upstream.send(request('q2', 'sampling/createMessage', SAMPLING)); // a list and a read are no calls
    expect(await upstream.answer('q2')).toMatchObject({ error: { data: { code: 'NO_CALL' } } });
    expect(client.lines).toEqual([]);
    expect(decider.asked.map(({ target }) => target)).toEqual(['file:///a']);
    expect(eventNames().filter((name) => name === 'mcp.server-request-refused')).toHaveLength(3);
    await relay.close();
  });

  it('is refused while the call is only being decided, or was refused, or has been cancelled', async () => {
    const { client, upstream, relay, decider } = setUp();
    decider.decideBy = () => ({ effect: 'block', code: 'FORBIDDEN', certificateId: 'c' });
    client.send(call(1));
    await client.answer(1);
    upstream.send(request('a', 'sampling/createMessage', SAMPLING));
    await upstream.answer('a');
    decider.decideBy = () => ({ effect: 'allow', certificateId: 'd' });
    client.send(call(2));
    await upstream.sees('"id":2');
    client.send(notice('notifications/cancelled', { requestId: 2 }));
    await upstream.sees('cancelled');
    upstream.send(request('b', 'sampling/createMessage', SAMPLING));
    expect(await upstream.answer('b')).toMatchObject({ error: { data: { code: 'NO_CALL' } } });
    await relay.close();
  });

  it('is relayed during an allowed call, and the answer is decided with the question before it is sent', async () => {
    const { client, upstream, relay, decider } = setUp();
    client.send(call(1));
    await upstream.sees('echo');
    const asks = JSON.stringify(request('q', 'sampling/createMessage', SAMPLING));
    upstream.send(asks);
    await client.sees('createMessage');
    expect(client.lines).toEqual([asks]); // byte for byte
    const answer = `{"jsonrpc":"2.0","id":"q","result":${JSON.stringify(SAID)}}`;
    client.send(answer);
    await upstream.sees('secret plan');
    expect(upstream.lines.at(-1)).toBe(answer);
    expect(decider.asked[1]).toMatchObject({
      action: 'call',
      target: 'sampling/createMessage',
      value: { request: SAMPLING, response: SAID },
    });
    upstream.send(result(1));
    await client.answer(1);
    expect(decider.outcomes()).toEqual(['cert-2 done', 'cert-1 done']);
    await relay.close();
  });

  it('gets an error without content where the answer is blocked or cannot be recorded', async () => {
    const { client, upstream, relay, decider, eventNames } = setUp();
    decider.decideBy = ({ target }) => {
      if (target === 'elicitation/create') throw new Error('the store is gone');
      return target === 'echo'
        ? { effect: 'allow', certificateId: 'c' }
        : { effect: 'block', code: 'LABEL_FLOW', clause: 'no-leak' };
    };
    client.send(call(1));
    await upstream.sees('echo');
    upstream.send(request('q', 'sampling/createMessage', SAMPLING), request('e', 'elicitation/create', {}));
    await client.sees('elicitation');
    client.send(
      { jsonrpc: '2.0', id: 'q', result: SAID },
      { jsonrpc: '2.0', id: 'e', result: { action: 'accept', content: { pin: 'secret plan' } } },
    );
    expect(await upstream.answer('q')).toMatchObject({
      error: { code: -32001, data: { code: 'LABEL_FLOW' } },
    });
    expect(await upstream.answer('e')).toMatchObject({ error: { data: { code: 'EVIDENCE_UNAVAILABLE' } } });
    expect(upstream.lines.join()).not.toContain('secret plan');
    expect(upstream.lines.join()).not.toContain('no-leak');
    expect(eventNames()).toContain('mcp.answer-refused');
    await relay.close();
  });

  it('gets even an error of the client only after a decision: its text is content too', async () => {
    const { client, upstream, relay, decider } = setUp();
    client.send(call(1));
    await upstream.sees('echo');
    upstream.send(request('q', 'elicitation/create', { message: 'who?' }));
    await client.sees('elicitation');
    const error = { code: -1, message: 'my user is called Ada' };
    client.send({ jsonrpc: '2.0', id: 'q', error });
    await upstream.sees('Ada');
    expect(decider.asked[1]?.value).toEqual({ request: { message: 'who?' }, error });
    await relay.close();
  });

  it('fetches the result of a client task only where that belongs to a question, and it is decided likewise', async () => {
    const { client, upstream, relay, decider } = setUp();
    client.send(call(1));
    await upstream.sees('echo');
    upstream.send(request('q', 'sampling/createMessage', { ...SAMPLING, task: {} }));
    await client.sees('createMessage');
    client.send({ jsonrpc: '2.0', id: 'q', result: { task: { taskId: 't', status: 'working' } } });
    await upstream.sees('working');
    upstream.send(
      request('r0', 'tasks/result', { taskId: 'other' }),
      request('r', 'tasks/result', { taskId: 't' }),
    );
    expect(await upstream.answer('r0')).toMatchObject({ error: { data: { code: 'NO_TASK' } } });
    await client.sees('tasks/result');
    decider.decideBy = () => ({ effect: 'block', code: 'LABEL_FLOW' });
    client.send({ jsonrpc: '2.0', id: 'r', result: SAID });
    expect(await upstream.answer('r')).toMatchObject({ error: { data: { code: 'LABEL_FLOW' } } });
    expect(decider.asked[2]).toMatchObject({ target: 'sampling/createMessage', value: { response: SAID } });
    await relay.close();
  });

  it('is refused where the protocol has no such question; ping and roots pass undecided', async () => {
    const { client, upstream, relay, decider } = setUp();
    upstream.send(request('x', 'client/exfiltrate', {}), request('p', 'ping'), request('r', 'roots/list'));
    expect(await upstream.answer('x')).toMatchObject({ error: { code: -32601 } });
    await client.sees('roots/list');
    client.send({ jsonrpc: '2.0', id: 'p', result: {} }, { jsonrpc: '2.0', id: 'r', result: { roots: [] } });
    await upstream.sees('roots');
    expect(decider.asked).toEqual([]);
    await relay.close();
  });

  it('is asked by no tool: one that is named like a question cannot be called', async () => {
    const { client, upstream, relay, decider } = setUp();
    client.send(call(1, 'sampling/createMessage'));
    expect(await client.answer(1)).toMatchObject({ error: { code: -32602 } });
    await settle();
    expect([upstream.lines, decider.asked]).toEqual([[], []]);
    await relay.close();
  });
});
