import { geteuid } from 'node:process';
import { utf8 } from '@provability-fabric/kernel';
import { GovernorError } from '../errors.ts';
import type { Folder } from '../tree/folder.ts';
import { OWN_FOLDER } from '../tree/tree-path.ts';

/** In which git looks for the work tree. */
export const EMPTY_FOLDER = 'empty';

/** `.safeai/`: what the governor keeps with the tree. */
export class OwnFolder {
  readonly journal: Folder;
  readonly objects: Folder;

  private constructor(own: Folder) {
    this.journal = partOf(own, 'journal');
    try {
      this.objects = partOf(own, 'objects');
    } catch (error) {
      this.journal.close();
      throw error;
    }
  }

  /** undefined where nothing was ever applied to the tree. */
  static open(root: Folder): OwnFolder | undefined {
    const own = trusted(root);
    try {
      return own?.stat('objects') && new OwnFolder(own);
    } finally {
      own?.close();
    }
  }

  static async ensure(root: Folder): Promise<OwnFolder> {
    const there = OwnFolder.open(root);
    if (there !== undefined) return there;
    if (root.stat(OWN_FOLDER) === undefined) root.makeFolder(OWN_FOLDER, 0o700);
    const own = trusted(root);
    if (own === undefined) throw new GovernorError('TREE_UNSAFE', `\`${OWN_FOLDER}\` was taken away again`);
    try {
      if (own.stat('.gitignore') === undefined) own.create('.gitignore', utf8('*\n'), { permissions: 0o600 });
      // `objects` comes last: it says that the rest is there.
      for (const name of ['journal', EMPTY_FOLDER, 'objects'])
        if (own.stat(name) === undefined) own.makeFolder(name, 0o700);
      await own.sync();
      await root.sync();
      return new OwnFolder(own);
    } finally {
      own.close();
    }
  }

  close(): void {
    this.journal.close();
    this.objects.close();
  }
}

/** A folder that somebody else made or may write is not trusted: a journal in it would be carried out. */
function trusted(root: Folder): Folder | undefined {
  const own = root.child(OWN_FOLDER);
  if (own === undefined) return undefined;
  const stats = own.self();
  if (stats.uid === BigInt(geteuid?.() ?? -1) && (stats.mode & 0o077n) === 0n) return own;
  own.close();
  throw new GovernorError(
    'TREE_UNSAFE',
    `expected \`${OWN_FOLDER}\` to be a folder of mode 0700 of the user that the governor runs as; move it away if it is not the governor's`,
  );
}

function partOf(own: Folder, name: string): Folder {
  const folder = own.child(name);
  if (folder !== undefined) return folder;
  throw new GovernorError('TREE_DAMAGED', `\`${OWN_FOLDER}/${name}\` is gone; put it back from a backup`);
}
