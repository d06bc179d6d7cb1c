// The fabric as deployed: the built `pf serve` before the server, and an HTTP hop that adds the agent's token, which the
// suite cannot send.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { StartFabric } from './endpoint-alone.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const BIN = join(ROOT, 'node_modules', '.bin');

export const startPfServe: StartFabric = async (serverUrl) => {
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
  const hop = await addToken(port, tokenFor(folder));
  return {
    url: `http://127.0.0.1:${hop.port}/mcp/server`,
    async stop() {
      hop.stop();
      pf.kill('SIGTERM');
      await once(pf, 'exit');
      rmSync(folder, { recursive: true, force: true });
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

function tokenFor(folder: string): string {
  const args = ['token', 'create', '--raw', '--env', 'local', '--tenant', 'local', '--principal', 'suite'];
  const made = spawnSync(join(BIN, 'pfctl'), [...args, '--ttl', '1h'], { cwd: folder, encoding: 'utf8' });
  if (made.status !== 0) throw new Error(`expected a token: ${made.stderr}`);
  return made.stdout.trim();
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
