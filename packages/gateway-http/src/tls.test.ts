import { request } from 'node:https';
import { connect as connectPlain } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { GatewayError } from './errors.ts';
import type { Limits } from './limits.ts';
import { createMetrics } from './metrics.ts';
import type { Route } from './route.ts';
import { createForwarder } from './sidecar/forwarder.ts';
import { type Certified, certificateAuthority } from './testing/certificates.ts';
import { ask, RawClient } from './testing/clients.ts';
import { startListener, stopServers } from './testing/start-server.ts';
import type { TlsOptions } from './tls.ts';

afterEach(stopServers);

const authority = certificateAuthority('house');
const server = authority.issue('server');
const agent = authority.issue('agent-7');
const stranger = certificateAuthority('elsewhere').issue('agent-7');

const guarded: Route = {
  kind: 'guarded',
  method: 'POST',
  pattern: '/v1/authorize',
  serve: async () => ({ status: 200, body: {} }),
};

const startTls = (clients?: 'required' | 'optional', limits: Partial<Limits> = {}) =>
  startListener([guarded], limits, tlsOf(server, clients));

function tlsOf(own: Certified, clients?: 'required' | 'optional'): TlsOptions {
  const asked = clients && { clients: { authority: authority.certificate, certificate: clients } };
  return { ...own, ...asked };
}

interface Came {
  readonly status: number;
  readonly text: string;
  readonly issuer: string;
}

function askTls(
  port: number,
  path: string,
  options: ConnectionOptions & { token?: string } = {},
): Promise<Came> {
  const { token, ...tls } = options;
  return new Promise((resolve, reject) => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const method = token === undefined ? 'GET' : 'POST';
    const common = {
      host: '127.0.0.1',
      port,
      path,
      method,
      headers,
      agent: false as const,
      ca: authority.certificate,
    };
    const sent = request({ ...common, ...tls }, (response) => {
      const { subject } = (response.socket as TLSSocket).getPeerCertificate();
      let text = '';
      response.on('data', (chunk: Buffer) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text, issuer: `${subject.CN}` }));
    });
    sent.on('error', reject);
    sent.end();
  });
}

const as = ({ certificate, key }: Certified) => ({ cert: certificate, key });

describe('TLS', () => {
  it('tells a client of plain HTTP so in the clear, and serves nothing', async () => {
    const { port, tokens, log, metrics } = await startTls();
    const came = await ask(port, '/v1/authorize', { token: 'agent-token', body: '{}' });
    expect([came.status, came.code]).toEqual([400, 'TLS_REQUIRED']);
    expect(came.text).toContain('https://');
    expect(tokens.seen).toEqual([]);
    expect(log[0]).toMatchObject({ event: 'connection_refused', details: { code: 'TLS_REQUIRED' } });
    expect(await metrics.registry.metrics()).toMatch(/route="unmatched",status="400"\} 1/);
    expect((await askTls(port, '/livez')).status).toBe(200);
  });

  it('is 1.2 or newer', async () => {
    const { port, log } = await startTls();
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
      expect((await askTls(port, '/livez', { minVersion: version, maxVersion: version })).status).toBe(200);
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    await expect(askTls(port, '/livez', old)).rejects.toThrow();
    await expect.poll(() => log.some(({ details }) => details.code === 'TLS_HANDSHAKE')).toBe(true);
  });

  it.each([
    ['before the handshake', (_client: RawClient) => undefined],
    ['in the handshake', (client: RawClient) => client.write('\x16\x03\x01\x02\x00\x01')],
    ['behind a first byte that is none of TLS', (client: RawClient) => client.write('G')],
  ])('ends a connection that says no more, %s', async (_where, begin) => {
    const { port } = await startTls(undefined, { headersTimeoutMs: 200, requestTimeoutMs: 400 });
    const client = new RawClient(port);
    begin(client);
    const began = performance.now();
    await client.ended();
    expect(performance.now() - began).toBeLessThan(2000);
    expect((await askTls(port, '/livez')).status).toBe(200);
  });

  it('ends a connection that dribbles its headers under it', async () => {
    const { port } = await startTls(undefined, { headersTimeoutMs: 200, requestTimeoutMs: 400 });
    const socket = connect({ port, host: '127.0.0.1', ca: authority.certificate });
    let received = '';
    socket.on('data', (chunk: Buffer) => {
      received += chunk;
    });
    socket.on('error', () => undefined);
    socket.write('POST /v1/authorize HTTP/1.1\r\nhost: x\r\n');
    const dribble = setInterval(() => socket.write('x-a: b\r\n'), 30);
    await new Promise((resolve) => socket.once('close', resolve));
    clearInterval(dribble);
    expect(received).toContain('REQUEST_TIMEOUT');
  });

  it('survives clients that break off in every state of the handshake', async () => {
    const { port } = await startTls();
    for (let i = 0; i < 40; i++) {
      const socket = connectPlain(port, '127.0.0.1');
      socket.on('error', () => undefined);
      if (i % 2) socket.write(Buffer.from('160301ffff01', 'hex').subarray(0, 1 + (i % 6)));
      await sleep(1);
      if (i % 3) socket.resetAndDestroy();
      else socket.destroy();
    }
    expect((await askTls(port, '/livez')).status).toBe(200);
  });

  it('shuts down past connections that have not begun', async () => {
    const { port, server: listener } = await startTls(undefined, { shutdownMs: 200 });
    const silent = new RawClient(port);
    const halfway = new RawClient(port);
    halfway.write('\x16\x03\x01');
    await sleep(50);
    const began = performance.now();
    await listener.close();
    expect(performance.now() - began).toBeLessThan(1000);
    await Promise.all([silent.ended(), halfway.ended()]);
  });
});

describe('a client certificate', () => {
  it('must be there where it is required, from an authority that is trusted', async () => {
    const { port, tokens } = await startTls('required');
    await expect(askTls(port, '/livez')).rejects.toThrow();
    await expect(askTls(port, '/livez', as(stranger))).rejects.toThrow();
    expect((await askTls(port, '/v1/authorize', { ...as(agent), token: 'agent-token' })).status).toBe(200);
    expect(tokens.peers).toHaveLength(1);
  });

  it('may be missing where it is optional, but never be one that nobody vouches for', async () => {
    const { port, tokens } = await startTls('optional');
    await expect(askTls(port, '/v1/authorize', { ...as(stranger), token: 'agent-token' })).rejects.toThrow();
    expect((await askTls(port, '/v1/authorize', { token: 'agent-token' })).status).toBe(200);
    expect((await askTls(port, '/v1/authorize', { ...as(agent), token: 'agent-token' })).status).toBe(200);
    expect(tokens.peers).toEqual([
      { address: '127.0.0.1', certificate: null },
      {
        address: '127.0.0.1',
        certificate: { subject: 'CN=agent-7, O=acme', fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/) },
      },
    ]);
  });

  it('is how one fabric shows itself to another', async () => {
    const { port } = await startTls('required');
    const metrics = createMetrics();
    const forwarder = createForwarder({
      timeoutMs: 2000,
      answerBytes: 1000,
      maxSockets: 2,
      metrics,
      authority: authority.certificate,
      client: agent,
    });
    const sent = {
      path: '/v1/authorize',
      authorization: 'Bearer agent-token',
      requestId: 'r',
      body: Buffer.from('{}'),
    };
    expect((await forwarder.forward(`https://127.0.0.1:${port}`, sent)).status).toBe(200);
    await expect(forwarder.forward(`http://127.0.0.1:${port}`, sent)).resolves.toMatchObject({ status: 400 });
    forwarder.close();
  });
});

describe('a new certificate', () => {
  it('is shown to new connections without a restart, and old ones go on', async () => {
    const { port, server: listener } = await startTls();
    const old = connect({ port, host: '127.0.0.1', ca: authority.certificate });
    await new Promise((resolve) => old.once('secureConnect', resolve));
    listener.reload(tlsOf(authority.issue('renewed')));
    expect((await askTls(port, '/livez')).issuer).toBe('renewed');
    old.write('GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
    const text = await new Promise<string>((resolve) => old.once('data', (chunk) => resolve(`${chunk}`)));
    expect(text).toContain('200 OK');
  });

  it.each([
    ['is of another key', { ...server, key: agent.key }],
    ['is no certificate', { ...server, certificate: Buffer.from('hello') }],
    ['comes without a key', { ...server, key: Buffer.alloc(0) }],
  ])('that %s is refused by name, and the old one stays', async (_what, unfit) => {
    const { port, server: listener } = await startTls();
    expect(() => listener.reload(unfit)).toThrow(GatewayError);
    expect((await askTls(port, '/livez')).issuer).toBe('server');
    await expect(startListener([], {}, unfit)).rejects.toMatchObject({ code: 'TLS_INVALID' });
  });

  it('cannot be given to a listener without TLS', async () => {
    const { server: listener } = await startListener([]);
    expect(() => listener.reload(server)).toThrow('expected a listener with TLS');
  });
});
