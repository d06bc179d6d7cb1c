import type { Digest } from '@provability-fabric/kernel';
import { digestFile, readWhole } from '../tree/file-digest.ts';
import type { Folder } from '../tree/folder.ts';

// `.safeai/objects/<sha256>`: files as they were. They outlive their change: a rollback is made of them.

/** Moves what was written as `name` of the draft among the pre-images; what is there already and sound stays. */
export async function keepPreImage(
  draft: Folder,
  name: string,
  objects: Folder,
  digest: Digest,
): Promise<void> {
  if (digestFileSafely(objects, digest) === digest) {
    draft.unlink(name);
    return;
  }
  await draft.syncFile(name);
  draft.rename(name, objects, digest);
}

function digestFileSafely(objects: Folder, digest: Digest): Digest | undefined {
  return objects.stat(digest)?.isFile() ? digestFile(objects, digest)?.digest : undefined;
}

/** undefined where it is not kept, or no longer what it was. */
export function readPreImage(objects: Folder, digest: Digest): Uint8Array | undefined {
  if (!objects.stat(digest)?.isFile()) return undefined;
  const whole = readWhole(objects, digest);
  return whole?.file.digest === digest ? whole.file.bytes : undefined;
}
