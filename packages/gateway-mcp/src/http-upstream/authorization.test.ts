import { createServer } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { closeServer, httpUpstream, listen, type MountedEndpoint, mount } from '../http/endpoint.fixture.ts';
import { type FakeServer, initialize, post, startFakeServer } from '../http/fake-http-server.fixture.ts';
import type { UpstreamAuthorization } from './definition.ts';
import { TokenExchanger } from './token-exchanger.ts';

let server: FakeServer;
let mounted: MountedEndpoint;
const toClose: (() => Promise<void>)[] = [];
afterEach(async () => {
  await mounted?.close();
  await server?.close();
  for (const close of toClose.splice(0)) await close();
});

const CALL = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'echo', arguments: {} } };
const CHALLENGE = 'Bearer resource_metadata="https://up.example/.well-known/oauth-protected-resource"';

async function start(authorization: UpstreamAuthorization, accepts: (token: string | undefined) => boolean) {
  server = await startFakeServer((_message, request, response) => {
    if (accepts(request.headers.authorization)) return false;
    response.writeHead(401, { 'www-authenticate': CHALLENGE }).end('who are you, secret-token?');
    return true;
  });
  mounted = await mount({ web: httpUpstream(server.url, { authorization }) });
  return mounted.url('web');
}

/** A token endpoint that gives `for-TOKEN-N`, or what `answer` says. */
async function tokenEndpoint(answer?: (form: URLSearchParams) => { status: number; body: unknown }) {
  const asked: { form: URLSearchParams; authorization: string | undefined }[] = [];
  const http = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const form = new URLSearchParams(Buffer.concat(chunks).toString());
      asked.push({ form, authorization: request.headers.authorization });
      const token = `for-${form.get('subject_token')}-${asked.length}`;
      const usual = { access_token: token, token_type: 'Bearer', expires_in: 300 };
      const { status, body } = answer?.(form) ?? { status: 200, body: usual };
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
  });
  const tokenUrl = `http://127.0.0.1:${await listen(http)}/token`;
  toClose.push(() => closeServer(http));
  const exchange = { tokenEndpoint: tokenUrl, clientId: 'fabric', clientSecret: 'up-client', audience: 'up' };
  return { asked, exchange };
}

describe('the upstream that gets no token', () => {
  it('never sees what the caller sent; its refusal is a 502, without its challenge', async () => {
    const url = await start('none', () => false);
    const answer = await post(url, { ...CALL, method: 'initialize' }, { authorization: 'Bearer mine' });
    expect(answer.status).toBe(502);
    expect(answer.headers['www-authenticate']).toBeUndefined();
    expect(JSON.parse(answer.body).error.data.code).toBe('UPSTREAM_DENIED');
    expect(JSON.stringify([answer, mounted.events])).not.toMatch(/mine|secret-token/);
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual([undefined]);
    expect(mounted.endpoint.sessions()).toBe(0);
  });
});

describe("the caller's own token", () => {
  it("goes to the upstream with each request, and the upstream's refusal comes back as it is", async () => {
    const url = await start('pass', (token) => token === 'Bearer good');
    const denied = await post(url, { ...CALL, method: 'initialize' }, { authorization: 'Bearer bad' });
    expect([denied.status, denied.headers['www-authenticate']]).toEqual([401, CHALLENGE]);
    expect(denied.headers['mcp-session-id']).toBeUndefined();
    const session = await initialize(url, { authorization: 'Bearer good' });
    const own = { 'mcp-session-id': session };
    expect((await post(url, CALL, { ...own, authorization: 'Bearer good' })).status).toBe(200);
    const expired = await post(url, { ...CALL, id: 2 }, { ...own, authorization: 'Bearer expired' });
    expect(expired.status).toBe(401);
    expect(mounted.decider.outcomes()).toEqual(['cert-1 done', 'cert-2 failed']);
    expect((await post(url, { ...CALL, id: 3 }, { ...own, authorization: 'Bearer good' })).status).toBe(200);
    expect(JSON.stringify([denied, expired, mounted.events])).not.toMatch(
      /Bearer (good|bad|expired)|secret-token/,
    );
  });
});

describe("several upstreams that get the caller's own token", () => {
  it('get none where they are joined: each could use it at the others', async () => {
    await start('pass', () => true);
    const other = await startFakeServer();
    toClose.push(() => other.close());
    await mounted.close();
    const pass = { authorization: 'pass' } as const;
    mounted = await mount({ a: httpUpstream(server.url, pass), b: httpUpstream(other.url, pass) });
    await initialize(mounted.url('all'), { authorization: 'Bearer mine' });
    await initialize(mounted.url('a'), { authorization: 'Bearer mine' });
    const tokens = (fake: FakeServer) => fake.requests.map(({ headers }) => headers.authorization);
    expect(new Set(tokens(other))).toEqual(new Set([undefined]));
    expect(new Set(tokens(server))).toEqual(new Set([undefined, 'Bearer mine']));
  });
});

describe('the token that was exchanged', () => {
  it("is the caller's own, kept until shortly before it expires, and asked for with the named secret", async () => {
    const { asked, exchange } = await tokenEndpoint();
    const seen: (string | undefined)[] = [];
    const url = await start({ exchange }, (token) => {
      seen.push(token);
      return token?.startsWith('Bearer for-') === true;
    });
    const anna = { authorization: 'Bearer a', 'x-caller': 'anna' };
    const ben = { authorization: 'Bearer a', 'x-caller': 'ben' };
    const session = await initialize(url, anna);
    expect((await post(url, CALL, { ...anna, 'mcp-session-id': session })).status).toBe(200);
    expect(asked).toHaveLength(1);
    await initialize(url, ben);
    expect(asked).toHaveLength(2); // the same token, but another caller
    const basic = Buffer.from('fabric:secret-of-up-client').toString('base64');
    expect(asked[0]?.authorization).toBe(`Basic ${basic}`);
    expect(Object.fromEntries(asked[0]?.form ?? [])).toEqual({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: 'a',
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      audience: 'up',
    });
    expect(new Set(seen)).toEqual(new Set(['Bearer for-a-1', 'Bearer for-a-2']));
  });

  it('is missing by name where the caller brought none, or the endpoint gives none; no token is ever named', async () => {
    const { exchange } = await tokenEndpoint(() => ({
      status: 400,
      body: { error: 'invalid_grant', error_description: 'token subject-secret is \u001b[31mbad' },
    }));
    const url = await start({ exchange }, () => true);
    const begin = { ...CALL, method: 'initialize' };
    const none = await post(url, begin);
    expect([none.status, none.body]).toEqual([502, expect.stringContaining('UPSTREAM_DENIED')]);
    const refused = await post(url, { ...begin, id: 2 }, { authorization: 'Bearer subject-secret' });
    expect([refused.status, refused.body]).toEqual([502, expect.stringContaining('invalid_grant')]);
    expect(refused.body + JSON.stringify(mounted.events)).not.toMatch(/subject-secret|31mbad/);
    expect(server.requests).toEqual([]);
  });

  it('is asked for once by many at the same time, again when it has expired or was refused', async () => {
    const { asked, exchange } = await tokenEndpoint();
    let now = 0;
    const exchanger = new TokenExchanger({ exchange, secret: async () => 's', now: () => now });
    toClose.push(() => exchanger.close());
    const all = await Promise.all(Array.from({ length: 20 }, () => exchanger.tokenFor('anna', 't')));
    expect([new Set(all), asked.length]).toEqual([new Set(['for-t-1']), 1]);
    now = 269_000;
    expect(await exchanger.tokenFor('anna', 't')).toBe('for-t-1');
    now = 271_000; // 30 s before it expires
    expect(await exchanger.tokenFor('anna', 't')).toBe('for-t-2');
    exchanger.forget('anna', 't');
    expect(await exchanger.tokenFor('anna', 't')).toBe('for-t-3');
  });

  it('is refused where it is none: not a bearer, no text, with a line break, endless', async () => {
    const answers: unknown[] = [
      { access_token: 't', token_type: 'DPoP' },
      { access_token: 7, token_type: 'Bearer' },
      { access_token: 'a\r\nx-admin: 1', token_type: 'Bearer' },
      { access_token: 'x'.repeat(100_000), token_type: 'Bearer' },
      [],
      'no JSON object',
    ];
    for (const body of answers) {
      const { exchange } = await tokenEndpoint(() => ({ status: 200, body }));
      const exchanger = new TokenExchanger({ exchange, secret: async () => 's', now: () => 0 });
      await expect(exchanger.tokenFor('anna', 't')).rejects.toMatchObject({ code: 'TOKEN_EXCHANGE_FAILED' });
      await exchanger.close();
    }
  });
});
