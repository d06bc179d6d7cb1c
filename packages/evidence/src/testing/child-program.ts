import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** Bundles a program so that plain node starts it in a tenth of a second; answers where. */
export async function bundleProgram(source: URL, folder: string): Promise<string> {
  const outfile = join(folder, 'program.mjs');
  await build({
    entryPoints: [fileURLToPath(source)],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
  });
  return outfile;
}

export interface RunningProgram {
  /** Lines printed so far; a line cut off by a kill is not one. */
  lines(): readonly string[];
  /** Resolves once a line is there that begins so. */
  line(start: string): Promise<string>;
  kill(): void;
  readonly ended: Promise<number | null>;
}

export function runProgram(path: string, args: readonly string[]): RunningProgram {
  const child = spawn(process.execPath, [path, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  let output = '';
  const lines = () => output.split('\n').slice(0, -1);
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  return {
    lines,
    line: (start) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = lines().find((line) => line.startsWith(start));
          if (found !== undefined) resolve(found);
          return found !== undefined;
        };
        if (look()) return;
        child.stdout.on('data', look);
        child.on('close', () => look() || reject(new Error(`the program ended without \`${start}\``)));
      }),
    kill: () => child.kill('SIGKILL'),
    ended,
  };
}
