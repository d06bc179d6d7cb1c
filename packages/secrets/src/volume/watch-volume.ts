import { createHash } from 'node:crypto';
import { type FSWatcher, watch } from 'node:fs';
import { stat } from 'node:fs/promises';
import {
  generationOf,
  readVolume,
  VOLUME_LIMITS,
  type VolumeLimits,
  type VolumeProblem,
  type VolumeRead,
  type VolumeView,
} from './read-volume.ts';
import { RELOAD_KEYS, type VolumeEvent } from './volume-event.ts';

export interface VolumeWatchOptions {
  /** The mount, such as `/mnt/secrets`. */
  readonly path: string;
  /** How often to look without being told; 5,000 unless told. */
  readonly pollIntervalMs?: number;
  /** What changes again so soon is told at its end; 1,000 unless told. The first change is told at once. */
  readonly debounceMs?: number;
  /** 30,000 unless told. */
  readonly healthCheckIntervalMs?: number;
  /** Files whose change asks for a reload. */
  readonly reloadKeys?: readonly string[];
  readonly limits?: VolumeLimits;
  readonly emit: (event: VolumeEvent) => void;
  /** For the gauge `secrets_watched`: files in view, 0 while the volume cannot be read. */
  readonly onWatched?: (count: number) => void;
  /** ms since 1970. */
  readonly now: () => number;
}

export interface VolumeWatch {
  /** All files of one moment, with their contents. */
  read(): Promise<VolumeRead>;
  /** Resolves once nothing is under way any more. */
  stop(): Promise<void>;
}

/**
 * Tells of changes in a mounted folder of secrets. A swap of `..data` is seen by fs.watch within
 * milliseconds; polling is the net under it, for file systems that notify of nothing and for a mount that was
 * replaced. Never throws: a folder that is not there yet is a problem that may pass.
 */
export async function watchVolume(options: VolumeWatchOptions): Promise<VolumeWatch> {
  const { path, limits = VOLUME_LIMITS, emit, onWatched, now } = options;
  const reloadKeys = new Set(options.reloadKeys ?? RELOAD_KEYS);
  const debounceMs = options.debounceMs ?? 1_000;
  /** Of the last view that could be read; digests, so that no value is kept. */
  let known: ReadonlyMap<string, string> = new Map();
  let generation: string | null | undefined;
  let problem: VolumeProblem | undefined;
  let watcher: FSWatcher | undefined;
  let watchedInode: number | undefined;
  let started = false;
  let stopped = false;
  let hinted = false;
  let cooling: NodeJS.Timeout | undefined;
  let work: Promise<void> = Promise.resolve();

  /** One look at a time. */
  function look(by: 'hint' | 'poll'): Promise<void> {
    work = work.then(() => (stopped ? undefined : lookNow(by)));
    return work;
  }

  async function lookNow(by: 'hint' | 'poll'): Promise<void> {
    // Within a generation nothing changes: most hints cost one readlink.
    if (by === 'hint' && generation && (await generationOf(path).catch(() => undefined)) === generation)
      return;
    const read = await readVolume(path, limits);
    if (!read.ok) return report(read.problem);
    problem = undefined;
    const changed = compare(read.view);
    onWatched?.(known.size);
    if (changed) cool();
  }

  function report(found: VolumeProblem): void {
    onWatched?.(0);
    if (problem?.kind === found.kind && problem.path === found.path) return;
    problem = found;
    emit({ type: 'error', problem, timestamp: now() });
  }

  function compare(view: VolumeView): boolean {
    const timestamp = now();
    const next = digestsOf(view);
    const changed = [...next].filter(([key, digest]) => known.get(key) !== digest).map(([key]) => key);
    const deleted = [...known.keys()].filter((key) => !next.has(key));
    known = next;
    generation = view.generation;
    if (!started) return false;
    for (const secretKey of changed) emit({ type: 'secret-changed', secretKey, timestamp });
    for (const secretKey of deleted) emit({ type: 'secret-deleted', secretKey, timestamp });
    const secretKeys = [...changed, ...deleted].filter((key) => reloadKeys.has(key));
    if (secretKeys.length > 0) emit({ type: 'reload-required', secretKeys, timestamp });
    return changed.length + deleted.length > 0;
  }

  function hint(): void {
    if (cooling !== undefined) hinted = true;
    // Files that are written in place are not whole yet when the first notice of them comes.
    else if (generation === null) cool(true);
    else void look('hint');
  }

  function cool(withHint = false): void {
    clearTimeout(cooling);
    hinted ||= withHint;
    cooling = setTimeout(() => {
      cooling = undefined;
      if (hinted) void look('hint');
      hinted = false;
    }, debounceMs).unref();
  }

  /** A mount put over the folder, or the folder made anew: the old watcher would hear nothing of it. */
  async function arm(): Promise<void> {
    const inode = await stat(path).then(
      ({ ino, dev }) => ino + dev,
      () => undefined,
    );
    if (stopped || (inode === watchedInode && watcher !== undefined)) return;
    watcher?.close();
    watcher = undefined;
    watchedInode = inode;
    if (inode === undefined) return;
    try {
      watcher = watch(path, { persistent: false }, hint).on('error', () => {
        watcher?.close();
        watcher = undefined;
      });
    } catch {
      // Too many watches on this machine, or the folder has just gone: polling goes on, and tries this again.
    }
  }

  async function poll(): Promise<void> {
    await arm();
    await look('poll');
  }

  async function checkHealth(): Promise<void> {
    await poll();
    if (stopped) return;
    const timestamp = now();
    if (problem === undefined) emit({ type: 'health-check-success', watched: known.size, timestamp });
    else emit({ type: 'health-check-failed', problem, timestamp });
  }

  await poll();
  started = true;
  emit({ type: 'started', watched: known.size, timestamp: now() });
  const timers = [
    setInterval(() => void poll(), options.pollIntervalMs ?? 5_000),
    setInterval(() => void checkHealth(), options.healthCheckIntervalMs ?? 30_000),
  ];
  for (const timer of timers) timer.unref();

  return {
    read: () => readVolume(path, limits),
    async stop() {
      if (stopped) return work;
      stopped = true;
      for (const timer of timers) clearInterval(timer);
      clearTimeout(cooling);
      watcher?.close();
      await work;
      onWatched?.(0);
      emit({ type: 'stopped', timestamp: now() });
    },
  };
}

function digestsOf({ files }: VolumeView): ReadonlyMap<string, string> {
  return new Map(
    [...files].map(([key, content]) => [key, createHash('sha256').update(content).digest('base64')]),
  );
}
