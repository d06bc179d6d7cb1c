import { readFileSync, statSync } from 'node:fs';

const MAX_BYTES = 4 * 1024 * 1024;

/** What a file says, read again whenever it has changed: a mounted Secret or ConfigMap changes while we run. */
export class WatchedFile<Content> {
  readonly #path: string;
  readonly #read: (text: string) => Content;
  #known: { readonly version: string; readonly content: Content } | undefined;

  constructor(path: string, read: (text: string) => Content) {
    this.#path = path;
    this.#read = read;
  }

  /** Throws where it cannot be read or understood; what it said before is then no answer. */
  content(): Content {
    // Looked at before it is read: what changes in between is read again the next time.
    const { ino, size, mtimeNs, ctimeNs } = statSync(this.#path, { bigint: true });
    const version = `${ino}:${size}:${mtimeNs}:${ctimeNs}`;
    if (this.#known?.version === version) return this.#known.content;
    if (size > MAX_BYTES) throw new Error(`expected a file of at most ${MAX_BYTES} bytes, came \`${size}\``);
    const content = this.#read(readFileSync(this.#path, 'utf8'));
    this.#known = { version, content };
    return content;
  }
}
