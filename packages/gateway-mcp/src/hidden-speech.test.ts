import { describe, expect, it } from 'vitest';
import { call, notice, request, result, settle, setUp } from './relay.fixture.ts';

const HANDLE = `pfh1_${'a'.repeat(32)}`;
const HIDES = { extraction: null };
const SECRET = 'the launch code is 1234';
function hiding(limits = {}) {
  const world = setUp({ limits });
  const { decider } = world;
  decider.hides = HIDES;
  decider.shown = { instead: HANDLE };
  decider.decideBy = ({ requestId, target }) => ({
    effect: 'allow',
    certificateId: `cert-${requestId}`,
    ...(target === 'open' ? {} : { hides: true as const }),
  });
  return { ...world, lines: () => world.client.lines.join('\n') };
}
const progress = (token: unknown) =>
  notice('notifications/progress', { progressToken: token, progress: 1, message: SECRET });

describe('a server that speaks of what is hidden beside its results', () => {
  it('is not heard in the progress of a hidden task while its result is fetched', async () => {
    const { client, upstream, lines } = hiding();
    client.send(call(1, 'secret', { task: {}, _meta: { progressToken: 'p' } }));
    await upstream.sees('"secret"');
    upstream.send(result(1, { task: { taskId: 't', status: 'working' } }));
    await client.answer(1);
    client.send(request(2, 'tasks/result', { taskId: 't' }));
    await upstream.sees('"tasks/result"');
    upstream.send(progress('p'));
    await client.sees('notifications/progress');
    expect(lines()).not.toContain(SECRET);
  });
  it('is not heard in progress under a token that a shown call uses too', async () => {
    const { client, upstream, lines } = hiding();
    client.send(
      call(1, 'secret', { _meta: { progressToken: 'p' } }),
      call(2, 'open', { _meta: { progressToken: 'p' } }),
    );
    await upstream.sees('"open"');
    upstream.send(progress('p'));
    await client.sees('notifications/progress');
    expect(lines()).not.toContain(SECRET);
  });
  it('is not heard in progress under a token that a list uses too', async () => {
    const { client, upstream, lines } = hiding();
    client.send(
      call(1, 'secret', { _meta: { progressToken: 'p' } }),
      request(2, 'resources/list', { _meta: { progressToken: 'p' } }),
    );
    await upstream.sees('"resources/list"');
    upstream.send(progress('p'));
    await client.sees('notifications/progress');
    expect(lines()).not.toContain(SECRET);
  });
  it('may not ask about a hidden call that timed out', async () => {
    const { client, upstream, lines } = hiding({ upstreamTimeoutMs: 200 });
    client.send(call(1, 'secret'));
    await client.answer(1);
    client.send(call(2, 'open'));
    await upstream.sees('"open"');
    upstream.send(request('q', 'elicitation/create', { message: SECRET }));
    await settle();
    expect(lines()).not.toContain(SECRET);
  });
  it('is not heard in the progress of a hidden call that timed out', async () => {
    const { client, upstream, lines } = hiding({ upstreamTimeoutMs: 200 });
    client.send(call(1, 'secret', { _meta: { progressToken: 'p' } }));
    await client.answer(1);
    client.send(call(2, 'open', { _meta: { progressToken: 'p' } }));
    await upstream.sees('"open"');
    upstream.send(progress('p'));
    await settle();
    expect(lines()).not.toContain(SECRET);
  });
  it('may not ask about a hidden task that was cancelled before it began', async () => {
    const { client, upstream, lines } = hiding();
    client.send(call(1, 'secret', { task: {} }));
    await upstream.sees('"secret"');
    client.send(notice('notifications/cancelled', { requestId: 1 }));
    await upstream.sees('cancelled');
    client.send(call(2, 'open'));
    await upstream.sees('"open"');
    upstream.send(request('q', 'elicitation/create', { message: SECRET }));
    await settle();
    expect(lines()).not.toContain(SECRET);
  });
  it('may not ask about a hidden task that was begun too late', async () => {
    const { client, upstream, lines } = hiding({ upstreamTimeoutMs: 200 });
    client.send(call(1, 'secret', { task: {} }));
    await client.answer(1);
    upstream.send(result(1, { task: { taskId: 't', status: 'working' } }));
    client.send(call(2, 'open'));
    await upstream.sees('"open"');
    upstream.send(request('q', 'elicitation/create', { message: SECRET }));
    await settle();
    expect(lines()).not.toContain(SECRET);
  });
  it('cannot put words into the state of a task', async () => {
    const { client, upstream, lines } = hiding();
    client.send(call(1, 'secret', { task: {} }));
    await upstream.sees('"secret"');
    upstream.send(result(1, { task: { taskId: 't', status: { told: SECRET } } }));
    await client.answer(1);
    expect(lines()).not.toContain(SECRET);
  });
  it('cannot put words into the code of an error', async () => {
    const { client, upstream, lines } = hiding();
    client.send(request(2, 'tasks/get', { taskId: 't' }));
    await upstream.sees('tasks/get');
    upstream.send({ jsonrpc: '2.0', id: 2, error: { code: SECRET as never, message: 'x' } });
    await settle();
    expect(lines()).not.toContain(SECRET);
  });
  it('cannot put words into a progress token', async () => {
    const { upstream, lines } = hiding();
    upstream.send(progress({ told: SECRET }));
    await settle();
    expect(lines()).not.toContain(SECRET);
  });
  it('cannot put words into the ids of notifications', async () => {
    const { upstream, lines } = hiding();
    upstream.send(notice('notifications/cancelled', { requestId: { told: SECRET } }));
    upstream.send(notice('notifications/resources/updated', { uri: { told: SECRET } }));
    await settle();
    expect(lines()).not.toContain(SECRET);
  });
  it('cannot put words into errors of what nobody decides about', async () => {
    const { client, upstream, lines } = hiding();
    client.send(
      request(2, 'ping'),
      request(3, 'logging/setLevel', { level: 'debug' }),
      request(4, 'resources/unsubscribe', { uri: 'x' }),
      request(5, 'resources/list'),
    );
    await upstream.sees('resources/list');
    for (const id of [2, 3, 4, 5])
      upstream.send({ jsonrpc: '2.0', id, error: { code: 5, message: SECRET, data: SECRET } });
    await client.answer(5);
    expect(lines()).not.toContain(SECRET);
  });
});
