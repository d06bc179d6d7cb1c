import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

let generations = 0;

/**
 * As the Secrets Store CSI driver's atomic writer does: a new folder, then one rename, then the old folder
 * goes.
 */
export class AtomicWriter {
  readonly #root: string;
  #current: string | undefined;

  constructor(root: string) {
    this.#root = root;
  }

  get generation(): string {
    return this.#current ?? '';
  }

  async write(files: Readonly<Record<string, string>>): Promise<void> {
    const old = this.#current;
    const next = `..2026_11_22_17_00_00.${++generations}`;
    const folder = join(this.#root, next);
    await mkdir(folder, { recursive: true });
    for (const [path, content] of Object.entries(files)) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), content);
    }
    await symlink(next, join(this.#root, '..data_tmp'));
    await rename(join(this.#root, '..data_tmp'), join(this.#root, '..data'));
    for (const path of Object.keys(files)) {
      const top = path.split('/')[0] as string;
      await symlink(join('..data', top), join(this.#root, top)).catch(() => undefined);
    }
    this.#current = next;
    if (old !== undefined) await rm(join(this.#root, old), { recursive: true, force: true });
  }
}
