// Test code only: `pf serve` with all of its services and a PostgreSQL of its own, as deployed from a folder with `config/`.
import { existsSync, mkdirSync, readdirSync, readlinkSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, vi } from 'vitest';
import { PF, ROOT } from './built-programs.fixture.ts';
import { type Json, loggedIn, temporaryFolder } from './pf-process.fixture.ts';
import { Program, type ProgramOptions } from './program.fixture.ts';

const PFCTL = join(ROOT, 'apps/pfctl/bin/pfctl.mjs');
export const PATIENCE = { timeout: 25_000, interval: 50 };

export interface DeploymentOptions {
  /** A bundle folder, or a compiled bundle. */
  readonly bundle: string;
  /** Lines of `fabric.yaml` beside bundle and data folder. */
  readonly settings?: readonly string[];
  /** `upstreams.yaml`. */
  readonly upstreams?: string;
}

const deployments: Deployment[] = [];
/** A fabric that was killed leaves its PostgreSQL running, and a test that failed starts no other that ends it. */
afterAll(() => {
  for (const deployment of deployments) deployment.signalPostgres('SIGKILL');
});

/** A folder with `config/local/`, below which everything of one fabric lies. */
export class Deployment {
  readonly root = temporaryFolder();
  readonly data = join(this.root, 'data');

  constructor({ bundle, settings = [], upstreams }: DeploymentOptions) {
    mkdirSync(join(this.root, 'config/local/policy-config'), { recursive: true });
    this.configure([`bundle: ${bundle}`, ...settings]);
    if (upstreams !== undefined) writeFileSync(join(this.root, 'config/local/upstreams.yaml'), upstreams);
    deployments.push(this);
  }

  configure(settings: readonly string[]): void {
    const lines = ['data_dir: data', ...settings, ''];
    writeFileSync(join(this.root, 'config/local/fabric.yaml'), lines.join('\n'));
  }

  /** Writes one of the live key files. */
  set(key: string, value: string): void {
    writeFileSync(join(this.root, 'config/local/policy-config', key), `${value}\n`);
  }

  serve(options: readonly string[] = [], more: Omit<ProgramOptions, 'cwd'> = {}): Services {
    return new Services(['--env', 'local', ...options], { ...more, cwd: this.root });
  }

  /** What `pfctl` prints; throws with what it complains about where it does not end with 0. */
  async pfctl(...args: readonly string[]): Promise<string> {
    const program = new Program(process.execPath, [PFCTL, ...args], { cwd: this.root });
    program.closeInput();
    const { code } = await program.ended;
    if (code === 0) return program.out.text;
    throw new Error(`expected pfctl ${args[0]} to end with 0, it ended with ${code}:\n${program.err.text}`);
  }

  /** A token, as an operator of this machine makes one. */
  token(audience: Service, tenant: string, role: string, ...more: readonly string[]): Promise<string> {
    const whose = ['--audience', audience, '--tenant', tenant, '--role', role];
    return this.pfctl('token', 'create', ...whose, '--raw', ...more);
  }

  /** The PostgreSQL in the data folder. */
  postgres(): readonly number[] {
    return postgresIn(join(this.data, 'postgres'));
  }

  signalPostgres(signal: NodeJS.Signals): void {
    signalAll(this.postgres(), signal);
  }
}

/** The processes of an embedded PostgreSQL: each works in its folder. */
export function postgresIn(directory: string): readonly number[] {
  if (!existsSync(directory)) return [];
  const folder = join(realpathSync(directory), 'data');
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && workingFolder(pid) === folder);
}

export function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // ended meanwhile
    }
  }
}

function workingFolder(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined; // ended meanwhile
  }
}

export type Service = 'sidecar-watcher' | 'policy-adapter' | 'ledger' | 'secrets';

const ANY_PORT = '127.0.0.1:0';

/** Every service in one process, on free ports unless told otherwise; its log is on stdout. */
export class Services extends Program {
  constructor(options: readonly string[], more: ProgramOptions) {
    const others = ['policy-adapter', 'ledger', 'secrets'];
    const anywhere = others.flatMap((service) => [`--listen-${service}`, ANY_PORT]);
    const sidecar = options.includes('--listen') ? [] : ['--listen', ANY_PORT];
    super(process.execPath, [PF, 'serve', ...sidecar, ...anywhere, ...options], more);
  }

  logged(event: string): Promise<Json> {
    return loggedIn(this.out, event);
  }

  /** Where a service listens, once it does. */
  async url(service: Service): Promise<string> {
    const port = await this.out.first(`where ${service} listens`, (line) => {
      if (!line.includes('"listening"')) return undefined;
      const entry = JSON.parse(line) as Json;
      return entry.component === service ? entry.port : undefined;
    });
    return `http://127.0.0.1:${port}`;
  }

  async stop() {
    this.kill('SIGTERM');
    return this.ended;
  }
}

/** Asks until the answer is as wanted: what is shipped and what is revoked arrive a little later. */
export async function eventually<T>(ask: () => Promise<T>, wanted: (answer: T) => boolean): Promise<T> {
  let last: T | undefined;
  await vi
    .waitUntil(async () => {
      last = await ask();
      return wanted(last);
    }, PATIENCE)
    .catch((cause: unknown) => {
      throw new Error(`expected another answer in time, last came ${JSON.stringify(last)}`, { cause });
    });
  return last as T;
}
