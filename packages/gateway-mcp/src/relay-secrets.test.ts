import { describe, expect, it } from 'vitest';
import {
  answering,
  call,
  type Json,
  notice,
  type Peer,
  refusalIn,
  request,
  result,
  settle,
  setUp,
} from './relay.fixture.ts';

const VALUE = 'the-value-of-a-secret';
const WITHHELD = 'withheld';

function guarding(upstream?: (message: Json, upstream: Peer) => void) {
  const world = setUp(upstream === undefined ? {} : { upstream });
  world.decider.secret = VALUE;
  return world;
}

describe('what a server says with a secret in it does not reach the client', () => {
  it('as progress, a log line, an update or a notification of its own', async () => {
    const { client, upstream, eventNames } = guarding();
    client.send(call(1, 'slow', { _meta: { progressToken: 'p' } }));
    await upstream.sees('tools/call');
    upstream.send(
      notice('notifications/progress', { progressToken: 'p', progress: 1, message: VALUE }),
      notice('notifications/message', { level: 'info', data: { a: [VALUE] } }),
      notice('notifications/resources/updated', { uri: `doc://${VALUE}` }),
      notice(`notifications/${VALUE}`),
      notice('notifications/message', { level: 'info', data: 'plain' }),
    );
    await client.sees('plain');
    expect(client.lines.join('\n')).not.toContain(VALUE);
    expect(eventNames().filter((name) => name === 'mcp.secret-withheld')).toHaveLength(4);
  });

  it('as a question to the model or the person', async () => {
    const { client, upstream } = guarding();
    client.send(call(1));
    await upstream.sees('tools/call');
    const question = { messages: [{ role: 'user', content: { type: 'text', text: VALUE } }], maxTokens: 1 };
    upstream.send(
      request('q', 'sampling/createMessage', question),
      request('e', 'elicitation/create', { message: VALUE }),
    );
    expect(refusalIn(await upstream.answer('q'))).toMatchObject({ code: 'SECRET_EXPOSED' });
    expect(refusalIn(await upstream.answer('e'))).toMatchObject({ code: 'SECRET_EXPOSED' });
    expect(client.lines.join('\n')).not.toContain(VALUE);
  });

  it('in its introduction, its lists and its errors', async () => {
    const { client } = guarding((message, upstream) => {
      if (message.id === undefined) return;
      if (message.method === 'ping')
        upstream.send({ jsonrpc: '2.0', id: message.id, error: { code: 1, message: VALUE } });
      else upstream.send(result(message.id, { instructions: VALUE, tools: [], resources: [{ uri: VALUE }] }));
    });
    client.send(
      request(1, 'initialize', {}),
      request(2, 'tools/list'),
      request(3, 'resources/list'),
      request(4, 'ping'),
      request(5, 'tasks/list'),
    );
    for (const id of [1, 2, 3, 4, 5])
      expect(refusalIn(await client.answer(id))).toMatchObject({ code: 'SECRET_EXPOSED', effect: 'block' });
    expect(client.lines.join('\n')).not.toContain(VALUE);
  });

  it('in a result: what stands in its place does, in the form that clients expect', async () => {
    const { client, decider } = guarding((message, upstream) => {
      if (message.id === 'e') upstream.send({ jsonrpc: '2.0', id: 'e', error: { code: 66, message: VALUE } });
      else if (message.id !== undefined) upstream.send(result(message.id, { told: VALUE }));
    });
    decider.shown = { instead: WITHHELD };
    client.send(call(1), call('e'), request(2, 'resources/read', { uri: 'doc://a' }));
    expect((await client.answer(1)).result).toEqual({ content: [{ type: 'text', text: WITHHELD }] });
    expect((await client.answer('e')).error).toEqual({ code: -32003, message: WITHHELD });
    expect((await client.answer(2)).result).toMatchObject({ contents: [{ text: WITHHELD }] });
    expect(client.lines.join('\n')).not.toContain(VALUE);
  });

  it('in what it says of a task, which is then taken for the outcome', async () => {
    const { client, decider } = guarding((message, upstream) => {
      const task = { taskId: 't', status: 'working', statusMessage: VALUE };
      if (message.id !== undefined) upstream.send(result(message.id, { task }));
    });
    decider.shown = { instead: WITHHELD };
    client.send(call(1, 'slow', { task: {} }));
    await client.answer(1);
    expect(client.lines.join('\n')).not.toContain(VALUE);
    expect(decider.outcomes()).toEqual(['cert-1 done']);
  });
});

describe('what a client says with a secret in it does not reach the server', () => {
  it('where nothing is decided', async () => {
    const { client, upstream } = guarding(answering);
    client.send(
      request(1, 'resources/list', { cursor: VALUE }),
      notice('notifications/progress', { progressToken: VALUE, progress: 1 }),
      request(2, 'ping'),
    );
    expect(refusalIn(await client.answer(1))).toMatchObject({ code: 'SECRET_EXPOSED' });
    await client.answer(2);
    expect(upstream.lines.join('\n')).not.toContain(VALUE);
  });

  it('in an answer that is not decided', async () => {
    const { client, upstream } = guarding();
    upstream.send(request('r', 'roots/list'));
    await client.sees('roots/list');
    client.send(result('r', { roots: [{ uri: `file:///${VALUE}` }] }));
    expect(refusalIn(await upstream.answer('r'))).toMatchObject({ code: 'SECRET_EXPOSED' });
    expect(upstream.lines.join('\n')).not.toContain(VALUE);
  });

  it('beside the arguments of a call: whoever decides is told of all that is sent on', async () => {
    const { client, decider } = guarding(answering);
    client.send(call('id-1', 'echo', { _meta: { note: VALUE }, other: [VALUE] }));
    await client.answer('id-1');
    expect(decider.asked).toMatchObject([
      { value: { n: 'id-1' }, beside: { id: 'id-1', _meta: { note: VALUE }, other: [VALUE] } },
    ]);
  });
});

it('a cancelled request is not sent on once it has been searched', async () => {
  const { client, upstream, decider } = guarding();
  let release = () => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  Object.defineProperty(decider, 'holdsSecret', { value: () => gate.then(() => false) });
  client.send(request(1, 'resources/list'));
  await settle();
  client.send(notice('notifications/cancelled', { requestId: 1 }));
  await settle();
  release();
  await settle();
  expect(upstream.lines.join('\n')).not.toContain('resources/list');
});

it('values in the arguments are escaped as JSON, and stand nowhere else in the line', async () => {
  const { client, upstream, decider } = guarding(answering);
  const value = 'quote " backslash \\ line\nbreak \u2028';
  decider.secret = undefined;
  decider.decideBy = ({ requestId }) => ({
    effect: 'allow',
    certificateId: `cert-${requestId}`,
    value: { token: value },
  });
  client.send(call(1, 'echo', { _meta: { a: 1 } }));
  await client.answer(1);
  expect(upstream.messages()[0]).toMatchObject({
    params: { name: 'echo', arguments: { token: value }, _meta: { a: 1 } },
  });
  expect(client.lines.join('\n')).not.toContain('backslash');
});
