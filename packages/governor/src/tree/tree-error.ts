import { GovernorError } from '../errors.ts';
import { systemCode } from './folder.ts';

/** What a call that names something says when it is something else by now: somebody else writes to the tree. */
const CHANGED = new Set(['ENOENT', 'ENOTDIR', 'EISDIR', 'EINVAL', 'ELOOP', 'EEXIST', 'ENOTEMPTY', 'ENXIO']);
const FORBIDDEN = new Set(['EACCES', 'EPERM', 'EROFS']);

/** Tells by code what the system says about the tree; a full disk and the like stay what they are. */
export async function withTreeErrors<Result>(work: () => Promise<Result> | Result): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    const code = systemCode(error);
    // Our own errors have codes as well.
    if (error instanceof GovernorError || code === undefined) throw error;
    if (CHANGED.has(code)) {
      throw new GovernorError(
        'STALE_BASE',
        `the tree was changed by somebody else while it was in use (\`${code}\`); try again`,
        { cause: error },
      );
    }
    if (FORBIDDEN.has(code) || code === 'EXDEV') {
      throw new GovernorError(
        'TREE_UNSAFE',
        `expected a tree on one file system that the governor may read and write, got \`${code}\`; see to its owner and mount`,
        { cause: error },
      );
    }
    throw error;
  }
}
