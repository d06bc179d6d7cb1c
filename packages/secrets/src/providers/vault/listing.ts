import { SecretError } from '../../errors.ts';
import { asSecretName, type SecretName } from '../../names.ts';
import type { ListRequest, NamePage } from '../../provider.ts';
import { checkListRequest, isName } from '../list-request.ts';

const MOST_FOLDERS = 10_000;

/** What is directly in a folder, ascending by code unit; folders end in `/`. */
export type FolderLister = (folder: string) => Promise<readonly string[]>;

/**
 * One page of the names below a folder. The keys of a folder in order, each folder in the place of its key, are the
 * names in order: `a` before `a-b` before `a/…` before `a0`. Folders that end before the page begins are not opened.
 */
export async function listNames(list: FolderLister, request: ListRequest): Promise<NamePage> {
  checkListRequest(request);
  const { prefix, limit, cursor = '' } = request;
  const found: SecretName[] = [];
  let folders = 0;
  const visit = async (above: string): Promise<void> => {
    if (++folders > MOST_FOLDERS)
      throw new SecretError(
        'PROVIDER_UNSUPPORTED',
        `expected a page of names within \`${MOST_FOLDERS}\` folders of vault; ask with a longer prefix`,
      );
    for (const key of await list(above)) {
      if (found.length > limit) return;
      const path = above + key;
      if (path.endsWith('/')) {
        const within = path.startsWith(prefix) || prefix.startsWith(path);
        const before = path < cursor && !cursor.startsWith(path);
        // Neither what is ours beside the secrets, nor what others put there, nor deeper than names go.
        const ours = isName(path.slice(0, -1));
        if (within && !before && ours) await visit(path);
      } else if (path > cursor && path.startsWith(prefix) && isName(path)) found.push(asSecretName(path));
    }
  };
  await visit('');
  const names = found.slice(0, limit);
  return { names, cursor: found.length > limit ? (names.at(-1) ?? null) : null };
}
