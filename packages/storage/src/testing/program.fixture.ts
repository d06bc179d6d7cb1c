import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readlinkSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { until } from '../reader/ledger-database.fixture.ts';

export interface Program {
  readonly child: ChildProcess;
  /** Lines printed so far; a line cut off by a kill is not one. */
  lines(): readonly string[];
  /** Resolves once that many lines begin so. */
  printed(start: string, count?: number): Promise<void>;
  readonly ended: Promise<number | null>;
}

/** A TypeScript program in a process of its own. */
export function runProgram(source: URL, args: readonly string[]): Program {
  const child = spawn(process.execPath, ['--import', 'tsx', fileURLToPath(source), ...args], {
    cwd: resolve(import.meta.dirname, '../../../..'),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  let over = false;
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  ended.then(() => {
    over = true;
  });
  const lines = () => output.split('\n').slice(0, -1);
  return {
    child,
    lines,
    ended,
    async printed(start, count = 1) {
      const enough = () => lines().filter((line) => line.startsWith(start)).length >= count;
      await until(`${count} lines of \`${start}\``, () => over || enough(), 50_000);
      if (!enough()) throw new Error(`the program ended without \`${start}\``);
    },
  };
}

/** The processes of the PostgreSQL that works in a folder, its postmaster first. */
export function serverProcesses(data: string): readonly number[] {
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid) && cwdOf(pid) === data)
    .map(Number)
    .sort((a, b) => a - b);
}

function cwdOf(pid: string): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return ''; // ended meanwhile
  }
}
