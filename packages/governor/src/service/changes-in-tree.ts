import type { FileChange } from '../change.ts';
import { GovernorError } from '../errors.ts';
import { changesOf } from '../manifest/changes-of.ts';
import type { ChangeManifest } from '../manifest/manifest.ts';
import type { GovernorParts } from './ports.ts';

/**
 * What a manifest does to the tree as it is. A path that is no place in it, such as one of `.git`, counts as one where nothing is,
 * so that the policy's rules are asked and name it; what they let pass the tree itself still refuses. Throws as `changesOf`
 * does, and TREE_UNSAFE where the change rests on what such a path holds.
 */
export async function changesInTree(
  { crypto, tree }: Pick<GovernorParts, 'crypto' | 'tree'>,
  manifest: ChangeManifest,
): Promise<readonly FileChange[]> {
  let unsafe: GovernorError | undefined;
  const read = async (path: string) => {
    try {
      return await tree.read(path);
    } catch (error) {
      if (!(error instanceof GovernorError) || error.code !== 'TREE_UNSAFE') throw error;
      unsafe ??= error;
      return undefined;
    }
  };
  try {
    return await changesOf(crypto, manifest, read);
  } catch (error) {
    throw unsafe ?? error;
  }
}
