import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { type Assurance, writeBundle } from './bundle.ts';
import { type FabricProcess, type StartOptions, startFabric } from './fabric-process.ts';

export const ROOT = resolve(import.meta.dirname, '../..');
export const ORIGIN = 'crash.example/log';

/** What a case changes of `fabric.yaml`. */
export type Variant = Readonly<Record<string, string | number>>;

/** A folder of configurations, bundles and data folders, and the program under test. */
export class Workbench {
  readonly folder = mkdtempSync(join(tmpdir(), 'pf-matrix-'));
  readonly program: string;
  readonly #running = new Set<FabricProcess>();
  #template: Promise<string> | undefined;
  #made = 0;

  constructor(program: string) {
    this.program = program;
  }

  async prepare(): Promise<void> {
    await writeBundle(this.bundle('standard'), 'standard');
    await writeBundle(this.bundle('high'), 'high');
  }

  bundle(assurance: Assurance): string {
    return join(this.folder, `${assurance}.json`);
  }

  /** A path below the workbench that nothing has yet. Short: a Unix socket's path has to fit beside it. */
  newFolder(): string {
    this.#made += 1;
    return join(this.folder, `d${this.#made}`);
  }

  /** A data folder in which a fabric has started and stopped once: making PostgreSQL's files takes long. */
  async usedData(): Promise<string> {
    this.#template ??= this.#makeTemplate();
    const folder = this.newFolder();
    execFileSync('cp', ['-a', await this.#template, folder]);
    return folder;
  }

  async #makeTemplate(): Promise<string> {
    const folder = this.newFolder();
    const fabric = await this.start({ data: folder });
    await fabric.stop();
    await fabric.endPostgres();
    return folder;
  }

  /** `files`: more of the environment's folder, by name. */
  async start(
    options: Omit<StartOptions, 'workbench' | 'env'> & {
      readonly variant?: Variant;
      readonly files?: ReadonlyMap<string, string>;
    },
  ): Promise<FabricProcess> {
    const { variant = {}, files = new Map(), ...rest } = options;
    const env = this.environment(variant);
    for (const [name, text] of files) {
      const path = join(this.folder, 'config', env, name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
    }
    const fabric = await startFabric({ ...rest, workbench: this, env });
    this.#running.add(fabric);
    return fabric;
  }

  /** Writes `config/<name>/fabric.yaml`, and answers the name. */
  environment(variant: Variant): string {
    this.#made += 1;
    const name = `e${this.#made}`;
    const folder = join(this.folder, 'config', name);
    mkdirSync(folder, { recursive: true });
    const free = '127.0.0.1:0';
    const settings: Variant = {
      origin: ORIGIN,
      listen: free,
      listen_policy_adapter: free,
      listen_ledger: free,
      listen_secrets: free,
      requests_per_second: 1_000_000,
      ...variant,
    };
    const lines = Object.entries(settings).map(([key, value]) => `${key}: ${value}\n`);
    writeFileSync(join(folder, 'fabric.yaml'), lines.join(''));
    return name;
  }

  /** Ends what still runs. */
  async sweepUp(): Promise<void> {
    for (const fabric of this.#running) {
      fabric.kill();
      await fabric.exited;
      await fabric.endPostgres();
    }
    this.#running.clear();
  }

  async close(): Promise<void> {
    await this.sweepUp();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
