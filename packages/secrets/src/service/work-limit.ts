import { SecretError } from '../errors.ts';

export interface WorkLimitOptions {
  readonly timeoutMs: number;
  readonly maxConcurrent: number;
  readonly maxWaiting: number;
}

/** How long after its end work that does not end may hold a place: longer than any time-out of a provider's own. */
const PLACE_FACTOR = 4;

/** How much of places and of the queue one owner may have: what one tenant is slow with must not be what others wait for. */
const OWNERS_SHARE = 0.5;

interface Owned {
  running: number;
  readonly waiting: (() => void)[];
}

/**
 * So much at a time, so many waiting, and no longer than so long. Throws PROVIDER_UNAVAILABLE beyond each. Owners who wait
 * take turns.
 */
export class WorkLimit {
  readonly #options: WorkLimitOptions;
  /** Those with anything running or waiting; whose turn is next comes first. */
  readonly #owners = new Map<string, Owned>();
  #running = 0;
  #waiting = 0;

  constructor(options: WorkLimitOptions) {
    this.#options = options;
  }

  /** `isOver` tells the work that nobody waits for it any more. */
  async run<T>(owner: string, work: (isOver: () => boolean) => Promise<T>): Promise<T> {
    let over = false;
    const placed = this.#place(owner);
    const result = (async () => {
      await placed;
      return this.#held(owner, work, () => over);
    })();
    return this.#inTime(result, () => {
      over = true;
    });
  }

  /** Within the time, whatever else waits. */
  beside<T>(work: () => Promise<T>): Promise<T> {
    return this.#inTime(work(), () => undefined);
  }

  /** null: at once. */
  #place(owner: string): Promise<void> | null {
    const { maxConcurrent, maxWaiting } = this.#options;
    const owned = this.#owners.get(owner) ?? { running: 0, waiting: [] };
    if (this.#running < maxConcurrent && this.#mayRun(owned)) {
      this.#owners.set(owner, owned);
      this.#start(owned);
      return null;
    }
    const most = Math.ceil(maxWaiting * OWNERS_SHARE);
    if (this.#waiting >= maxWaiting || owned.waiting.length >= most) throw tooMany(owned.waiting.length);
    this.#owners.set(owner, owned);
    this.#waiting += 1;
    return new Promise<void>((resolve) => owned.waiting.push(resolve));
  }

  #mayRun({ running }: Owned): boolean {
    return running < Math.ceil(this.#options.maxConcurrent * OWNERS_SHARE);
  }

  #start(owned: Owned): void {
    this.#running += 1;
    owned.running += 1;
  }

  async #held<T>(
    owner: string,
    work: (isOver: () => boolean) => Promise<T>,
    isOver: () => boolean,
  ): Promise<T> {
    let held = true;
    const leave = () => {
      if (held) this.#leave(owner);
      held = false;
    };
    const timer = setTimeout(leave, PLACE_FACTOR * this.#options.timeoutMs);
    timer.unref();
    try {
      if (isOver()) throw tooSlow(this.#options.timeoutMs);
      return await work(isOver);
    } finally {
      clearTimeout(timer);
      leave();
    }
  }

  #leave(owner: string): void {
    const mine = this.#owners.get(owner) as Owned;
    this.#running -= 1;
    mine.running -= 1;
    if (mine.running === 0 && mine.waiting.length === 0) this.#owners.delete(owner);
    for (const [next, owned] of this.#owners) {
      if (owned.waiting.length === 0 || !this.#mayRun(owned)) continue;
      // Behind all others for the next time.
      this.#owners.delete(next);
      this.#owners.set(next, owned);
      this.#start(owned);
      this.#waiting -= 1;
      owned.waiting.shift()?.();
      return;
    }
  }

  #inTime<T>(result: Promise<T>, giveUp: () => void): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        giveUp();
        reject(tooSlow(this.#options.timeoutMs));
      }, this.#options.timeoutMs);
      result.then(resolve, reject).finally(() => clearTimeout(timer));
    });
  }
}

function tooMany(waiting: number): SecretError {
  return new SecretError(
    'PROVIDER_UNAVAILABLE',
    `expected the provider to keep up, got too many requests: \`${waiting}\` wait already; come again`,
  );
}

function tooSlow(timeoutMs: number): SecretError {
  return new SecretError(
    'PROVIDER_UNAVAILABLE',
    `expected the provider to answer within \`${timeoutMs}\` ms`,
  );
}
