import { truncateSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server as TcpServer } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { temporaryFolders } from '@provability-fabric/command-line/testing';
import { afterAll, describe, expect, test } from 'vitest';
import { ORIGIN, openFabric } from '../evidence/data-folder.fixture.ts';
import { pfctl } from '../terminal.fixture.ts';
import { askHealth } from './health.ts';

const folders = temporaryFolders();
const servers: (Server | TcpServer)[] = [];
afterAll(() => {
  folders.removeAll();
  for (const server of servers) server.close();
});

async function listening(server: Server | TcpServer): Promise<{ host: string; port: number }> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
}

describe('whatever answers where the fabric should', () => {
  const timed = async (server: Server | TcpServer) => {
    const listen = await listening(server);
    const start = performance.now();
    const answer = await askHealth(listen);
    return { answer, quick: performance.now() - start < 1000 };
  };

  test('may hang, flood, drip, hang up or be another service, and costs a moment', async () => {
    const flood = 'x'.repeat(1024 * 1024);
    const dripping = createServer((_, response) => {
      response.write('{');
      setInterval(() => response.write(' '), 20).unref();
    });
    expect(await timed(createTcpServer(() => {}))).toEqual({ answer: 'no answer', quick: true });
    expect(await timed(dripping)).toEqual({ answer: 'no answer', quick: true });
    expect(await timed(createTcpServer((socket) => socket.destroy()))).toEqual({
      answer: 'no answer',
      quick: true,
    });
    expect((await timed(createServer((_, response) => void response.end(flood)))).answer).toBe(
      'something else answers',
    );
    expect((await timed(createServer((_, response) => void response.end('null')))).answer).toBe(
      'something else answers',
    );
    expect((await timed(createServer((_, response) => void response.end('<html>')))).answer).toBe(
      'something else answers',
    );
  });

  test('a fabric says how it is', async () => {
    for (const status of ['healthy', 'unhealthy'] as const) {
      const server = createServer((_, response) => void response.end(JSON.stringify({ status, uptime: 1 })));
      expect((await timed(server)).answer).toBe(status);
    }
    expect(await askHealth({ host: '127.0.0.1', port: 1 })).toBe('no answer');
  });
});

test('before anything ran', async () => {
  const files = {
    'config/local/fabric.yaml': 'listen: 127.0.0.1:1\nbundle: bundles/desk\nepoch: 3\n',
    'config/local/policy-config/enforcement_mode': 'monitor\n',
  };
  const root = folders.make(files);
  expect(await pfctl(['status'], { directory: root })).toEqual({
    code: 0,
    err: '',
    out: `environment:      local
mode:             monitor
default mode:     the bundle's own
epoch:            3
Break-Glass Mode: off
bundle:           bundles/desk, not in force yet
fabric:           not running (127.0.0.1:1 no answer)
data folder:      .pf/local
log:              none yet
findings:         none
`,
  });
});

test('beside a fabric that runs, and after it was killed', async () => {
  const root = folders.make({
    'config/local/fabric.yaml': `data_dir: data\nlisten: 127.0.0.1:1\norigin: ${ORIGIN}\n`,
  });
  await pfctl(['init', 'desk'], { directory: root });
  const fabric = await openFabric(join(root, 'data'), join(root, 'bundles/desk'));
  await fabric.call({ session: 's1', tool: 'read_text_file', args: { path: 'inbox/1.txt' } });
  await fabric.log.flush();
  const lock = (pid: number, host = hostname()) =>
    writeFileSync(
      join(root, 'data/lock'),
      JSON.stringify({ pid, host, started_at: '2026-01-01T00:00:00.000Z' }),
    );

  lock(process.pid);
  const { code, out, err } = await pfctl(['status'], { directory: root, now: Date.now });
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out).toMatch(/\nbundle: +desk version 1 \([0-9a-f]{64}\)\n/);
  expect(out).toContain(
    `running, pid ${process.pid} on ${hostname()} since 2026-01-01T00:00:00.000Z (127.0.0.1:1 no answer)`,
  );
  expect(out).toMatch(
    /\nlog: +test\.example\/log, 3 statements\ncheckpoint: +size 3, root [0-9a-f]{64}, \d+(ms|s) old\nsessions: +1\n/,
  );

  // A sparse file: longer than what is read in passing, and no journal at all.
  writeFileSync(join(root, 'data/journal/long.bin'), '');
  truncateSync(join(root, 'data/journal/long.bin'), 9 * 1024 * 1024);
  const long = await pfctl(['status'], { directory: root });
  expect(long.code).toBe(0);
  expect(long.out).toContain('\nsessions:         not counted: the journal has 9 MiB (--full reads it)\n');
  expect((await pfctl(['status', '--full'], { directory: root })).out).toMatch(/\nsessions: +1\n/);

  await fabric.close();
  const running = async () =>
    JSON.parse((await pfctl(['status', '--format', 'json'], { directory: root })).out).fabric.running;
  for (const text of ['', '{', 'null', '{"pid":-1}', '{"pid":0,"host":"x","started_at":"y"}']) {
    writeFileSync(join(root, 'data/lock'), text);
    expect(await running()).toBe(false);
  }
  lock(2 ** 22 + 1);
  expect(await running()).toBe(false);
  lock(1, 'another-host');
  expect(await running()).toBe(true);
});

test('a log of another name than the configured one is noticed', async () => {
  const root = folders.make({
    'config/local/fabric.yaml': 'data_dir: data\nlisten: 127.0.0.1:1\norigin: other/log\n',
  });
  await pfctl(['init', 'desk'], { directory: root });
  const fabric = await openFabric(join(root, 'data'), join(root, 'bundles/desk'));
  await fabric.close();
  const { code, out } = await pfctl(['status'], { directory: root });
  expect(code).toBe(0);
  expect(out).toContain('  notice  the keys are of the log test.example/log, but `origin` says other/log\n');
});
