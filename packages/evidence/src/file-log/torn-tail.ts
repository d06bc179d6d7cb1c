import { join } from 'node:path';
import { hasSystemCode } from '../errors.ts';
import { FRAME_MAGIC, type FramePlace, readFrame } from './frame.ts';
import type { LogFiles } from './log-files.ts';
import { segmentPath } from './segment.ts';

/**
 * Whether what lies at `at` was durable once. A group is written only after the one before it was synced, and
 * each frame says where its group began: a whole frame of a group that began later proves it. Without one,
 * this is the last write before a crash, of which any part may have reached the disk, and nobody was
 * answered.
 */
export function wasDurable(source: Buffer, at: number, segment: number): boolean {
  for (let next = source.indexOf(FRAME_MAGIC, at + 1); next >= 0; ) {
    const read = readFrame(source, next, { segment, offset: next });
    if (read !== undefined && read.groupStart > at) return true;
    next = source.indexOf(FRAME_MAGIC, read?.end ?? next + 1);
  }
  return false;
}

/** Moves the bytes from `place` on into `torn-<index>-<n>.bin`, durably, and then cuts them off. */
export async function cutTail(
  files: LogFiles,
  folder: string,
  place: FramePlace,
  index: number,
  tail: Uint8Array,
): Promise<string> {
  const kept = await keepAside(files, folder, index, tail);
  const file = await files.grow(segmentPath(folder, place.segment));
  try {
    await file.truncate(place.offset);
    await file.datasync();
  } finally {
    await file.close();
  }
  return kept;
}

async function keepAside(files: LogFiles, folder: string, index: number, tail: Uint8Array): Promise<string> {
  for (let attempt = 0; ; attempt++) {
    const name = `torn-${index}-${attempt}.bin`;
    try {
      await files.create(join(folder, name), tail);
      return name;
    } catch (error) {
      if (!hasSystemCode(error, 'EEXIST')) throw error;
    }
  }
}
