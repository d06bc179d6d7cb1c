import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { httpUpstream, type MountedEndpoint, mount } from '../http/endpoint.fixture.ts';
import {
  type Behave,
  type FakeServer,
  initialize,
  post,
  sendEvents,
  startFakeServer,
} from '../http/fake-http-server.fixture.ts';
import { httpUrl } from './definition.ts';

let server: FakeServer | undefined;
let mounted: MountedEndpoint | undefined;
afterEach(async () => {
  await mounted?.close();
  await server?.close();
  server = undefined;
});

const CALL = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'echo', arguments: {} } };
const READ = { jsonrpc: '2.0', id: 1, method: 'resources/list' };

/** Begins a session with a server that behaves so, calls a tool, and gives the answer. */
async function callA(behave: Behave, limits = {}, message: object = CALL) {
  server = await startFakeServer(behave);
  mounted = await mount({ web: httpUpstream(server.url) }, { limits });
  const session = await initialize(mounted.url('web'));
  const answer = await post(mounted.url('web'), message, { 'mcp-session-id': session });
  return { ...answer, session, message: messageIn(answer.body) };
}

function messageIn(body: string) {
  const data = /^data: (.+)$/m.exec(body)?.[1];
  return JSON.parse(data ?? body);
}

const onCall =
  (answer: (response: Parameters<Behave>[2], id: unknown) => void): Behave =>
  ({ method, id }, _request, response) => {
    if (method !== 'tools/call' && method !== 'resources/list') return false;
    answer(response, id);
    return true;
  };

const refusal = (message: { result?: { _meta: Record<string, { code: string }> } }) =>
  message.result?._meta['provability-fabric/refusal']?.code;

describe('a hostile upstream over HTTP', () => {
  it('with a stream without end is given up, and its connection cut', async () => {
    let closed = false;
    const answer = await callA(
      onCall((response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        const timer = setInterval(() => response.write(': still here\n\n'), 5);
        response.on('close', () => {
          closed = true;
          clearInterval(timer);
        });
      }),
      { upstreamTimeoutMs: 200 },
    );
    expect(refusal(answer.message)).toBe('OUTCOME_AMBIGUOUS');
    expect(mounted?.decider.outcomes()).toEqual(['cert-1 ambiguous']);
    await expect.poll(() => closed, { timeout: 5_000 }).toBe(true);
  });

  it('cannot fill memory: with an event or a body too large its answer is unknown', async () => {
    for (const type of ['text/event-stream', 'application/json']) {
      let sent = 0;
      const answer = await callA(
        onCall((response) => {
          response.writeHead(200, { 'content-type': type });
          response.write('data: "');
          const block = 'x'.repeat(65_536);
          const more = () => {
            while (!response.destroyed && sent < 1e9) {
              sent += block.length;
              if (!response.write(block)) return void response.once('drain', more);
            }
          };
          more();
        }),
        { maxUpstreamLineBytes: 1_000_000 },
      );
      expect(refusal(answer.message), type).toBe('OUTCOME_AMBIGUOUS');
      expect(sent).toBeLessThan(50_000_000);
      await mounted?.close();
      await server?.close();
    }
  });

  it('that answers another id answers nobody', async () => {
    const answer = await callA(
      onCall((response) => sendEvents(response, { jsonrpc: '2.0', id: 99, result: { content: [] } })),
    );
    expect(refusal(answer.message)).toBe('OUTCOME_AMBIGUOUS');
    expect(mounted?.eventNames()).toContain('mcp.upstream-line-dropped');
  });

  it('gets nowhere with a redirect, and its status decides whether the call may have happened', async () => {
    let elsewhere = 0;
    const other = await startFakeServer(() => {
      elsewhere++;
      return false;
    });
    const statuses: [number, string | undefined, string][] = [
      [307, 'UPSTREAM_REFUSED', 'failed'],
      [400, 'UPSTREAM_REFUSED', 'failed'],
      [429, 'UPSTREAM_REFUSED', 'failed'],
      [500, 'OUTCOME_AMBIGUOUS', 'ambiguous'],
      [202, 'UPSTREAM_REFUSED', 'failed'],
    ];
    for (const [status, code, outcome] of statuses) {
      const answer = await callA(
        onCall((response) => response.writeHead(status, { location: other.url }).end('<h1>')),
      );
      expect([status, answer.status, refusal(answer.message)]).toEqual([status, 200, code]);
      expect(mounted?.decider.outcomes()).toEqual([`cert-1 ${outcome}`]);
      await mounted?.close();
      await server?.close();
    }
    expect(elsewhere).toBe(0);
    await other.close();
  });

  it('cannot write to the log or a terminal: what it says stays data', async () => {
    const evil = '\u001b[2J<script>alert(1)</script>\n{"level":"fake"}';
    const answer = await callA(
      onCall((response, id) => {
        const error = { code: -1, message: evil };
        sendEvents(
          response,
          { jsonrpc: '2.0', id, error },
          { jsonrpc: '2.0', method: evil, params: {} },
          evil,
        );
      }),
    );
    expect(answer.message.error.message).toBe(evil); // for the client, as JSON
    expect(JSON.stringify(mounted?.events)).not.toMatch(/script|u001b|fake/);
    expect(mounted?.decider.outcomes()).toEqual(['cert-1 failed']);
  });

  it('that sends a page instead of a message gives no answer, and none of the page goes on', async () => {
    const answer = await callA(
      onCall((response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>\u001b[31mhi')),
    );
    expect(refusal(answer.message)).toBe('OUTCOME_AMBIGUOUS');
    expect(answer.body).not.toContain('<h1>');
  });

  it('that breaks off without an event id leaves the outcome open; with one it is taken up again', async () => {
    const broken = await callA(
      onCall((response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(': \n\n', () => response.destroy());
      }),
    );
    expect(refusal(broken.message)).toBe('OUTCOME_AMBIGUOUS');
    await mounted?.close();
    await server?.close();

    const resumed = await callA(({ method, id }, request, response) => {
      if (method === 'tools/call') {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.end('id: e-1\nretry: 100\ndata: \n\n');
        return true;
      }
      if (request.headers['last-event-id'] !== 'e-1') return false;
      sendEvents(response, {
        jsonrpc: '2.0',
        id: 1,
        result: { content: [{ type: 'text', text: `after ${id}` }] },
      });
      return true;
    });
    expect(resumed.message.result.content[0].text).toBe('after undefined');
    expect(mounted?.decider.outcomes()).toEqual(['cert-1 done']);
  });

  it('that has forgotten the session ends ours: the client is told to begin anew', async () => {
    const answer = await callA(onCall((response) => response.writeHead(404).end()));
    expect(refusal(answer.message)).toBe('UPSTREAM_CLOSED');
    expect(mounted?.decider.outcomes()).toEqual(['cert-1 failed']);
    const next = () => post(mounted?.url('web') ?? '', READ, { 'mcp-session-id': answer.session });
    await expect.poll(async () => (await next()).status, { timeout: 5_000 }).toBe(404);
    expect(mounted?.eventNames()).toContain('mcp.upstream-session-lost');
  });

  it('that cannot be reached is named so, and nothing has happened', async () => {
    server = await startFakeServer();
    mounted = await mount({ web: httpUpstream(server.url) });
    const session = await initialize(mounted.url('web'));
    await server.close();
    const answer = await post(mounted.url('web'), CALL, { 'mcp-session-id': session });
    expect(refusal(messageIn(answer.body))).toMatch(/UPSTREAM_UNREACHABLE|OUTCOME_AMBIGUOUS/);
    const fresh = await post(
      mounted.url('web'),
      { ...READ, method: 'initialize', params: {} },
      { 'x-caller': 'b' },
    );
    expect(messageIn(fresh.body).error.data.code).toBe('UPSTREAM_UNREACHABLE');
  });

  it('keeps integers that no double holds, and every byte of a result', async () => {
    const text =
      '{"jsonrpc":"2.0","id":1,"result":{"n":123456789012345678901234567890,"f":1.0,"s":"\\u00e9"}}';
    const answer = await callA(
      onCall((response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(text);
      }),
    );
    expect(answer.body).toContain(`data: ${text}\n`);
    const result = mounted?.decider.settled[0]?.outcome.result as { n: bigint };
    expect(result.n).toBe(123456789012345678901234567890n);
  });

  it('with a certificate that nobody vouches for gets no request; with its own authority it is heard', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'pf-tls-'));
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
        '-days',
        '1',
        ...subject,
        '-keyout',
        key,
        '-out',
        cert,
      ],
      { stdio: 'ignore' },
    );
    let requests = 0;
    const tls = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (_request, response) => {
      requests++;
      sendEvents(response, {
        jsonrpc: '2.0',
        id: 0,
        result: { protocolVersion: '2025-06-18', capabilities: {} },
      });
    });
    await new Promise<void>((resolve) => tls.listen(0, '127.0.0.1', resolve));
    const url = `https://127.0.0.1:${(tls.address() as AddressInfo).port}/mcp`;
    const ca = readFileSync(cert, 'utf8');
    mounted = await mount({ stranger: httpUpstream(url), known: httpUpstream(url, { ca }) });
    const begin = { jsonrpc: '2.0', id: 0, method: 'initialize', params: {} };
    const refused = await post(mounted.url('stranger'), begin);
    expect([messageIn(refused.body).error.data.code, requests]).toEqual(['UPSTREAM_UNREACHABLE', 0]);
    expect((await post(mounted.url('known'), begin)).status).toBe(200);
    tls.closeAllConnections();
    tls.close();
    rmSync(folder, { recursive: true });
  });

  it('has a name that can stand in a path and a log, and is not that of all', async () => {
    for (const name of ['all', '', 'A', 'a/b', '..', 'a\nb', 'x'.repeat(65)]) {
      const mounting = mount({ [name]: httpUpstream('http://127.0.0.1:1/') });
      await expect(mounting, name).rejects.toMatchObject({ code: 'UPSTREAM_NAME_INVALID' });
    }
  });

  it('is only reached by a URL that is one, and holds no password', () => {
    for (const url of ['', 'ftp://a/', 'file:///etc/passwd', 'https://user:secret@a/', '/mcp']) {
      expect(() => httpUrl(url), url).toThrow(expect.objectContaining({ code: 'UPSTREAM_URL_INVALID' }));
    }
    expect(() => httpUrl('https://user:hunter2@a/')).toThrow(/^(?!.*hunter2)/);
  });
});
