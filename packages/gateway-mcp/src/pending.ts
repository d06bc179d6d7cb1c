import type { JsonValue } from '@provability-fabric/kernel';
import { type IdKey, idKey, type RequestId } from './message.ts';

export type PendingKind = 'call' | 'read' | 'pass' | 'list-tools' | 'task-result';

/** A request of the client that it still waits for. */
export interface Pending {
  readonly id: RequestId;
  readonly key: IdKey;
  readonly method: string;
  readonly kind: PendingKind;
  /** What is asked for, as the policy knows it; empty where nothing is decided. */
  readonly target: string;
  /** Of a list: whether it asks for the beginning. */
  readonly fromTheStart: boolean;
  readonly asTask: boolean;
  /** The task whose outcome a `task-result` fetches. */
  readonly taskId: string | undefined;
  readonly progressKey: IdKey | undefined;
  /**
   * queued: not yet looked at. deciding: the decider has it. forwarded: the upstream has it. settling: its
   * outcome is being recorded. Only `forwarded` can be answered by the upstream: an earlier response answers
   * a guessed id.
   */
  stage: 'queued' | 'deciding' | 'forwarded' | 'settling';
  /** Present once allowed. */
  certificateId: string | undefined;
  /** Present once allowed: whether the agent may not see all of the result. */
  hides: boolean;
  /** The client no longer waits: it cancelled, or has been told that time was up. */
  abandoned: boolean;
}

/**
 * A forwarded request that was answered without the upstream: its response, should it come, goes no further.
 */
export interface Late {
  readonly certificateId: string | undefined;
  readonly asTask: boolean;
  readonly taskId: string | undefined;
  readonly hides: boolean;
  /** What is already being recorded about it: its own outcome comes after. */
  readonly after: Promise<unknown>;
}

export type SuspendReason = 'server-asks-client' | 'client-does-not-read';

const REMEMBERED_LATE_PER_PENDING = 4;

/** The requests under way and their clocks. */
export class PendingTable {
  private readonly byKey = new Map<IdKey, Pending>();
  private readonly late = new Map<IdKey, Late>();
  private readonly timers = new Map<Pending, NodeJS.Timeout | undefined>();
  private readonly suspended = new Set<SuspendReason>();
  private readonly progress = new Map<IdKey, number>();

  constructor(
    private readonly maxPending: number,
    private readonly timeoutMs: number,
    private readonly onExpired: (pending: Pending) => void,
    private readonly onFewer: () => void,
  ) {}

  get size(): number {
    return this.byKey.size;
  }

  /**
   * Whether a new request may take this id. One that the upstream still owes a response to may not be reused.
   */
  isInUse(key: IdKey): boolean {
    return this.byKey.has(key) || this.late.has(key);
  }

  add(pending: Pending): void {
    this.byKey.set(pending.key, pending);
    this.restartClock(pending);
  }

  get(key: IdKey): Pending | undefined {
    return this.byKey.get(key);
  }

  all(): Pending[] {
    return [...this.byKey.values()];
  }

  remove(pending: Pending): void {
    this.stopClock(pending);
    if (this.byKey.get(pending.key) !== pending) return;
    this.byKey.delete(pending.key);
    this.onFewer();
  }

  /** Answered here, but the upstream may still respond. The oldest of too many is forgotten. */
  moveToLate(pending: Pending, after: Promise<unknown>): void {
    this.remove(pending);
    this.late.set(pending.key, {
      certificateId: pending.certificateId,
      asTask: pending.asTask,
      taskId: pending.taskId,
      hides: pending.hides,
      after,
    });
    if (this.late.size <= this.maxPending * REMEMBERED_LATE_PER_PENDING) return;
    for (const oldest of this.late.keys()) {
      this.late.delete(oldest);
      break;
    }
  }

  takeLate(key: IdKey): Late | undefined {
    const late = this.late.get(key);
    this.late.delete(key);
    return late;
  }

  /** A sign of life, or a new stage: the whole time starts again. */
  restartClock(pending: Pending): void {
    clearTimeout(this.timers.get(pending));
    this.timers.set(pending, this.suspended.size > 0 ? undefined : this.newTimer(pending));
  }

  stopClock(pending: Pending): void {
    clearTimeout(this.timers.get(pending));
    this.timers.delete(pending);
  }

  /** Says which request the progress is of. */
  restartClocksOfProgress(token: JsonValue | undefined): IdKey | undefined {
    const key = idKey(token);
    if (key === undefined) return undefined;
    let related: IdKey | undefined;
    for (const pending of this.timers.keys()) {
      if (pending.progressKey !== key || pending.stage !== 'forwarded') continue;
      this.restartClock(pending);
      related = pending.key;
    }
    return related;
  }

  /** How many notices of progress a token has had, this one included; tokens of nothing under way count from 1. */
  nextProgress(token: JsonValue): number {
    const key = idKey(token);
    if (key === undefined) return 1;
    const count = (this.progress.get(key) ?? 0) + 1;
    this.progress.delete(key);
    this.progress.set(key, count);
    for (const oldest of this.progress.keys()) {
      if (this.progress.size <= this.maxPending * REMEMBERED_LATE_PER_PENDING) break;
      this.progress.delete(oldest);
    }
    return count;
  }

  restartClocksOfTask(taskId: JsonValue | undefined): void {
    if (typeof taskId !== 'string') return;
    for (const pending of this.timers.keys()) if (pending.taskId === taskId) this.restartClock(pending);
  }

  /** While a person may be asked, or the client does not read, nobody's silence is the upstream's fault. */
  suspendClocks(reason: SuspendReason): void {
    this.suspended.add(reason);
    for (const [pending, timer] of this.timers) {
      clearTimeout(timer);
      this.timers.set(pending, undefined);
    }
  }

  resumeClocks(reason: SuspendReason): void {
    if (!this.suspended.delete(reason) || this.suspended.size > 0) return;
    for (const pending of this.timers.keys()) this.restartClock(pending);
  }

  /** Whether a call that was allowed is with the upstream, and the client still waits for it. */
  get hasCallInFlight(): boolean {
    for (const { kind, stage, abandoned } of this.byKey.values()) {
      const isCall = kind === 'call' || kind === 'task-result';
      if (isCall && !abandoned && (stage === 'forwarded' || stage === 'settling')) return true;
    }
    return false;
  }

  /** Whether an answer is to come that the agent may not see all of. */
  get hidesAnswer(): boolean {
    for (const { hides, stage } of this.byKey.values()) {
      if (hides && (stage === 'forwarded' || stage === 'settling')) return true;
    }
    // The upstream may still be at work on what nobody waits for any more.
    for (const { hides } of this.late.values()) if (hides) return true;
    return false;
  }

  stopAllClocks(): void {
    for (const timer of this.timers.values()) clearTimeout(timer);
    this.timers.clear();
  }

  private newTimer(pending: Pending): NodeJS.Timeout {
    return setTimeout(() => {
      this.timers.delete(pending);
      this.onExpired(pending);
    }, this.timeoutMs);
  }
}
