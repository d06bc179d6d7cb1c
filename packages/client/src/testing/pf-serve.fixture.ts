// Test code only: `pf serve` as built, over the quickstart bundle, and tokens as its data folder's key signs
// them.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { issueToken, openKeyRing } from '@provability-fabric/evidence';
import { type Client, type ClientOptions, createClient } from '../client.ts';

export const ROOT = resolve(import.meta.dirname, '../../../..');
const PF = join(ROOT, 'apps/fabric/bin/pf.mjs');
const ORIGIN = 'provability-fabric.local/local';

interface Entry {
  readonly event?: string;
  readonly component?: string;
  readonly port?: number;
}

/** A running fabric, with a data folder of its own. */
export class PfServe {
  readonly #folder: string;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #log: Entry[] = [];
  #changed: () => void = () => undefined;

  private constructor(folder: string, databaseUrl: string | undefined) {
    this.#folder = folder;
    const database = databaseUrl === undefined ? {} : { DATABASE_URL: databaseUrl };
    const env = { PATH: process.env.PATH, HOME: process.env.HOME, ...database };
    this.#child = spawn(process.execPath, [PF, 'serve', 'sidecar-watcher', '--env', 'local'], {
      cwd: folder,
      env,
    });
    this.#child.stderr.resume();
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      if (line.startsWith('{')) this.#log.push(JSON.parse(line));
      this.#changed();
    });
  }

  /** With a database every answer waits until the ledger in it has the evidence. */
  static async start({ databaseUrl }: { readonly databaseUrl?: string } = {}): Promise<PfServe> {
    if (!existsSync(join(ROOT, 'apps/fabric/dist/main.mjs')))
      throw new Error('expected `pf` to be built; run `npm run build`');
    const folder = mkdtempSync(join(tmpdir(), 'pf-client-'));
    mkdirSync(join(folder, 'config/local/policy-config'), { recursive: true });
    if (databaseUrl !== undefined)
      writeFileSync(join(folder, 'config/local/policy-config/async_processing'), 'false');
    const bundle = join(ROOT, 'bundles/quickstart');
    writeFileSync(
      join(folder, 'config/local/fabric.yaml'),
      `bundle: ${bundle}\ndata_dir: data\nlisten: 127.0.0.1:0\n`,
    );
    const serve = new PfServe(folder, databaseUrl);
    await serve.#listening();
    return serve;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#log.find(isSidecar)?.port}`;
  }

  async token(session: string, roles: readonly string[] = ['support']): Promise<string> {
    const keys = await openKeyRing(join(this.#folder, 'data/keys'), { origin: ORIGIN, create: false });
    const principal = { sub: 'agent-1', tenant: 'acme', org: 'acme', roles: [...roles], sid: session };
    const claims = { ...principal, aud: 'sidecar-watcher', caps: ['*'], epoch: 1, ttlSeconds: 600 };
    return issueToken(claims, { name: ORIGIN, key: keys.tokenKey(), now: Date.now(), jti: randomUUID() });
  }

  async client(session: string, options: Partial<ClientOptions> = {}): Promise<Client> {
    return createClient({ url: this.url, token: await this.token(session), ...options });
  }

  /** How often a route has answered with 200, by the fabric's own count. */
  async served(route: string): Promise<number> {
    const metrics = await (await fetch(`${this.url}/metrics`)).text();
    const line = metrics.split('\n').find((one) => one.includes(`route="${route}",status="200"`));
    return Number(line?.split(' ').at(-1) ?? 0);
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    if (this.#child.exitCode === null) await once(this.#child, 'exit');
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #listening(): Promise<void> {
    this.#child.once('exit', () => this.#changed());
    while (!this.#log.some(isSidecar)) {
      if (this.#child.exitCode !== null) throw new Error('expected pf serve to listen, and it ended');
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
  }
}

function isSidecar({ event, component }: Entry): boolean {
  return event === 'listening' && component === 'sidecar-watcher';
}
