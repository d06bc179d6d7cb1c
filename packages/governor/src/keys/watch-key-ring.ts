import { stat } from 'node:fs/promises';
import { hasSystemCode } from '../files/durable-files.ts';
import { openKeyRing, ringPath } from './key-ring.ts';
import type { KeyRing } from './ring.ts';

export interface WatchedKeyRing {
  /** The ring as its file is at this moment. Rejects where it cannot be read: no earlier ring stands in for it. */
  current(): Promise<KeyRing>;
}

/**
 * Looks at the file on each call, which costs a `stat`, and reads it when it is another one. It is only ever replaced as a whole,
 * so that inode and times tell.
 */
export function watchKeyRing(folder: string): WatchedKeyRing {
  let known: { readonly mark: string; readonly ring: KeyRing } | undefined;
  return {
    async current() {
      // Before reading: what is replaced in between is read once more on the next call.
      const mark = await markOf(ringPath(folder));
      if (known?.mark === mark) return known.ring;
      const ring = await openKeyRing(folder);
      known = { mark, ring };
      return ring;
    },
  };
}

async function markOf(path: string): Promise<string> {
  try {
    const { dev, ino, size, mode, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
    return [dev, ino, size, mode, mtimeNs, ctimeNs].join(' ');
  } catch (error) {
    if (hasSystemCode(error, 'ENOENT')) return 'none';
    throw error;
  }
}
