import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe } from 'vitest';

export const PASSWORD = 'c4nary/of@redis';

export interface RedisServer {
  readonly port: number;
  readonly url: string;
  readonly folder: string;
  /** Ends it at once, as a crash does. */
  kill(): Promise<void>;
  /** On the same port, empty. */
  restart(): Promise<void>;
  /** Still there, answers nobody. */
  freeze(): void;
  thaw(): void;
  /** As whoever else can reach it. */
  command(...words: readonly string[]): string;
  stop(): Promise<void>;
}

/** Elsewhere than in CI its tests are skipped where there is none. */
export function describeWithRedis(name: string, tests: () => void): void {
  const skips = process.env.CI !== 'true' && spawnSync('redis-server', ['--version']).error !== undefined;
  describe.skipIf(skips)(skips ? `${name} (skipped: redis-server is not installed)` : name, tests);
}

export async function startRedisServer(more: readonly string[] = []): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), 'redis-'));
  const port = await freePort();
  let child: ChildProcess;
  const cli = ['-p', `${port}`, '--no-auth-warning', '-a', PASSWORD];
  const command = (...words: readonly string[]) =>
    execFileSync('redis-cli', [...cli, ...words], {
      encoding: 'utf8',
      timeout: 5_000,
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  async function start(): Promise<void> {
    const settings = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder, '--requirepass', PASSWORD];
    child = spawn('redis-server', [...settings, '--save', '', '--appendonly', 'no', ...more], {
      stdio: 'ignore',
    });
    // Whoever waits for it finds out below.
    child.on('error', () => undefined);
    for (let attempt = 0; ; attempt++) {
      try {
        if (command('ping') === 'PONG') return;
      } catch (error) {
        if (attempt > 100) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  const kill = () =>
    new Promise<void>((resolve) => {
      if (child.exitCode !== null || child.signalCode !== null) return resolve();
      child.once('exit', () => resolve());
      child.kill('SIGKILL');
    });
  await start();
  return {
    port,
    folder,
    url: `redis://:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}`,
    kill,
    restart: start,
    freeze: () => child.kill('SIGSTOP'),
    thaw: () => child.kill('SIGCONT'),
    command,
    async stop() {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
