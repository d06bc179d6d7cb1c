// Test code only: tests that need something of the machine.
import { spawnSync } from 'node:child_process';
import { it } from 'vitest';

/** Skips by name with the reason where the machine lacks something; in CI that is a failure. */
export function itNeeds(lacking: string | undefined): (name: string, test: () => Promise<void>) => void {
  if (lacking === undefined) return it;
  if (process.env.CI === 'true') {
    return (name) =>
      it(name, () => {
        throw new Error(`cannot be tested here: ${lacking}`);
      });
  }
  return (name) => it.skip(`${name} (skipped: ${lacking})`, () => undefined);
}

/** undefined where the command succeeds, else the reason why what needs it cannot be tested. */
export function lacks(command: string, args: readonly string[], reason: string): string | undefined {
  return spawnSync(command, [...args], { stdio: 'ignore' }).status === 0 ? undefined : reason;
}
