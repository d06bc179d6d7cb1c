import type { Place } from '../diagnostics.ts';
import type { TextLines } from './text-lines.ts';

/**
 * Where a value stands in its text, and its parts in it: the shadow of a JSON value. Offsets are UTF-16
 * units.
 */
export interface Located {
  readonly offset: number;
  readonly members: ReadonlyMap<string, LocatedMember>;
  readonly items: readonly Located[];
  /** A number as it was written. */
  readonly source?: string;
}

interface LocatedMember {
  readonly key: number;
  readonly value: Located;
}

export type Path = readonly PropertyKey[];

/** Turns paths into a document into places for messages. */
export class Locations {
  readonly #lines: TextLines;
  readonly #root: Located;

  constructor(lines: TextLines, root: Located) {
    this.#lines = lines;
    this.#root = root;
  }

  /** Where the value at `path` begins; the deepest part on the way there if there is none. */
  value(...path: Path): Place {
    return this.#lines.place(this.#walk(path).at.offset);
  }

  /** Where the key at the end of `path` stands. */
  key(...path: Path): Place {
    const { at, key, complete } = this.#walk(path);
    return this.#lines.place(complete && key !== undefined ? key : at.offset);
  }

  /** The number at `path` as it was written; empty where there is none. */
  source(...path: Path): string {
    const { at, complete } = this.#walk(path);
    return (complete ? at.source : undefined) ?? '';
  }

  #walk(path: Path): { at: Located; key: number | undefined; complete: boolean } {
    let at = this.#root;
    let key: number | undefined;
    for (const step of path) {
      const member = typeof step === 'string' ? at.members.get(step) : undefined;
      const next = member?.value ?? (typeof step === 'number' ? at.items[step] : undefined);
      if (next === undefined) return { at, key, complete: false };
      key = member?.key;
      at = next;
    }
    return { at, key, complete: true };
  }
}
