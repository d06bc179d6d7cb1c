// The fabric as deployed: the built `pf serve` before the server, and an HTTP hop that adds the agent's token, which the
// suite cannot send.
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { issueToken, openKeyRing } from '@provability-fabric/evidence';
import type { StartFabric } from './endpoint-alone.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const ORIGIN = 'provability-fabric.local/local';
const BIN = join(ROOT, 'node_modules', '.bin');

export interface RunningFabric {
  /** Of its endpoint before the server; asks for a token. */
  readonly url: string;
  /** For an agent whose session it names. */
  token(session: string): Promise<string>;
  stop(): Promise<void>;
}

/** The built `pf serve` before an MCP server, under a bundle that permits everything. */
export async function startFabric(serverUrl: string): Promise<RunningFabric> {
  const folder = mkdtempSync(join(tmpdir(), 'pf-conformance-'));
  const config = join(folder, 'config', 'local');
  mkdirSync(config, { recursive: true });
  const bundle = join(ROOT, 'bundles', 'everything');
  writeFileSync(join(config, 'fabric.yaml'), `bundle: ${bundle}\ndata_dir: data\nlisten: 127.0.0.1:0\n`);
  writeFileSync(join(config, 'upstreams.yaml'), `server: { url: "${serverUrl}" }\n`);
  const pf = spawn(join(BIN, 'pf'), ['serve', 'sidecar-watcher', '--env', 'local'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const port = await listening(pf);
  return {
    url: `http://127.0.0.1:${port}/mcp/server`,
    token: (session) => tokenFor(join(folder, 'data', 'keys'), session),
    async stop() {
      pf.kill('SIGTERM');
      await once(pf, 'exit');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export const startPfServe: StartFabric = async (serverUrl) => {
  const fabric = await startFabric(serverUrl);
  const { port, pathname } = new URL(fabric.url);
  const hop = await addToken(Number(port), await fabric.token('suite'));
  return {
    url: `http://127.0.0.1:${hop.port}${pathname}`,
    async stop() {
      hop.stop();
      await fabric.stop();
    },
  };
};

function listening(pf: ReturnType<typeof spawn>): Promise<number> {
  return new Promise((found, failed) => {
    pf.once('exit', (code) => failed(new Error(`expected pf serve to listen, it ended with ${code}`)));
    if (pf.stdout === null) return;
    createInterface({ input: pf.stdout }).on('line', (line) => {
      const { event, port } = JSON.parse(line) as { event: string; port?: number };
      if (event === 'listening' && port !== undefined) found(port);
    });
  });
}

async function tokenFor(keys: string, sid: string): Promise<string> {
  const ring = await openKeyRing(keys, { origin: ORIGIN, create: false });
  const claims = { sub: 'suite', tenant: 'local', org: 'local', roles: [], caps: ['*'], epoch: 1, sid };
  const asked = { ...claims, aud: 'sidecar-watcher', ttlSeconds: 3600 };
  return issueToken(asked, { name: ORIGIN, key: ring.tokenKey(), now: Date.now(), jti: randomUUID() });
}

/** Passes everything on as it is but for the one header. */
async function addToken(port: number, token: string): Promise<{ port: number; stop(): void }> {
  const hop = createServer((incoming, outgoing) => {
    const headers = { ...incoming.headers, authorization: `Bearer ${token}` };
    const { method, url: path } = incoming;
    const onwards = request({ host: '127.0.0.1', port, method, path, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      outgoing.flushHeaders();
      answer.pipe(outgoing);
    });
    onwards.on('error', () => outgoing.destroy());
    outgoing.on('close', () => onwards.destroy());
    incoming.pipe(onwards);
  });
  hop.listen(0, '127.0.0.1');
  await once(hop, 'listening');
  return {
    port: (hop.address() as AddressInfo).port,
    stop() {
      hop.close();
      hop.closeAllConnections();
    },
  };
}
