import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A mounted hierarchy and this process's own folder in it. */
export interface Hierarchy {
  readonly version: 1 | 2;
  readonly controllers: readonly string[];
  readonly own: string;
}

/** `mountinfo` is that of proc(5), `membership` /proc/self/cgroup. */
export function hierarchies(mountinfo: string, membership: string): readonly Hierarchy[] {
  const found: Hierarchy[] = [];
  for (const line of mountinfo.split('\n')) {
    const [before, after] = line.split(' - ');
    const [, , , root, mountPoint] = (before ?? '').split(' ');
    const [type, , options] = (after ?? '').split(' ');
    if (root === undefined || mountPoint === undefined || (type !== 'cgroup' && type !== 'cgroup2')) continue;
    const controllers = type === 'cgroup2' ? [] : (options ?? '').split(',');
    const path = ownPath(membership, controllers);
    if (path === undefined) continue;
    // In a container the mount may begin below the hierarchy's root; a path outside of it cannot be reached.
    const inside =
      root === '/' ? path : path.startsWith(`${root}/`) || path === root ? path.slice(root.length) : '';
    found.push({ version: type === 'cgroup2' ? 2 : 1, controllers, own: join(mountPoint, inside) });
  }
  return found;
}

function ownPath(membership: string, controllers: readonly string[]): string | undefined {
  for (const line of membership.split('\n')) {
    const [, names, ...path] = line.split(':');
    if (names === undefined || path.length === 0) continue;
    const matches =
      controllers.length === 0
        ? names === ''
        : names.split(',').some((name) => name !== '' && controllers.includes(name));
    if (matches) return path.join(':');
  }
  return undefined;
}

export async function ownHierarchies(): Promise<readonly Hierarchy[]> {
  return hierarchies(
    await readFile('/proc/self/mountinfo', 'utf8'),
    await readFile('/proc/self/cgroup', 'utf8'),
  );
}
