import { spawn } from 'node:child_process';

/**
 * One of coreutils, for trees that a hostile command may have made: they walk by descriptors, so neither a depth beyond PATH_MAX
 * nor a link stops or misleads them. Its exit code; null where a signal ended it.
 */
export async function runTool(
  program: 'chown' | 'chmod' | 'rm',
  argv: readonly string[],
): Promise<number | null> {
  return await new Promise((resolve, reject) => {
    const child = spawn(program, argv, { stdio: 'ignore', cwd: '/', env: { PATH: '/usr/bin:/bin' } });
    child.once('error', reject);
    child.once('close', resolve);
  });
}
