import { lstat, readlink } from 'node:fs/promises';

/** A top-level name of the host beside /usr: a link into it, or a folder of its own on older systems. */
export interface SystemFolder {
  readonly path: string;
  readonly linksTo: string | null;
}

const NAMES = ['/bin', '/sbin', '/lib', '/lib32', '/lib64'];

/** As the host has them: programs name their loader by a path below these. */
export async function systemFolders(): Promise<readonly SystemFolder[]> {
  const found = await Promise.all(
    NAMES.map(async (path): Promise<SystemFolder | undefined> => {
      const kind = await lstat(path).catch(() => undefined);
      if (kind?.isSymbolicLink() === true) return { path, linksTo: await readlink(path) };
      return kind?.isDirectory() === true ? { path, linksTo: null } : undefined;
    }),
  );
  return found.filter((folder) => folder !== undefined);
}
