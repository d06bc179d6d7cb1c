import { spawn } from 'node:child_process';
import { PassThrough } from 'node:stream';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Decision } from './ports.ts';
import {
  allow,
  answering,
  call,
  fakeTime,
  notice,
  passes,
  refusalIn,
  request,
  ScriptedDecider,
  settle,
  setUp,
} from './relay.fixture.ts';
import { startRelay } from './relay.ts';

const errorOf = (message: unknown) => (message as { error?: { code: number; data?: unknown } }).error;

afterEach(() => vi.useRealTimers());

describe('a hostile client', () => {
  it('gets a parse error for what is no JSON, by name, and nothing of it goes on', async () => {
    const { client, upstream, relay } = setUp({ upstream: answering });
    client.send(
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","method":"ping"}',
      '{"jsonrpc":"2.0","id":2,',
      '{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"echo","arguments":{"t":"\\ud800"}}}',
      Buffer.from([0x22, 0xff, 0x22, 0x0a]),
      '[{"jsonrpc":"2.0","id":4,"method":"ping"}]',
      '{"jsonrpc":"2.0","id":5,"method":"ping","params":\r{"jsonrpc":"2.0","id":6,"method":"tools/call"}\r}',
      request(7, 'ping'),
    );
    await client.answer(7);
    expect(
      client.messages().map((message) => [message.id, errorOf(message)?.code, errorOf(message)?.data]),
    ).toEqual([
      [null, -32700, { code: 'JSON_DUPLICATE_KEY' }],
      [null, -32700, { code: 'JSON_SYNTAX' }],
      [3, -32700, { code: 'JSON_LONE_SURROGATE' }],
      [null, -32700, { code: 'JSON_UTF8' }],
      [null, -32600, { code: 'BATCH' }],
      [null, -32600, { code: 'CARRIAGE_RETURN' }],
      [7, undefined, undefined],
    ]);
    expect(upstream.lines).toEqual([JSON.stringify(request(7, 'ping'))]);
    await relay.close();
  });

  it('can send 100 MB in one line without it being held in memory', async () => {
    const script = `
      const block = Buffer.alloc(1 << 20, 'x');
      let left = 100;
      process.stdout.write('{"jsonrpc":"2.0","id":1,"method":"ping","params":{"t":"');
      (function more() {
        while (left-- > 0) if (!process.stdout.write(block)) return process.stdout.once('drain', more);
        process.stdout.write('"}}\\n{"jsonrpc":"2.0","id":2,"method":"tools/unheard-of"}\\n');
      })();`;
    const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    const output = new PassThrough();
    const before = process.memoryUsage().rss;
    let peak = before;
    const watch = setInterval(() => {
      peak = Math.max(peak, process.memoryUsage().rss);
    }, 5);
    const relay = startRelay({
      client: { input: child.stdout, output },
      upstream: { input: new PassThrough(), output: new PassThrough(), done: new Promise(() => {}) },
      decider: new ScriptedDecider(),
      events: { emit: () => {} },
      limits: { graceMs: 50 },
      newRequestId: () => 'r',
    });
    await relay.closed;
    clearInterval(watch);
    const [tooLarge, second] = output
      .read()
      .toString()
      .trim()
      .split('\n')
      .map((line: string) => JSON.parse(line));
    expect(tooLarge).toMatchObject({
      id: null,
      error: { code: -32600, data: { code: 'MESSAGE_TOO_LARGE', limit: 16 * 1024 * 1024 } },
    });
    expect(second).toMatchObject({ id: 2, error: { code: -32601 } });
    expect((peak - before) / 1e6).toBeLessThan(64);
  });

  it('cannot use an id twice while it is under way, nor one that the upstream still owes an answer to', async () => {
    fakeTime();
    const { client, upstream, relay, decider } = setUp();
    client.send(
      call(1, 'first'),
      call(1, 'second'),
      '{"jsonrpc":"2.0","id":1.0,"method":"ping"}',
      call('1', 'third'),
    );
    await upstream.sees('third');
    expect(decider.asked.map(({ target }) => target)).toEqual(['first', 'third']);
    expect(client.messages().map((message) => [message.id, errorOf(message)?.data])).toEqual([
      [null, { code: 'ID_IN_USE', effect: 'block' }],
      [null, { code: 'ID_IN_USE', effect: 'block' }],
    ]);
    await passes(30_000);
    await client.answer(1); // time is up
    client.send(call(1, 'fourth'));
    await client.got((message) => message.id === 1 && message.error !== undefined);
    expect(upstream.lines).toHaveLength(2);
    await relay.close();
  });

  it('is refused unknown methods and unknown notifications; the upstream sees neither', async () => {
    const { client, upstream, relay, eventNames } = setUp({ upstream: answering });
    client.send(
      request(1, 'tools/execute', { name: 'rm' }),
      request(2, 'sampling/createMessage', {}),
      notice('notifications/message', { data: 'x' }),
      request(3, 'tools/call', { arguments: {} }),
      request(4, 'tools/call', { name: 'a', Name: 'b' }),
      request(5, 'ping'),
    );
    await client.answer(5);
    expect(client.messages().map((message) => errorOf(message)?.code)).toEqual([
      -32601,
      -32601,
      -32602,
      -32602,
      undefined,
    ]);
    expect(upstream.lines).toHaveLength(1);
    expect(eventNames()).toContain('mcp.unknown-notification');
    await relay.close();
  });

  it('may answer a request of the server once, and nothing that was not asked', async () => {
    const { client, upstream, relay } = setUp();
    const answer = { jsonrpc: '2.0', id: 9, result: { roots: [] } };
    client.send(answer);
    await settle();
    upstream.send(request(9, 'roots/list'));
    await client.sees('roots/list');
    client.send(
      answer,
      answer,
      { jsonrpc: '2.0', id: 10, error: { code: 1, message: 'no' } },
      request(1, 'ping'),
    );
    await upstream.sees('ping');
    expect(upstream.lines).toEqual([JSON.stringify(answer), JSON.stringify(request(1, 'ping'))]);
    await relay.close();
  });

  it('is not read further while as many requests are under way as may be, and is read again after', async () => {
    const { client, upstream, relay } = setUp({ limits: { maxPending: 3 } });
    for (let id = 1; id <= 50; id++) client.send(call(id));
    await settle();
    expect(upstream.lines).toHaveLength(3);
    upstream.send({ jsonrpc: '2.0', id: 2, result: {} });
    await client.answer(2);
    await settle();
    expect(upstream.lines).toHaveLength(4);
    // The server asks: now the answer must be read, and what else comes is refused instead.
    upstream.send(request('q', 'elicitation/create', {}));
    await client.sees('elicitation/create');
    client.send({ jsonrpc: '2.0', id: 'q', result: { action: 'accept' } });
    await upstream.sees('accept');
    expect(
      client.messages().filter((message) => refusalIn(message)?.code === 'TOO_MANY_PENDING').length,
    ).toBe(46);
    await relay.close();
  });

  it('cannot pile up undecided bytes while a decision takes its time', async () => {
    const { client, decider, relay } = setUp({ limits: { maxClientLineBytes: 100_000 } });
    let decide: (decision: Decision) => void = () => {};
    decider.decideBy = () => new Promise((resolve) => (decide = resolve));
    const filler = 'x'.repeat(60_000);
    let accepted = 0;
    for (let id = 1; id <= 40; id++) {
      client.outgoing.write(`${JSON.stringify(call(id, 'echo', { _meta: { filler } }))}\n`, () => accepted++);
    }
    await settle();
    expect(accepted).toBeLessThan(6);
    decide(allow('1'));
    await relay.close();
  });

  it('does not hold up others by never reading what it is told', async () => {
    fakeTime();
    const { client, decider, relay, upstream } = setUp();
    client.incoming.pause();
    client.incoming.removeAllListeners('data'); // reads no more
    client.send(call(1));
    await upstream.sees('echo');
    for (let n = 0; n < 400; n++) upstream.send(notice('notifications/message', { data: 'x'.repeat(1000) }));
    upstream.send({ jsonrpc: '2.0', id: 1, result: {} });
    await passes(100_000);
    // The upstream is held back, and its silence is not taken for a time-out: the client is to blame.
    expect(upstream.outgoing.writableLength + upstream.outgoing.readableLength).toBeGreaterThan(100_000);
    expect(decider.outcomes()).toEqual([]);
    const closing = relay.close();
    await passes(1000);
    await closing;
    expect(decider.outcomes()).toEqual(['cert-1 ambiguous']);
  });
});
