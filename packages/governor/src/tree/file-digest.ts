import { createHash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { asDigest, type Digest } from '@provability-fabric/kernel';
import type { TreeFile } from '../change.ts';
import type { FileMode } from '../manifest/manifest.ts';
import type { Folder } from './folder.ts';

/** As git has it: the owner's right to run it decides. */
export function modeOf(stats: BigIntStats): FileMode {
  return (stats.mode & 0o100n) === 0n ? '100644' : '100755';
}

/** undefined where nothing has that name. */
export function digestFile(
  folder: Folder,
  name: string,
  onPart?: (part: Uint8Array) => void,
): { readonly digest: Digest; readonly stats: BigIntStats } | undefined {
  const sha256 = createHash('sha256');
  const stats = folder.read(name, (part) => {
    sha256.update(part);
    onPart?.(part);
  });
  return stats === undefined ? undefined : { digest: asDigest(sha256.digest('hex')), stats };
}

/** A whole file, with what its inode says. */
export function readWhole(
  folder: Folder,
  name: string,
): { readonly file: TreeFile; readonly stats: BigIntStats } | undefined {
  const parts: Uint8Array[] = [];
  const found = digestFile(folder, name, (part) => parts.push(new Uint8Array(part)));
  if (found === undefined) return undefined;
  return {
    file: { bytes: joined(parts), digest: found.digest, mode: modeOf(found.stats) },
    stats: found.stats,
  };
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  return parts.length === 1 && only !== undefined ? only : new Uint8Array(Buffer.concat(parts));
}
