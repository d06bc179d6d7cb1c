import { describe, expect, it } from 'vitest';
import { answering, call, refusalIn, request, result, settle, setUp } from './relay.fixture.ts';

describe('the end of a relay', () => {
  it('at the end of the client waits for what was sent, but not forever', async () => {
    const { client, upstream, relay, decider } = setUp({ limits: { graceMs: 120 } });
    client.send(call(1), call(2));
    client.outgoing.end();
    await upstream.seesCount('tools/call', 2);
    upstream.send(result(1));
    const end = await relay.closed;
    expect(end).toEqual({ reason: 'client-closed', upstream: { code: 0, signal: null } });
    expect(decider.outcomes()).toEqual(['cert-1 done', 'cert-2 ambiguous']);
    expect(refusalIn(await client.answer(2))).toMatchObject({ code: 'OUTCOME_AMBIGUOUS' });
  });

  it('at the end of the client is quick when everything is answered, also what was still undecided', async () => {
    const { client, relay, decider, upstream } = setUp({ upstream: answering, limits: { graceMs: 10_000 } });
    for (let id = 0; id < 20; id++) client.send(call(id));
    client.outgoing.end('{"jsonrpc":"2.0","id":99,"method":"ping"}'); // no line feed: cut off, so not sent
    await relay.closed;
    expect(decider.outcomes()).toEqual(Array.from({ length: 20 }, (_, n) => `cert-${n + 1} done`));
    expect(client.lines).toHaveLength(20);
    expect(upstream.lines.join()).not.toContain('ping');
  });

  it('when the client no longer takes answers ends the upstream too', async () => {
    const { client, relay, upstream, decider } = setUp({ limits: { graceMs: 50 } });
    client.send(call(1));
    await upstream.sees('echo');
    client.incoming.destroy(new Error('EPIPE'));
    expect((await relay.closed).reason).toBe('client-closed');
    expect(decider.outcomes()).toEqual(['cert-1 ambiguous']);
  });

  it('by close() answers what waits, records what is open, and reads no more', async () => {
    const { client, upstream, relay, decider } = setUp();
    client.send(call(1), request(2, 'ping'));
    await upstream.sees('ping');
    const closing = relay.close();
    client.send(call(3));
    await closing;
    expect((await relay.closed).reason).toBe('closed');
    expect(decider.outcomes()).toEqual(['cert-1 ambiguous']);
    expect(refusalIn(await client.answer(2))).toMatchObject({ code: 'RELAY_CLOSED' });
    await settle();
    expect(upstream.lines).toHaveLength(2);
    await relay.close(); // again: nothing
  });

  it('hears what the upstream still says while it ends', async () => {
    const { client, upstream, relay, decider } = setUp();
    client.send(call(1));
    await upstream.sees('echo');
    upstream.incoming.once('end', () => {});
    const closing = relay.close();
    upstream.send(result(1));
    await closing;
    expect(decider.outcomes()).toEqual(['cert-1 ambiguous', 'cert-1 done']);
    expect(client.lines).toHaveLength(1);
  });

  it('does not wait for a client that reads nothing', { timeout: 5_000 }, async () => {
    const { client, upstream, relay } = setUp();
    client.incoming.removeAllListeners('data');
    client.incoming.pause();
    for (let n = 0; n < 200; n++) upstream.send(result(n, { filler: 'x'.repeat(1000) }));
    for (let n = 0; n < 200; n++) upstream.send(request(n, 'ping', { filler: 'x'.repeat(1000) }));
    await settle();
    await relay.close();
  });
});
