interface Guesser {
  readonly tenant: string;
  readonly id: string;
}

/** Each answer that something held a secret tells whoever guesses one character more. */
const MOST = 10;
const WITHIN_MS = 3_600_000;
const MOST_KNOWN = 10_000;

/** How often agents were told that what they sent held a secret; in this process, by principal. */
export class Guesses {
  readonly #told = new Map<string, readonly number[]>();

  note(guesser: Guesser, now: number): void {
    const key = keyOf(guesser);
    const told = [...(this.#told.get(key) ?? []).filter((at) => isRecent(at, now)), now].slice(-MOST);
    this.#told.delete(key);
    this.#told.set(key, told);
    const [oldest] = this.#told.keys();
    if (oldest !== undefined && this.#told.size > MOST_KNOWN) this.#told.delete(oldest);
  }

  /** Nothing more is told until an hour has passed since the first of so many. */
  areMany(guesser: Guesser, now: number): boolean {
    const told = this.#told.get(keyOf(guesser)) ?? [];
    return told.filter((at) => isRecent(at, now)).length >= MOST;
  }
}

/** A clock that was set back makes nothing forgotten. */
function isRecent(at: number, now: number): boolean {
  return now - at < WITHIN_MS;
}

function keyOf({ tenant, id }: Guesser): string {
  return `${tenant}\n${id}`;
}
