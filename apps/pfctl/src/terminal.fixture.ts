import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { run } from './run.ts';
import type { Terminal } from './terminal.ts';

/** The checkout that the tests run in. */
export const CHECKOUT = resolve(import.meta.dirname, '../../..');

/** 2026-03-01T12:00:00Z: the time of every test. */
export const NOW = 1_772_366_400_000;

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface RunOptions extends Partial<Terminal> {
  readonly stdin?: string | readonly Uint8Array[];
}

/** Runs one command line in this process and says what it printed. */
export async function pfctl(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  let out = '';
  let err = '';
  const { stdin = '', ...given } = options;
  const chunks = typeof stdin === 'string' ? [Buffer.from(stdin)] : stdin;
  const terminal: Terminal = {
    write: async (text) => {
      out += text;
    },
    note: (text) => {
      err += text;
    },
    input: (async function* () {
      yield* chunks;
    })(),
    watched: false,
    colour: false,
    columns: 120,
    directory: CHECKOUT,
    checkout: CHECKOUT,
    ledgerToken: undefined,
    approverToken: undefined,
    secretsToken: undefined,
    databaseUrl: undefined,
    now: () => NOW,
    ...given,
  };
  const code = await run(args, terminal);
  return { code, out, err };
}

/** Folders that a test file makes; `removeAll` belongs into its afterAll. */
export function temporaryFolders() {
  const made: string[] = [];
  return {
    /** A new folder with these files in it. */
    make(files: Readonly<Record<string, string | Uint8Array>> = {}): string {
      const folder = mkdtempSync(join(tmpdir(), 'pfctl-test-'));
      made.push(folder);
      for (const [name, content] of Object.entries(files)) {
        mkdirSync(dirname(join(folder, name)), { recursive: true });
        writeFileSync(join(folder, name), content);
      }
      return folder;
    },
    removeAll(): void {
      for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true });
    },
  };
}
