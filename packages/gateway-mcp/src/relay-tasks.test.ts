import { afterEach, describe, expect, it, vi } from 'vitest';
import {
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

const asTask = (id: number, name = 'research') => call(id, name, { task: { ttl: 60_000 } });
const created = (id: number, taskId: string, more = {}) =>
  result(id, { task: { taskId, status: 'working' }, ...more });
const fetchResult = (id: number, taskId: unknown) => request(id, 'tasks/result', { taskId });

afterEach(() => vi.useRealTimers());

describe('a call that runs as a task', () => {
  it('gives no result of a task that this session did not create', async () => {
    const { client, upstream, relay } = setUp();
    client.send(fetchResult(1, 'stolen'), request(2, 'tasks/result'), fetchResult(3, 7));
    for (const id of [1, 2, 3]) {
      expect(await client.answer(id)).toMatchObject({
        error: { code: -32001, data: { code: 'NOT_PERMITTED' } },
      });
    }
    expect(upstream.lines).toEqual([]);
    await relay.close();
  });

  it('has its outcome when its result is fetched, not before; it may be fetched again', async () => {
    const { client, upstream, relay, decider } = setUp();
    client.send(asTask(1));
    await upstream.sees('research');
    upstream.send(created(1, 'T', { _meta: {} }));
    await client.answer(1);
    expect(decider.settled).toEqual([]);
    client.send(request(2, 'tasks/get', { taskId: 'T' }), fetchResult(3, 'T'));
    await upstream.sees('tasks/result');
    upstream.send(result(2, { status: 'completed' }), result(3, { content: ['report'] }));
    await client.answer(3);
    client.send(fetchResult(4, 'T'));
    await upstream.seesCount('tasks/result', 2);
    upstream.send(result(4, { content: ['report'] }));
    expect(await client.answer(4)).toMatchObject({ result: { content: ['report'] } });
    await relay.close();
    const done = { outcome: 'done', result: { content: ['report'] } };
    expect(decider.settled).toEqual([{ certificateId: 'cert-1', outcome: done }]); // once
  });

  it('passes no content past the record inside what looks like a task', async () => {
    const { client, upstream, relay, decider } = setUp();
    client.send(asTask(1), call(2));
    await upstream.seesCount('tools/call', 2);
    upstream.send(created(1, 'A', { content: ['secret'] }), created(2, 'B'));
    await client.answer(1);
    await client.answer(2);
    expect(decider.outcomes()).toEqual(['cert-1 done', 'cert-2 done']);
    client.send(fetchResult(3, 'A'), fetchResult(4, 'B'));
    await client.answer(4);
    expect(upstream.lines).toHaveLength(2);
    await relay.close();
  });

  it('cannot be given the outcome of another call through its id', async () => {
    const { client, upstream, relay, decider } = setUp();
    client.send(asTask(1), asTask(2));
    await upstream.seesCount('tools/call', 2);
    upstream.send(created(1, 'same'), created(2, 'same'));
    expect(refusalIn(await client.answer(2))).toMatchObject({
      code: 'OUTCOME_AMBIGUOUS',
      certificate_id: 'cert-2',
    });
    expect(decider.outcomes()).toEqual(['cert-2 ambiguous']);
    decider.settleBy = () => settle();
    await relay.close();
    expect(decider.outcomes()).toEqual(['cert-2 ambiguous', 'cert-1 ambiguous']); // never fetched
  });

  it("is ambiguous when its result cannot be fetched: the error may not be the call's own", async () => {
    const { client, upstream, relay, decider } = setUp();
    client.send(asTask(1));
    await upstream.sees('research');
    upstream.send(created(1, 'T'));
    await client.answer(1);
    client.send(fetchResult(2, 'T'));
    await upstream.sees('tasks/result');
    const error = { code: -32602, message: 'Task not found' };
    upstream.send({ jsonrpc: '2.0', id: 2, error });
    expect(await client.answer(2)).toMatchObject({ error });
    expect(decider.settled).toEqual([
      { certificateId: 'cert-1', outcome: { outcome: 'ambiguous', result: error } },
    ]);
    await relay.close();
  });

  it('shows no other result than the one recorded', async () => {
    const { client, upstream, relay, decider } = setUp();
    client.send(asTask(1));
    await upstream.sees('research');
    upstream.send(created(1, 'T'));
    await client.answer(1);
    client.send(fetchResult(2, 'T'), fetchResult(3, 'T'));
    await upstream.seesCount('tasks/result', 2);
    upstream.send(result(2, { content: ['harmless'] }), result(3, { content: ['secret'] }));
    expect(await client.answer(3)).toMatchObject({ error: { data: { code: 'EVIDENCE_UNAVAILABLE' } } });
    expect(client.lines.join()).not.toContain('secret');
    expect(decider.outcomes()).toEqual(['cert-1 done']);
    await relay.close();
  });

  it('that was created too late to be told stays ambiguous', async () => {
    fakeTime();
    const { client, upstream, relay, decider } = setUp();
    client.send(asTask(1));
    await passes(30_000);
    expect(await client.answer(1)).toMatchObject({ error: { data: { code: 'OUTCOME_AMBIGUOUS' } } });
    upstream.send(created(1, 'T'));
    await settle();
    await relay.close();
    expect(decider.outcomes()).toEqual(['cert-1 ambiguous']);
  });

  it('shows nothing of a result that cannot be recorded', async () => {
    const { client, upstream, relay, decider } = setUp();
    client.send(asTask(1));
    await upstream.sees('research');
    upstream.send(created(1, 'T'));
    await client.answer(1);
    decider.settleBy = () => Promise.reject(new Error('gone'));
    client.send(fetchResult(2, 'T'));
    await upstream.sees('tasks/result');
    upstream.send(result(2, { content: ['secret'] }));
    expect(await client.answer(2)).toMatchObject({ error: { data: { code: 'EVIDENCE_UNAVAILABLE' } } });
    expect(client.lines.join()).not.toContain('secret');
    await relay.close();
  });

  it('may take its time while it gives signs of life; a fetch that times out can be repeated', async () => {
    fakeTime();
    const { client, upstream, relay, decider } = setUp({ limits: { upstreamTimeoutMs: 1000 } });
    client.send(call(1, 'research', { task: {}, _meta: { progressToken: 'p' } }));
    await upstream.sees('research');
    upstream.send(created(1, 'T'));
    await client.answer(1);
    client.send(fetchResult(2, 'T'));
    for (let n = 0; n < 4; n++) {
      await passes(600);
      if (n % 2 === 0)
        upstream.send(notice('notifications/tasks/status', { taskId: 'T', status: 'working' }));
      else upstream.send(notice('notifications/progress', { progressToken: 'p', progress: n }));
    }
    expect(client.messages().some(({ id }) => id === 2)).toBe(false);
    await passes(1000);
    expect(refusalIn(await client.answer(2))).toEqual({ code: 'UPSTREAM_TIMEOUT', effect: 'allow' });
    expect(decider.settled).toEqual([]);
    upstream.send(result(2, { content: ['late'] })); // recorded, not shown
    await settle();
    expect(decider.outcomes()).toEqual(['cert-1 done']);
    client.send(fetchResult(3, 'T'));
    await upstream.seesCount('tasks/result', 2);
    upstream.send(result(3, { content: ['late'] }));
    expect(await client.answer(3)).toMatchObject({ result: { content: ['late'] } });
    await relay.close();
  });
});
