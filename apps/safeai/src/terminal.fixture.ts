import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { Governance } from './governance.ts';
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

export interface RunOptions extends Partial<Omit<Terminal, 'settings'>> {
  readonly stdin?: string;
  readonly settings?: Partial<Terminal['settings']>;
  readonly governance?: Governance;
}

/** Runs one command line in this process and says what it printed. */
export async function safeai(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  let out = '';
  let err = '';
  const { stdin = '', settings, governance, ...given } = options;
  const terminal: Terminal = {
    write: async (text) => {
      out += text;
    },
    note: (text) => {
      err += text;
    },
    relay: (stream, chunk) => {
      if (stream === 'stdout') out += Buffer.from(chunk).toString();
      else err += Buffer.from(chunk).toString();
    },
    input: (async function* () {
      yield Buffer.from(stdin);
    })(),
    colour: false,
    directory: CHECKOUT,
    user: 'alice',
    now: () => NOW,
    // Two keys of a test are two keys.
    random: (bytes) => randomBytes(bytes),
    interruptible: (work) => work(new AbortController().signal),
    ...given,
    settings: {
      dataDir: undefined,
      projectRoot: undefined,
      policyFile: undefined,
      url: undefined,
      tokenFile: undefined,
      sshAgentSocket: undefined,
      user: undefined,
      ...settings,
    },
  };
  const code = await run(args, terminal, async () => {
    if (governance === undefined) throw new Error('this test has no governor');
    return governance;
  });
  return { code, out, err };
}

/** Folders that a test file makes; `removeAll` belongs into its afterAll. */
export function temporaryFolders() {
  const made: string[] = [];
  return {
    /** A new folder with these files in it. */
    make(files: Readonly<Record<string, string>> = {}): string {
      const folder = mkdtempSync(join(tmpdir(), 'safeai-test-'));
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
