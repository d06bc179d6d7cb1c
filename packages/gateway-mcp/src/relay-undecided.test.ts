import fc from 'fast-check';
import { expect, it } from 'vitest';
import { answering, call, notice, request, settle, setUp } from './relay.fixture.ts';

// The law of the relay, checked from outside with a reader of its own (JSON.parse): whatever bytes the client
// sends, the upstream only ever sees whole lines of them, unchanged and in order (but for cancellations,
// which go ahead), and no call or read that was not allowed.

const DECIDED = ['tools/call', 'resources/read', 'resources/subscribe', 'prompts/get', 'completion/complete'];

const wellFormed = fc.oneof(
  fc.tuple(fc.nat(30), fc.constantFrom('good', 'bad')).map(([id, name]) => JSON.stringify(call(id, name))),
  fc
    .tuple(fc.nat(30), fc.constantFrom('good:1', 'bad:1'))
    .map(([id, uri]) => JSON.stringify(request(id, 'resources/read', { uri }))),
  fc
    .constantFrom('ping', 'tools/list', 'tools/execute', 'tasks/result')
    .chain((method) => fc.nat(30).map((id) => JSON.stringify(request(id, method)))),
  fc.nat(30).map((requestId) => JSON.stringify(notice('notifications/cancelled', { requestId }))),
  fc.constantFrom(
    '{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call","params":{"name":"bad"}}',
    '{"jsonrpc":"2.0","id":1,"method":"ping","params":\r{"jsonrpc":"2.0","id":2,"method":"tools/call"}\r}',
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"good","name":"bad"}}',
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"good","Name":"bad"}}',
    '[{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"bad"}}]',
    '{"jsonrpc":"2.0","id":5,"result":{}}',
    '',
  ),
);

/** A line, perhaps damaged: a byte changed, put in or taken out. */
const line = fc
  .tuple(
    wellFormed,
    fc.option(fc.tuple(fc.nat(200), fc.integer({ min: 0, max: 255 }), fc.nat(2)), { freq: 3 }),
  )
  .map(([text, damage]) => {
    const bytes = Buffer.from(`${text}\n`);
    if (damage === null) return bytes;
    const [at, byte, how] = damage;
    const cut = at % bytes.length;
    const insert = Buffer.from([byte]);
    return Buffer.concat([
      bytes.subarray(0, cut),
      how === 2 ? Buffer.alloc(0) : insert,
      bytes.subarray(how === 0 ? cut : cut + 1),
    ]);
  });

const input = fc.array(
  fc.oneof({ weight: 9, arbitrary: line }, fc.uint8Array({ maxLength: 20 }).map(Buffer.from)),
  {
    maxLength: 20,
  },
);

it('forwards nothing undecided and nothing changed, whatever bytes the client sends (property)', async () => {
  let forwarded = 0;
  await fc.assert(
    fc.asyncProperty(input, fc.array(fc.nat(40)), async (parts, cuts) => {
      const { client, upstream, decider, relay } = setUp({ upstream: answering, limits: { graceMs: 20 } });
      decider.decideBy = async ({ requestId, target }) => {
        if (requestId.endsWith('3')) await settle(); // some take longer, so that the rest piles up behind
        return target.startsWith('good')
          ? { effect: 'allow', certificateId: requestId }
          : { effect: 'block', code: 'FORBIDDEN' };
      };
      const bytes = Buffer.concat(parts);
      let at = 0;
      for (const length of cuts) {
        client.send(bytes.subarray(at, at + length));
        at += length;
      }
      client.outgoing.end(bytes.subarray(at));
      await relay.closed;

      const sent = bytes.toString('latin1').split('\n').slice(0, -1);
      let next = 0;
      const upstreamIds: unknown[] = [];
      const allowed = decider.asked.filter(({ target }) => target.startsWith('good'));
      for (const utf8Line of upstream.lines) {
        const seen = Buffer.from(utf8Line, 'utf8').toString('latin1');
        if (utf8Line.includes('notifications/cancelled')) {
          // Alone goes ahead of what waits for a decision.
          expect(sent).toContain(seen);
          const { params } = JSON.parse(utf8Line) as { params?: { requestId?: number } };
          if (params?.requestId !== undefined) expect(upstreamIds).toContain(params.requestId);
          continue;
        }
        const found = sent.indexOf(seen, next);
        expect(found, `not a line of the client, or out of order: ${seen}`).toBeGreaterThanOrEqual(next);
        next = found + 1;
        const message = JSON.parse(utf8Line) as {
          id?: number;
          method?: string;
          params?: { name?: string; uri?: string };
        };
        upstreamIds.push(message.id);
        if (message.method === undefined || !DECIDED.includes(message.method)) continue;
        const decision = allowed.findIndex(
          ({ target }) => target === (message.params?.name ?? message.params?.uri),
        );
        expect(decision, `not allowed: ${seen}`).toBe(0);
        allowed.shift();
        forwarded++;
      }
    }),
    { numRuns: 1500, seed: 7 },
  );
  expect(forwarded).toBeGreaterThan(400); // or the property would hold of nothing
});
