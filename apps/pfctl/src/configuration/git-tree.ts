import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CommandError, systemCode } from '@provability-fabric/command-line';

const MOST_FILES = 256;
/** More than any file of a configuration may have, so that the reader still says that one is too long. */
const MOST_BYTES = 256 * 1024;
const TIME_OUT_MS = 20_000;

/** Writes the files below `path` at a git revision into `target`, without touching the working tree or the index. */
export async function checkOut(
  root: string,
  revision: string,
  path: string,
  target: string,
): Promise<'done' | 'no-such-revision' | 'nothing-there'> {
  // `^{commit}` leaves blobs and trees out; what looks like an option never reaches git as one.
  const commit = await git(root, [
    'rev-parse',
    '--verify',
    '--quiet',
    '--end-of-options',
    `${revision}^{commit}`,
  ]);
  if (commit === undefined) return 'no-such-revision';
  const listed = await git(root, ['ls-tree', '-r', '-z', '-l', commit.toString().trim(), '--', `${path}/`]);
  const entries = (listed ?? Buffer.alloc(0))
    .toString()
    .split('\0')
    .filter((line) => line !== '');
  if (entries.length === 0) return 'nothing-there';
  if (entries.length > MOST_FILES) throw unfit(revision, path, `more than ${MOST_FILES} files`);
  for (const entry of entries) {
    const parts = /^(\d+) (\w+) ([0-9a-f]+) +(\d+|-)\t(.+)$/s.exec(entry);
    const [, mode = '', , blob = '', size = '', file = ''] = parts ?? [];
    // A tree made by hand can name a parent folder.
    const outside = file.split('/').includes('..') || !file.startsWith(`${path}/`);
    if (!mode.startsWith('100') || outside) throw unfit(revision, file, 'a link or a module');
    if (Number(size) > MOST_BYTES) throw unfit(revision, file, `\`${size}\` bytes`);
    const content = await git(root, ['cat-file', 'blob', blob]);
    if (content === undefined) throw unfit(revision, file, 'an object that cannot be read');
    await mkdir(dirname(join(target, file)), { recursive: true });
    await writeFile(join(target, file), content, { flag: 'wx', mode: 0o600 });
  }
  return 'done';
}

/** undefined where git says no; that git is missing is an error of its own. */
function git(directory: string, args: readonly string[]): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const options = {
      cwd: directory,
      encoding: 'buffer',
      maxBuffer: 1024 * 1024,
      timeout: TIME_OUT_MS,
    } as const;
    execFile('git', args, options, (error, stdout) => {
      if (error === null) return resolve(stdout);
      if (systemCode(error) !== 'ENOENT') return resolve(undefined);
      reject(
        new CommandError(
          'CANNOT_CHECK',
          'expected the program git for a git revision, came none; install it',
        ),
      );
    });
  });
}

function unfit(revision: string, path: string, came: string): CommandError {
  return new CommandError(
    'INPUT_INVALID',
    `expected regular files at \`${revision}\`, came ${came} (${path})`,
  );
}
