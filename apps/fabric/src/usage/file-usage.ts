import { type FileHandle, mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Usage, UsageRequest } from '@provability-fabric/enforcement';
import { FabricError } from '../errors.ts';
import { UsageCounts } from './usage-counts.ts';
import { formatLine, type NumberedEntry, parseLine, type UsageEntry } from './usage-lines.ts';

export interface FileUsage extends Usage {
  /** What is wrong right now, for /health. */
  health(): readonly string[];
  close(): Promise<void>;
}

interface Waiting {
  readonly entry: UsageEntry;
  /** Takes it back where it could not be made durable: whoever waits is refused. */
  readonly undo: () => void;
  readonly resolve: () => void;
  readonly reject: (cause: unknown) => void;
}

const FILE = 'counts.jsonl';
/** Beyond that, and twice what the counts themselves need, the file is written anew. */
const LARGE_BYTES = 4 * 1024 * 1024;
const CHUNK_BYTES = 1024 * 1024;

/**
 * Counts of a fabric that shares them with no other: in memory, and in a file of its data folder that says them again
 * after a crash. What has been answered is in it: reservations that come at once share one write and one fdatasync. A
 * certificate's reservation that nobody was answered on may be there too, and then counts.
 *
 * The file is read, or made, by the first reservation: without limits that sessions share there is none.
 */
export function fileUsage(folder: string): FileUsage {
  let opening: Promise<OpenFile> | undefined;
  const opened = () => {
    opening ??= OpenFile.open(folder).catch((error: unknown) => {
      opening = undefined;
      throw error;
    });
    return opening;
  };
  let problem: string | undefined;
  return {
    async reserve(request) {
      try {
        const reservation = await (await opened()).reserve(request);
        problem = undefined;
        return reservation;
      } catch (error) {
        problem = `shared limits cannot be counted, so what they limit is refused: ${messageOf(error)}`;
        throw error;
      }
    },
    health: () => (problem === undefined ? [] : [problem]),
    close: async () => (await opening?.catch(() => undefined))?.close(),
  };
}

class OpenFile {
  readonly #folder: string;
  readonly #counts = new UsageCounts();
  #file: FileHandle | undefined;
  #bytes = 0;
  /** Of the file when it was last written anew. */
  #leastBytes = 0;
  #attempts = 0;
  /** Of the last line, and of the last one that is durable. */
  #seq = 0;
  #durable = 0;
  #closed = false;
  #waiting: Waiting[] = [];
  #flushing: Promise<void> | undefined;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async open(folder: string): Promise<OpenFile> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const opened = new OpenFile(folder);
    await opened.#read();
    await opened.#rewrite();
    return opened;
  }

  async reserve({ tenant, certificateId, at, charges }: UsageRequest) {
    if (this.#closed) throw new Error('expected shared usage that is open');
    this.#attempts += 1;
    const attempt = this.#attempts;
    const certificate = certificateId;
    const charging = { tenant, certificate, attempt, at, charges };
    const used = this.#counts.charge(charging);
    const giveBack = (given: typeof charges) =>
      this.#counts.release({ tenant, certificate, attempt, charges: given });
    await this.#write({ op: 'charge', charging }, () => giveBack(charges));
    return {
      used,
      release: async (clauses: readonly string[]) => {
        const given = charges.filter(({ clause }) => clauses.includes(clause));
        giveBack(given);
        const releasing = { tenant, certificate, attempt, charges: given };
        // Where this fails the file still counts it: after a restart the limit is stricter than it need be.
        await this.#write({ op: 'release', releasing }, () => undefined);
      },
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#flushing;
    await this.#file?.close();
    this.#file = undefined;
  }

  #write(entry: UsageEntry, undo: () => void): Promise<void> {
    // The file may be another process's by now.
    if (this.#closed) return Promise.reject(new Error('expected shared usage that is open'));
    const written = new Promise<void>((resolve, reject) => {
      this.#waiting.push({ entry, undo, resolve, reject });
    });
    this.#flushing ??= this.#flush();
    return written;
  }

  async #flush(): Promise<void> {
    // What comes in this turn of the event loop goes into the same write.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      try {
        if (this.#file === undefined || this.#isLarge()) await this.#rewrite();
        else await this.#append(this.#file, batch);
        for (const { resolve } of batch) resolve();
      } catch (cause) {
        // What a failed write left is not known, so nothing is written after it: the next one begins a file anew.
        await this.#file?.close().catch(() => undefined);
        this.#file = undefined;
        for (const { undo, reject } of batch) {
          undo();
          reject(cause);
        }
      }
    }
    // In the same turn in which nothing was left: whoever comes later begins anew.
    this.#flushing = undefined;
  }

  async #append(file: FileHandle, batch: readonly Waiting[]): Promise<void> {
    const lines = batch.map(({ entry }) => this.#line(entry));
    const bytes = Buffer.from(lines.join(''));
    await file.appendFile(bytes);
    await file.datasync();
    this.#bytes += bytes.length;
    this.#durable = this.#seq;
  }

  #line(entry: UsageEntry): string {
    this.#seq += 1;
    return formatLine({ seq: this.#seq, durable: this.#durable, entry });
  }

  #isLarge(): boolean {
    return this.#bytes > LARGE_BYTES && this.#bytes > 2 * this.#leastBytes;
  }

  /** All counts as they are now, whole or not at all. */
  async #rewrite(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
    const counts = [...this.#counts.all()];
    // The first line says that those after it are durable: they are, once the file has its name.
    this.#durable = this.#seq + counts.length + 1;
    const path = join(this.#folder, FILE);
    const temporary = `${path}.tmp`;
    const file = await open(temporary, 'w', 0o600);
    let bytes = 0;
    try {
      let chunk = this.#line({ op: 'begin' });
      for (const count of counts) {
        chunk += this.#line({ op: 'count', count });
        if (chunk.length < CHUNK_BYTES) continue;
        bytes += Buffer.byteLength(chunk);
        await file.appendFile(chunk);
        chunk = '';
      }
      bytes += Buffer.byteLength(chunk);
      await file.appendFile(chunk);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    await syncFolder(this.#folder);
    this.#file = await open(path, 'a', 0o600);
    this.#bytes = bytes;
    this.#leastBytes = bytes;
  }

  async #read(): Promise<void> {
    const text = await readFile(join(this.#folder, FILE), 'utf8').catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    });
    if (text === undefined) return;
    const lines = text.split('\n').map((line) => {
      const read = parseLine(line);
      if (read === 'strange') throw this.#damaged();
      return read;
    });
    const [first] = lines;
    if (first?.entry.op !== 'begin') throw this.#damaged();
    this.#seq = first.seq - 1;
    // The end of what was being written when the power failed may be in any state; nobody was answered on it.
    const end = lines.findIndex((read, index) => read?.seq !== first.seq + index);
    const whole = lines.slice(0, end) as readonly NumberedEntry[];
    for (const { seq, entry } of whole) {
      this.#seq = seq;
      this.#take(entry);
    }
    if (lines.some((read) => (read?.durable ?? 0) > this.#seq)) throw this.#damaged();
  }

  #damaged(): FabricError {
    return new FabricError(
      'USAGE_DAMAGED',
      `expected whole lines in ${join(this.#folder, FILE)}, came damage in what was durable; put the file back from a ` +
        'backup, or move it away, and then all shared limits count from nothing',
    );
  }

  #take(entry: UsageEntry): void {
    switch (entry.op) {
      case 'begin':
        return;
      case 'count':
        this.#counts.restore(entry.count);
        return;
      case 'charge':
        this.#counts.charge(entry.charging);
        return;
      case 'release':
        this.#counts.release(entry.releasing);
    }
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : 'unknown';
}
