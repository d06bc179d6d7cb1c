import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** Runs the very `pf-verify` that a third party would run, as a process of its own (ADR 8). */
export function runVerifier(
  args: readonly string[],
): Promise<{ readonly exitCode: number; readonly output: string }> {
  const home = dirname(createRequire(import.meta.url).resolve('@provability-fabric/verify/package.json'));
  const command = [join(home, 'bin', 'pf-verify.mjs'), ...args];
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      command,
      { timeout: 60_000, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        const exitCode = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
        resolve({ exitCode, output: `${stdout}${stderr}`.trimEnd() });
      },
    );
  });
}
