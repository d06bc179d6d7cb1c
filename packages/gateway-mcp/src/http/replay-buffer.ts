import type { ByteBudget } from './byte-budget.ts';
import type { McpLimits } from './limits.ts';

/** One event of a stream, as it is written. */
export interface StreamEvent {
  /** Position in its stream, from 1. */
  readonly number: number;
  readonly frame: Buffer;
  /** Whether the budget holds room for it. */
  budgeted: boolean;
  /** When it left this process for a client, by `now`; undefined while it waits for one that is there. */
  sentAt: number | undefined;
  /** Takes it out of its stream. */
  readonly drop: () => void;
}

type BufferLimits = Pick<McpLimits, 'maxReplayBytes' | 'maxReplayEvents' | 'replayMs'>;

/**
 * The events of one session that a client may come back for, oldest first. Only what no connected client waits for
 * is dropped: that alone is bounded by what the client reads.
 */
export class ReplayBuffer {
  private readonly kept = new Set<StreamEvent>();
  private bytes = 0;

  constructor(
    private readonly limits: BufferLimits,
    private readonly budget: ByteBudget,
    private readonly now: () => number,
  ) {}

  keep(event: StreamEvent): void {
    const { length } = event.frame;
    event.budgeted = this.budget.take(length);
    if (!event.budgeted) {
      this.shrink(0, 0); // the session's own past makes room first
      event.budgeted = this.budget.take(length);
    }
    this.kept.add(event);
    this.bytes += length;
    this.shrink(this.limits.maxReplayBytes, this.limits.maxReplayEvents);
  }

  /** Sent, or nobody is there to send it to: from now on it is only kept as long as there is room. */
  sent(event: StreamEvent): void {
    event.sentAt ??= this.now();
    if (!event.budgeted) this.drop(event);
    else this.shrink(this.limits.maxReplayBytes, this.limits.maxReplayEvents);
  }

  dropOld(): void {
    const before = this.now() - this.limits.replayMs;
    for (const event of this.kept) if (event.sentAt !== undefined && event.sentAt < before) this.drop(event);
  }

  clear(): void {
    for (const event of this.kept) this.drop(event);
  }

  private shrink(bytes: number, events: number): void {
    if (this.bytes <= bytes && this.kept.size <= events) return;
    for (const event of this.kept) {
      if (event.sentAt !== undefined) this.drop(event);
      if (this.bytes <= bytes && this.kept.size <= events) return;
    }
  }

  private drop(event: StreamEvent): void {
    if (!this.kept.delete(event)) return;
    this.bytes -= event.frame.length;
    if (event.budgeted) this.budget.give(event.frame.length);
    event.drop();
  }
}
