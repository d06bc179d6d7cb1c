import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Client, type ClientOptions, createClient } from './client.ts';
import {
  type Behaviour,
  cutOff,
  decisionFor,
  FakeFabric,
  json,
  problem,
  silence,
  TOKEN,
} from './testing/fake-fabric.ts';

let fabric: FakeFabric;
let url: string;
beforeEach(async () => {
  fabric = new FakeFabric();
  url = await fabric.start();
});
afterEach(() => fabric.stop());

const clientWith = (options: Partial<ClientOptions> = {}): Client =>
  createClient({ url, token: TOKEN, timeoutMs: 20_000, retryDelayMs: 1, retries: 3, ...options });
const ask = (client: Client, signal?: AbortSignal) =>
  client.authorize({ action: { kind: 'call', tool: 'send_mail', args: { to: 'a' } }, signal });

/** What the client rejects with; the request must not be answered. */
async function errorOf(work: Promise<unknown>): Promise<{ code?: string; message: string }> {
  return work.then(
    (answer) => expect.unreachable(`came an answer: ${inspect(answer)}`),
    (error) => error,
  );
}

describe('an answer that is not one', () => {
  const garbage: readonly (readonly [string, string, Behaviour])[] = [
    ['text', 'ANSWER_MALFORMED', (_, response) => void response.end('<html>allow</html>')],
    ['nothing', 'ANSWER_MALFORMED', (_, response) => void response.end()],
    ['an unknown effect', 'ANSWER_MALFORMED', edited({ effect: 'allowed' })],
    ['a certificate id that is none', 'ANSWER_MALFORMED', edited({ certificate_id: '../..' })],
    [
      'a duplicate effect',
      'ANSWER_MALFORMED',
      (_, response) => void response.end('{"effect":"block","effect":"allow"}'),
    ],
    [
      'bytes that are not UTF-8',
      'ANSWER_MALFORMED',
      (_, response) => void response.end(Buffer.of(0x22, 0xff, 0x22)),
    ],
    ['deep nesting', 'ANSWER_MALFORMED', (_, response) => void response.end('['.repeat(100_000))],
    ['another request’s certificate', 'ANSWER_MISMATCH', edited({ certificate_id: 'a'.repeat(64) })],
    ['another session', 'ANSWER_MISMATCH', edited({ session: 'someone-elses' })],
    [
      'an allowance with a refusal',
      'ANSWER_MISMATCH',
      edited({ refusal: { code: 'LABEL_FLOW', clause: null } }),
    ],
    ['a block without a refusal', 'ANSWER_MISMATCH', edited({ effect: 'block' })],
    [
      'a redirect',
      'REDIRECT_REFUSED',
      (_, response) => void response.writeHead(307, { location: `${url}/v1/authorize` }).end(),
    ],
    [
      'status 201',
      'SERVICE_FAILED',
      async ({ body }, response) => json(response, 201, await decisionFor(body)),
    ],
    ['a body without end', 'ANSWER_TOO_LARGE', endless],
  ];

  it.each(garbage)('%s allows nothing: %s', async (_name, code, behaviour) => {
    fabric.behaviours.push(behaviour);
    expect(await errorOf(ask(clientWith()))).toMatchObject({ code });
    expect(fabric.came).toHaveLength(1);
  });

  function edited(members: object): Behaviour {
    return async ({ body }, response) => json(response, 200, { ...(await decisionFor(body)), ...members });
  }

  function endless(_: unknown, response: import('node:http').ServerResponse): true {
    const more = () => {
      while (!response.destroyed && response.write(Buffer.alloc(65_536, 0x20)));
    };
    response.on('drain', more);
    more();
    return true;
  }
});

describe('a service that does not answer', () => {
  it('is asked again with the same request, byte for byte, and then given up', async () => {
    fabric.behaviours.push(silence, cutOff, silence, cutOff);
    expect(await errorOf(ask(clientWith({ timeoutMs: 800 })))).toMatchObject({ code: 'SERVICE_UNREACHABLE' });
    expect(fabric.came).toHaveLength(4);
    expect(new Set(fabric.came.map(({ body }) => JSON.stringify(body))).size).toBe(1);
  });

  it('is named by how it failed: late, or gone', async () => {
    fabric.behaviours.push(silence);
    const late = await errorOf(ask(clientWith({ timeoutMs: 300, retries: 0 })));
    expect(late).toMatchObject({
      code: 'ANSWER_LATE',
      message: 'expected an answer within 300 ms, came none',
    });
    await fabric.stop();
    const gone = await errorOf(ask(clientWith({ retries: 0 })));
    expect(gone.message).toBe('expected the fabric to answer, and it cannot be reached (ECONNREFUSED)');
  });

  it('cannot hold up a caller who stops waiting', async () => {
    fabric.behaviours.push(silence);
    const stopped = new AbortController();
    const asking = errorOf(ask(clientWith({ timeoutMs: 60_000 }), stopped.signal));
    stopped.abort(new Error('enough'));
    expect(await asking).toMatchObject({ message: 'enough' });
    expect(await errorOf(ask(clientWith(), AbortSignal.abort('no')))).toBe('no');
  });

  it('gets the first answer after one that was lost', async () => {
    fabric.behaviours.push(cutOff);
    await expect(ask(clientWith())).resolves.toMatchObject({ effect: 'allow', refusal: null });
  });
});

describe('a refused request', () => {
  it('is repeated as long as nothing was decided, and not sooner than the service asks', async () => {
    const busy: Behaviour = (_, response) =>
      problem(response, 503, 'SESSION_BUSY', 'wait', { 'retry-after': '1' });
    const limited: Behaviour = (_, response) => problem(response, 429, 'RATE_LIMITED', 'slower');
    fabric.behaviours.push(busy, limited);
    const started = performance.now();
    await expect(ask(clientWith())).resolves.toMatchObject({ effect: 'allow' });
    expect(performance.now() - started).toBeGreaterThanOrEqual(995);
    expect(fabric.came).toHaveLength(3);
  });

  it('is not repeated where it would be refused again, or only after more than half a minute', async () => {
    fabric.behaviours.push((_, response) => problem(response, 409, 'REQUEST_CONFLICT', 'used before'));
    expect(await errorOf(ask(clientWith()))).toMatchObject({ code: 'REQUEST_CONFLICT', status: 409 });
    fabric.behaviours.push((_, response) =>
      problem(response, 503, 'EVIDENCE_UNAVAILABLE', 'full', { 'retry-after': '3600' }),
    );
    expect(await errorOf(ask(clientWith()))).toMatchObject({ retryAfterSeconds: 3600 });
    expect(fabric.came).toHaveLength(2);
  });

  describe('whose answer was withheld for good', () => {
    const withheld: Behaviour = (_, response) => problem(response, 503, 'EVIDENCE_UNAVAILABLE', 'no ledger');
    const conflict: Behaviour = (_, response) => problem(response, 409, 'REQUEST_CONFLICT', 'never sent on');
    const idsOf = (path: string) =>
      fabric.of(path).map(({ body }) => /"request_id":"([^"]*)/.exec(JSON.stringify(body))?.[1]);

    it('is asked under a new id, once for each id, and no more often than any other', async () => {
      fabric.behaviours.push(withheld, conflict);
      expect(await ask(clientWith())).toMatchObject({ effect: 'allow' });
      const [first, second, third, ...more] = idsOf('/v1/authorize');
      expect(second).toBe(first);
      expect(third).not.toBe(first);
      expect(more).toEqual([]);
      fabric.behaviours.push(...Array(9).fill([withheld, conflict]).flat());
      expect(await errorOf(ask(clientWith()))).toMatchObject({ code: 'REQUEST_CONFLICT', status: 409 });
      expect(fabric.came).toHaveLength(3 + 4);
    });

    it('is so too where nothing was heard of that answer', async () => {
      fabric.behaviours.push(cutOff, conflict);
      expect(await ask(clientWith())).toMatchObject({ effect: 'allow' });
      expect(new Set(idsOf('/v1/authorize')).size).toBe(2);
    });

    it('is not, where the id was new, or the caller’s own, who alone knows what it stood for', async () => {
      fabric.behaviours.push(conflict);
      expect(await errorOf(ask(clientWith()))).toMatchObject({ code: 'REQUEST_CONFLICT' });
      const action = { kind: 'call', tool: 'send_mail' } as const;
      fabric.behaviours.push(withheld, conflict);
      const own = clientWith().authorize({ action, requestId: 'mine' });
      expect(await errorOf(own)).toMatchObject({ code: 'REQUEST_CONFLICT' });
      fabric.behaviours.push(withheld, conflict);
      const named = { subject: {}, action: {}, resource: {}, context: { request_id: 'mine' } };
      expect(await errorOf(clientWith().evaluate(named))).toMatchObject({ code: 'REQUEST_CONFLICT' });
      expect(fabric.came).toHaveLength(5);
    });

    it('is asked under a new id by AuthZEN as well', async () => {
      const answer: Behaviour = (_, response) => json(response, 200, { decision: true });
      fabric.behaviours.push(withheld, conflict, answer);
      const evaluation = await clientWith().evaluate({ subject: {}, action: {}, resource: {} });
      expect(evaluation).toEqual({ decision: true, context: null });
      const [first, second, third] = idsOf('/access/v1/evaluation');
      expect(second).toBe(first);
      expect(third).not.toBe(first);
    });
  });

  it('is repeated for a prompt only where the service says that nothing was done', async () => {
    const prompt = () => clientWith().prompt({ session: 'desk-17', text: 'x' });
    fabric.behaviours.push(cutOff);
    expect(await errorOf(prompt())).toMatchObject({ code: 'SERVICE_UNREACHABLE' });
    fabric.behaviours.push((_, response) => problem(response, 503, 'TIMEOUT', 'perhaps'));
    expect(await errorOf(prompt())).toMatchObject({ code: 'TIMEOUT' });
    expect(fabric.came).toHaveLength(2);
    fabric.behaviours.push((_, response) => problem(response, 503, 'OVERLOADED', 'no'));
    fabric.behaviours.push((_, response) => json(response, 200, { session: 'desk-17' }));
    expect(await prompt()).toEqual({ session: 'desk-17' });
  });

  it('shows what the service says without what would mislead a reader, and not all of it', async () => {
    const detail = `\u001b[2Jno \u202e${'x'.repeat(100_000)}`;
    fabric.behaviours.push((_, response) => problem(response, 403, 'FORBIDDEN', detail));
    const { message } = await errorOf(ask(clientWith()));
    expect(message).toMatch(/^ \[2Jno {2}x+…$/);
    expect(message.length).toBeLessThan(510);
  });
});

describe('the token', () => {
  const everythingOf = (error: unknown) => inspect(error, { depth: 9, showHidden: true });

  it('is in no error, whoever repeats it: service, platform, or a fetch of the caller’s', async () => {
    const said = `expected another token than ${TOKEN}`;
    fabric.behaviours.push((_, response) => problem(response, 401, 'UNAUTHENTICATED', said));
    const errors = [
      await errorOf(ask(clientWith())),
      await errorOf(ask(clientWith({ token: `${TOKEN}\r\nx: y` }))),
      await errorOf(ask(clientWith({ token: () => Promise.reject(new Error(TOKEN)) }))),
      await errorOf(
        ask(
          clientWith({
            retries: 0,
            fetch: async (_url, init) => {
              throw Object.assign(new Error(init.headers.authorization), { config: init });
            },
          }),
        ),
      ),
    ];
    for (const error of errors) expect(everythingOf(error)).not.toContain(TOKEN);
    expect(errors.map(({ code }) => code)).toEqual([
      'UNAUTHENTICATED',
      'TOKEN_UNFIT',
      'TOKEN_UNFIT',
      'SERVICE_UNREACHABLE',
    ]);
    expect(everythingOf(clientWith())).not.toContain(TOKEN);
  });

  it('is asked for before each attempt, and again when it has expired', async () => {
    fabric.behaviours.push((_, response) => problem(response, 401, 'CAP_EXPIRED', 'expired'));
    let asked = 0;
    const token = () => (++asked === 1 ? 'old' : TOKEN);
    await expect(ask(clientWith({ token }))).resolves.toMatchObject({ effect: 'allow' });
    expect(fabric.came.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer old',
      `Bearer ${TOKEN}`,
    ]);
    fabric.behaviours.push((_, response) => problem(response, 401, 'CAP_EXPIRED', 'expired'));
    expect(await errorOf(ask(clientWith()))).toMatchObject({ code: 'CAP_EXPIRED' });
  });

  it('goes to this machine or over TLS, unless plain HTTP was allowed by name', () => {
    const refused = (options: Partial<ClientOptions>) => () => clientWith(options);
    const code = 'CLIENT_OPTION_INVALID';
    for (const wrong of [
      'http://fabric.example',
      'http://127.0.0.1.evil.example',
      'ftp://localhost',
      'fabric',
    ])
      expect(refused({ url: wrong })).toThrow(expect.objectContaining({ code }));
    for (const wrong of ['https://user:pass@fabric.example', 'https://fabric.example?token=x'])
      expect(refused({ url: wrong })).toThrow(expect.not.stringContaining('pass'));
    expect(refused({ retries: 1000 })).toThrow(expect.objectContaining({ code }));
    clientWith({ url: 'http://fabric.example', allowPlainHttp: true });
    clientWith({ url: 'https://fabric.example/behind/a/path/' });
    clientWith({ url: 'http://[::1]:8080' });
  });
});
