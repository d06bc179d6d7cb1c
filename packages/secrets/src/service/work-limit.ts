import { SecretError } from '../errors.ts';

export interface WorkLimitOptions {
  readonly timeoutMs: number;
  readonly maxConcurrent: number;
  readonly maxWaiting: number;
}

/** How long after its end work that does not end may hold a place: longer than any time-out of a provider's own. */
const PLACE_FACTOR = 4;

/** So much at a time, so many waiting, and no longer than so long. Throws PROVIDER_UNAVAILABLE beyond each. */
export class WorkLimit {
  readonly #options: WorkLimitOptions;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(options: WorkLimitOptions) {
    this.#options = options;
  }

  /** `isOver` tells the work that nobody waits for it any more. */
  async run<T>(work: (isOver: () => boolean) => Promise<T>): Promise<T> {
    let over = false;
    let placed: Promise<void> | null = null;
    if (this.#running < this.#options.maxConcurrent) this.#running += 1;
    else if (this.#waiting.length >= this.#options.maxWaiting) throw tooMany(this.#options.maxWaiting);
    else placed = new Promise<void>((resolve) => this.#waiting.push(resolve));
    const result = (async () => {
      await placed;
      return this.#held(work, () => over);
    })();
    return this.#inTime(result, () => {
      over = true;
    });
  }

  /** Within the time, whatever else waits. */
  beside<T>(work: () => Promise<T>): Promise<T> {
    return this.#inTime(work(), () => undefined);
  }

  async #held<T>(work: (isOver: () => boolean) => Promise<T>, isOver: () => boolean): Promise<T> {
    let held = true;
    const leave = () => {
      if (held) this.#leave();
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

  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#running -= 1;
    else next();
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
