import type { LineEvent } from './line-reader.ts';
import type { MessageSource } from './link.ts';

interface Waiting {
  readonly event: LineEvent;
  readonly taken: () => void;
}

/** Messages handed over one at a time: who puts one in waits until it is taken, so nothing piles up here. */
export class MessageQueue implements MessageSource {
  readonly unfinishedBytes = 0;
  private readonly waiting: Waiting[] = [];
  private wake: ((event: LineEvent | undefined) => void) | undefined;
  private ended = false;
  private stopped = false;

  get size(): number {
    return this.waiting.length;
  }

  /** Resolves true once taken; false where nobody will take it any more. */
  put(event: LineEvent): Promise<boolean> {
    if (this.ended) return Promise.resolve(false);
    const wake = this.wake;
    if (wake !== undefined) {
      this.wake = undefined;
      wake(event);
      return Promise.resolve(true);
    }
    return new Promise((resolve) => this.waiting.push({ event, taken: () => resolve(!this.stopped) }));
  }

  next(): Promise<LineEvent | undefined> {
    const first = this.waiting.shift();
    if (first !== undefined) {
      first.taken();
      return Promise.resolve(first.event);
    }
    if (this.ended) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      this.wake = resolve;
    });
  }

  /** Nothing more comes; what waits can still be taken. */
  end(): void {
    this.ended = true;
    this.wake?.(undefined);
    this.wake = undefined;
  }

  stop(): void {
    this.stopped = true;
    this.end();
    for (const { taken } of this.waiting.splice(0)) taken();
  }
}
