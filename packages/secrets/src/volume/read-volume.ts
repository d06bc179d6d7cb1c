import { constants } from 'node:fs';
import { type FileHandle, open, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';

export interface VolumeLimits {
  readonly maxFiles: number;
  /** All files together. */
  readonly maxBytes: number;
}

/** The files of one moment: never some from before a change and some from after it. */
export interface VolumeView {
  /** What `..data` points at; null for a folder without it, whose files change one by one. */
  readonly generation: string | null;
  /** By path within the volume. */
  readonly files: ReadonlyMap<string, Buffer>;
}

/**
 * `link`: a link where a file belongs. `unsteady`: it changed during every attempt. `path`: within the
 * volume.
 */
export interface VolumeProblem {
  readonly kind: 'missing' | 'unreadable' | 'link' | 'not-a-file' | 'too-large' | 'unsteady';
  readonly path: string;
}

export type VolumeRead =
  | { readonly ok: true; readonly view: VolumeView }
  | { readonly ok: false; readonly problem: VolumeProblem };

/** What the Secrets Store CSI driver and the kubelet swap: all files change with this one link. */
const CURRENT = '..data';
const GENERATION = /^\.\.[A-Za-z0-9][A-Za-z0-9._-]{0,200}$/;
const ATTEMPTS = 5;
const MAX_DEPTH = 8;
const READ_CHUNK = 65_536;
/** A FIFO would otherwise keep its reader waiting for ever. */
const FILE_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const FOLDER_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_DIRECTORY;

export const VOLUME_LIMITS: VolumeLimits = { maxFiles: 256, maxBytes: 4_194_304 };

class Stop extends Error {
  readonly problem: VolumeProblem;

  constructor(kind: VolumeProblem['kind'], path: string) {
    super(kind);
    this.problem = { kind, path };
  }
}

/** Reads a mounted folder of secrets. Follows no link but `..data`, and that only to a folder beside it. */
export async function readVolume(root: string, limits: VolumeLimits = VOLUME_LIMITS): Promise<VolumeRead> {
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const generation = await generationOf(root);
      const folder = generation === null ? root : join(root, generation);
      const files = await readAll(folder, generation === null, limits).catch(
        (error: unknown) => error as Error,
      );
      // The driver removes what it has replaced: an error in between is no error of the volume.
      if ((await generationOf(root)) !== generation) continue;
      if (files instanceof Error) throw files;
      return { ok: true, view: { generation, files } };
    }
    throw new Stop('unsteady', '');
  } catch (error) {
    if (error instanceof Stop) return { ok: false, problem: error.problem };
    return { ok: false, problem: { kind: kindOf(error), path: '' } };
  }
}

/** Cheap: one look at one link. Null: a plain folder. Throws where there is no folder. */
export async function generationOf(root: string): Promise<string | null> {
  let target: string;
  try {
    target = await readlink(join(root, CURRENT));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EINVAL') throw new Stop('link', CURRENT);
    if (code !== 'ENOENT') throw error;
    await (await open(root, FOLDER_FLAGS & ~constants.O_NOFOLLOW)).close();
    return null;
  }
  if (!GENERATION.test(target)) throw new Stop('link', CURRENT);
  return target;
}

async function readAll(folder: string, isRoot: boolean, limits: VolumeLimits): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  let bytes = 0;
  const walk = async (place: string, path: string, depth: number): Promise<void> => {
    const flags = isRoot && depth === 0 ? FOLDER_FLAGS & ~constants.O_NOFOLLOW : FOLDER_FLAGS;
    await using(await opened(place, path, flags), async (handle) => {
      const here = within(handle, place);
      for (const entry of (await readdir(here, { withFileTypes: true })).sort(byName)) {
        const inner = path === '' ? entry.name : `${path}/${entry.name}`;
        if (isRoot && entry.name.startsWith('..')) continue;
        if (entry.isSymbolicLink()) throw new Stop('link', inner);
        if (entry.isDirectory()) {
          if (depth >= MAX_DEPTH) throw new Stop('too-large', inner);
          await walk(join(here, entry.name), inner, depth + 1);
          continue;
        }
        if (files.size >= limits.maxFiles) throw new Stop('too-large', inner);
        const content = await readFile(join(here, entry.name), inner, limits.maxBytes - bytes);
        bytes += content.length;
        files.set(inner, content);
      }
    });
  };
  await walk(folder, '', 0);
  return files;
}

/** By way of the open folder, so that nobody swaps a folder for a link while we are in it. */
function within(handle: FileHandle, place: string): string {
  return process.platform === 'linux' ? `/proc/self/fd/${handle.fd}` : place;
}

function readFile(place: string, path: string, room: number): Promise<Buffer> {
  return opened(place, path, FILE_FLAGS).then((file) =>
    using(file, async (handle) => {
      if (!(await handle.stat()).isFile()) throw new Stop('not-a-file', path);
      const chunks: Buffer[] = [];
      let bytes = 0;
      // Not by its size, which another may change while we read.
      for (;;) {
        const { bytesRead, buffer } = await handle.read(Buffer.alloc(READ_CHUNK), 0, READ_CHUNK, null);
        if (bytesRead === 0) return Buffer.concat(chunks);
        bytes += bytesRead;
        if (bytes > room) throw new Stop('too-large', path);
        chunks.push(buffer.subarray(0, bytesRead));
      }
    }),
  );
}

async function opened(place: string, path: string, flags: number): Promise<FileHandle> {
  try {
    return await open(place, flags);
  } catch (error) {
    throw new Stop(kindOf(error), path);
  }
}

async function using<T>(handle: FileHandle, work: (handle: FileHandle) => Promise<T>): Promise<T> {
  try {
    return await work(handle);
  } finally {
    await handle.close();
  }
}

function kindOf(error: unknown): VolumeProblem['kind'] {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ENOENT':
      return 'missing';
    case 'ELOOP':
      return 'link';
    case 'ENOTDIR':
    case 'ENXIO':
      return 'not-a-file';
    default:
      return 'unreadable';
  }
}

function byName(one: { readonly name: string }, other: { readonly name: string }): number {
  return one.name < other.name ? -1 : 1;
}
