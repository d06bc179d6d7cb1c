import {
  closeSync,
  existsSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { DiskModel, type LooseName, type Range } from './disk-model.ts';
import { traceEvents } from './trace-events.ts';

export interface PowerFailure {
  /** Where everything happened. */
  readonly data: string;
  /** A copy of it from before, when all of it was on the disk. */
  readonly before: string;
  readonly trace: string;
  readonly random: () => number;
}

export interface Dropped {
  readonly pages: number;
  readonly ofPages: number;
  readonly names: number;
  readonly ofNames: number;
}

const PAGE = 4096;
const SMALL = 1024 * 1024;

/** Takes away of a killed fabric's files what a disk that lost its power need not have kept: the seed chooses. */
export function dropUnsynced({ data, before, trace, random }: PowerFailure): Dropped {
  const earlier = (path: string) => join(before, relative(data, path));
  const model = new DiskModel((path) => {
    if (!existsSync(earlier(path))) return null;
    const bytes = readFileSync(earlier(path));
    return bytes.length > SMALL ? undefined : bytes;
  });
  for (const event of traceEvents(trace)) model.take(event);
  const dropped = { pages: 0, ofPages: 0, names: 0, ofNames: 0 };
  for (const [path, { unsynced, synced }] of model.files) {
    if (!path.startsWith(`${data}/`) || !existsSync(path) || unsynced.length === 0) continue;
    const pages = dropPages({ path, earlier: earlier(path), unsynced, synced, random });
    dropped.pages += pages.dropped;
    dropped.ofPages += pages.of;
  }
  // PostgreSQL orders its names by its own log: what a file of it held before cannot be put back from here.
  const ours = model.looseNames.filter(
    ({ path }) => path.startsWith(`${data}/`) && !path.startsWith(`${data}/postgres/`),
  );
  dropped.ofNames = ours.length;
  dropped.names = undoNames(ours, random);
  return dropped;
}

interface Pages {
  readonly path: string;
  readonly earlier: string;
  readonly unsynced: readonly Range[];
  readonly synced: readonly Range[];
  readonly random: () => number;
}

function dropPages({ path, earlier, unsynced, synced, random }: Pages) {
  const file = openSync(path, 'r+');
  const old = existsSync(earlier) ? openSync(earlier, 'r') : undefined;
  try {
    const { size } = fstatSync(file);
    const oldSize = old === undefined ? 0 : fstatSync(old).size;
    const pages = new Map<number, Range[]>();
    for (const range of unsynced)
      for (let page = Math.floor(range.start / PAGE); page * PAGE < Math.min(range.end, size); page += 1) {
        const start = Math.max(range.start, page * PAGE);
        const end = Math.min(range.end, (page + 1) * PAGE, size);
        pages.set(page, [...(pages.get(page) ?? []), { start, end }]);
      }
    let dropped = 0;
    for (const parts of pages.values()) {
      // What was synced and then written over is not known any more: such a page stays.
      const isKnown = !parts.some((part) => synced.some((range) => overlaps(part, range)));
      if (!isKnown || random() < 0.5) continue;
      dropped += 1;
      for (const part of parts) putBack(file, old, part);
    }
    const kept = Math.max(oldSize, ...synced.map(({ end }) => end));
    // A file's length need not be on the disk either.
    if (kept < size && kept <= Math.min(...unsynced.map(({ start }) => start)) && random() < 0.25)
      ftruncateSync(file, kept);
    return { dropped, of: pages.size };
  } finally {
    closeSync(file);
    if (old !== undefined) closeSync(old);
  }
}

function putBack(file: number, old: number | undefined, { start, end }: Range): void {
  const bytes = Buffer.alloc(end - start);
  if (old !== undefined) readSync(old, bytes, 0, bytes.length, start);
  writeSync(file, bytes, 0, bytes.length, start);
}

/** From the last one back to one that the seed chooses: a folder forgets what came last. */
function undoNames(names: readonly LooseName[], random: () => number): number {
  let undone = 0;
  const count = Math.floor(random() * (names.length + 1));
  for (const { path, before, from } of names.slice(names.length - count).reverse()) {
    if (before === undefined || !existsSync(path)) continue;
    if (from !== undefined) renameSync(path, from);
    else rmSync(path, { force: true });
    if (before !== null) writeFileSync(path, before);
    undone += 1;
  }
  return undone;
}

function overlaps(a: Range, b: Range): boolean {
  return a.start < b.end && b.start < a.end;
}
