// Which bytes and names a power failure may take away: written or made, and not followed by the sync that they need.
import { dirname } from 'node:path';
import { type Call, namedPaths, offsetOf, pathOf, type TraceEvent, written } from './trace-events.ts';

export interface Range {
  readonly start: number;
  readonly end: number;
}

/** What a name stood for before; undefined: unknown, null: there was none. */
export type Content = Buffer | null | undefined;

/** A name that was made or replaced in a folder that was not synced since. */
export interface LooseName {
  readonly path: string;
  readonly before: Content;
  /** Where its file was before, for a rename. */
  readonly from: string | undefined;
}

interface FileState {
  unsynced: Range[];
  synced: Range[];
  /** Where `write` goes on; NaN where that is unknown. */
  position: number;
  content: Buffer | undefined;
}

export class DiskModel {
  readonly files = new Map<string, FileState>();
  looseNames: LooseName[] = [];
  readonly #initially: (path: string) => Content;
  readonly #syncing = new Map<Call, { ranges: readonly Range[]; names: readonly LooseName[] }>();

  /** `initially` is what a path held before the trace. */
  constructor(initially: (path: string) => Content) {
    this.#initially = initially;
  }

  take(event: TraceEvent): void {
    const { call } = event;
    if (event.kind === 'begun') {
      if (!isSync(call)) return;
      // Only what was written before a sync began is covered by it.
      const path = pathOf(call);
      const ranges = [...(this.files.get(path ?? '')?.unsynced ?? [])];
      const names = this.looseNames.filter((name) => dirname(name.path) === path);
      this.#syncing.set(call, { ranges, names });
      return;
    }
    if (event.result >= 0) this.#done(call, event.result);
    this.#syncing.delete(call);
  }

  #done(call: Call, result: number): void {
    switch (call.name) {
      case 'fsync':
      case 'fdatasync':
        this.#synced(call);
        break;
      case 'pwrite64':
      case 'pwritev':
      case 'pwritev2':
        this.#wrote(call, offsetOf(call), result);
        break;
      case 'write':
      case 'writev':
        this.#wrote(call, undefined, result);
        break;
      case 'openat':
        this.#opened(call);
        break;
      case 'rename':
      case 'renameat':
      case 'renameat2':
        this.#renamed(call);
        break;
      case 'link':
      case 'linkat':
        this.#linked(call);
        break;
      case 'ftruncate':
        this.#truncated(call);
        break;
    }
  }

  #synced(call: Call): void {
    const { ranges = [], names = [] } = this.#syncing.get(call) ?? {};
    const file = this.files.get(pathOf(call) ?? '');
    if (file !== undefined) {
      file.unsynced = file.unsynced.filter((range) => !ranges.includes(range));
      file.synced.push(...ranges);
    }
    this.looseNames = this.looseNames.filter((name) => !names.includes(name));
  }

  #wrote(call: Call, offset: number | undefined, length: number): void {
    const path = pathOf(call);
    if (path === undefined) return;
    const file = this.#file(path);
    const start = offset ?? file.position;
    const bytes = written(call);
    if (offset === undefined) {
      const goesOn = file.content !== undefined && file.content.length === start && bytes !== undefined;
      file.content = goesOn ? Buffer.concat([file.content as Buffer, bytes]) : undefined;
      file.position = start + length;
    } else file.content = undefined;
    if (Number.isNaN(start)) return;
    file.unsynced.push({ start, end: start + length });
  }

  #opened(call: Call): void {
    const [path] = namedPaths(call);
    if (path === undefined || !call.args.includes('O_CREAT')) return;
    const file = this.#file(path);
    if (call.args.includes('O_TRUNC') || call.args.includes('O_EXCL')) {
      Object.assign(file, { position: 0, content: Buffer.alloc(0), unsynced: [], synced: [] });
    }
    if (call.args.includes('O_EXCL'))
      this.looseNames.push({ path, before: this.#contentOf(path), from: undefined });
  }

  #renamed(call: Call): void {
    const [from, to] = namedPaths(call);
    if (from === undefined || to === undefined) return;
    const before = this.#contentOf(to);
    const moved = this.files.get(from);
    this.files.delete(from);
    this.files.delete(to);
    if (moved !== undefined) this.files.set(to, moved);
    this.looseNames.push({ path: to, before, from });
  }

  #linked(call: Call): void {
    const [from, to] = namedPaths(call);
    if (from === undefined || to === undefined) return;
    const file = this.files.get(from);
    if (file !== undefined) this.files.set(to, file);
    this.looseNames.push({ path: to, before: null, from: undefined });
  }

  #truncated(call: Call): void {
    const file = this.files.get(pathOf(call) ?? '');
    if (file === undefined) return;
    const length = offsetOf(call);
    const cut = ({ start, end }: Range) => ({ start, end: Math.min(end, length) });
    file.unsynced = file.unsynced.map(cut).filter(({ start, end }) => start < end);
    file.synced = file.synced.map(cut).filter(({ start, end }) => start < end);
  }

  #contentOf(path: string): Content {
    const file = this.files.get(path);
    return file === undefined ? this.#initially(path) : file.content;
  }

  #file(path: string): FileState {
    let file = this.files.get(path);
    if (file === undefined) {
      file = { unsynced: [], synced: [], position: Number.NaN, content: undefined };
      this.files.set(path, file);
    }
    return file;
  }
}

function isSync({ name }: Call): boolean {
  return name === 'fsync' || name === 'fdatasync';
}
