import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** What a program says of itself; undefined where it cannot be run. */
export async function programVersion(program: string): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)(program, ['--version'], { timeout: 5_000 });
    return stdout.trim().slice(0, 64);
  } catch {
    return undefined;
  }
}
