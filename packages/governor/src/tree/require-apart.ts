import { realpath } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, sep } from 'node:path';
import { GovernorError } from '../errors.ts';

/**
 * What the governor keeps for itself must not lie in the tree: tests see all of the tree, keys included, and what is written
 * there makes every change stale. Nor may the tree lie in it. Throws TREE_UNSAFE. Folders that are not there yet count by the
 * nearest one above that is.
 */
export async function requireApart(root: string, own: readonly string[]): Promise<void> {
  const tree = await settled(root);
  for (const folder of own) {
    const kept = await settled(folder);
    if (!contains(tree, kept) && !contains(kept, tree)) continue;
    throw new GovernorError(
      'TREE_UNSAFE',
      `expected the governor's own folder \`${folder}\` apart from the tree \`${root}\`: tests see all of the tree, keys included; ` +
        'name another with --data-dir or SAFEAI_DATA_DIR, or another tree with --project-root or SAFEAI_PROJECT_ROOT',
    );
  }
}

async function settled(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    const above = dirname(path);
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || above === path) throw error;
    return join(await settled(above), relative(above, path));
  }
}

function contains(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way === '' || (!isAbsolute(way) && way !== '..' && !way.startsWith(`..${sep}`));
}
