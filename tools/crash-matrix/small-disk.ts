import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** A file system of its own under a folder, with little space beyond what the folder holds. */
export class SmallDisk {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** What is in the folder moves onto the disk. */
  static under(folder: string, sizeMiB: number): SmallDisk {
    const aside = `${folder}.aside`;
    if (existsSync(folder)) renameSync(folder, aside);
    mkdirSync(folder);
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMiB}m`, 'tmpfs', folder]);
    if (existsSync(aside)) {
      execFileSync('cp', ['-a', `${aside}/.`, folder]);
      rmSync(aside, { recursive: true });
    }
    return new SmallDisk(folder);
  }

  get #filler(): string {
    return join(this.#folder, 'filler');
  }

  /** Until not one more byte fits. */
  fill(): void {
    const file = openSync(this.#filler, 'a');
    try {
      for (const size of [1024 * 1024, 4096, 1]) fillWith(file, size);
    } finally {
      closeSync(file);
    }
  }

  makeSpace(): void {
    rmSync(this.#filler, { force: true });
  }

  unmount(): void {
    execFileSync('umount', ['--lazy', this.#folder]);
  }
}

function fillWith(file: number, size: number): void {
  const bytes = Buffer.alloc(size);
  try {
    for (;;) if (writeSync(file, bytes) < size) return;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}
