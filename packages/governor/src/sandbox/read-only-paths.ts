import { realpath } from 'node:fs/promises';
import { isAbsolute, normalize } from 'node:path';
import { GovernorError } from '../errors.ts';

/** What is the sandbox's own or shows the machine: nothing of the host is put there. */
const RESERVED = ['/proc', '/sys', '/dev', '/run', '/var/run', '/workspace'];
const RESERVED_EXACTLY = ['/', '/tmp', '/etc', '/usr', '/var', '/root', '/home'];

function contains(folder: string, path: string): boolean {
  return path === folder || path.startsWith(folder === '/' ? '/' : `${folder}/`);
}

/**
 * The further folders that commands may read, as they are, or a refusal: a path through a link shows what the link says at the
 * moment of the mount, and one that holds (or lies in) the governed tree or the data folder shows what no command may see.
 */
export async function checkReadOnly(
  paths: readonly string[],
  hidden: readonly string[],
): Promise<readonly string[]> {
  const kept = await Promise.all(hidden.map((path) => realpath(path).catch(() => path)));
  for (const path of paths) {
    const why = await refusal(path, kept);
    if (why !== undefined) {
      throw new GovernorError('SANDBOX_UNAVAILABLE', `\`${path}\` cannot be shown to tests: ${why}`);
    }
  }
  return paths;
}

/** What is hidden and lies in a folder of the system, which commands see: a project in /usr/src, say, with its keys. */
export async function maskedBelow(
  folders: readonly string[],
  hidden: readonly string[],
): Promise<readonly string[]> {
  const real = await Promise.all(hidden.map((path) => realpath(path).catch(() => undefined)));
  const below = real.filter((path) => path !== undefined && folders.some((folder) => contains(folder, path)));
  return [...new Set(below as string[])].filter(
    (path, _, all) => !all.some((other) => other !== path && contains(other, path)),
  );
}

async function refusal(path: string, hidden: readonly string[]): Promise<string | undefined> {
  if (
    !isAbsolute(path) ||
    normalize(path) !== path ||
    path.includes('\0') ||
    (path !== '/' && path.endsWith('/'))
  ) {
    return 'an absolute path without `.`, `..` and a slash at its end was expected';
  }
  if (RESERVED_EXACTLY.includes(path) || RESERVED.some((folder) => contains(folder, path))) {
    return 'it is a folder of the system, name one below it that holds only what tests need';
  }
  if (hidden.some((folder) => contains(folder, path) || contains(path, folder))) {
    return "it holds the governed tree or the governor's own data, or lies in them";
  }
  const real = await realpath(path).catch(() => undefined);
  if (real === undefined) return 'nothing is there';
  return real === path ? undefined : `it leads through a link, name its target \`${real}\``;
}
