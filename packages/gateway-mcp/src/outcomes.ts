import type { ClientOutlet, Loss, UpstreamDenial } from './link.ts';
import type { Pending, PendingTable } from './pending.ts';
import type { ActionOutcome, Decider, RelayEvents, Shown } from './ports.ts';
import {
  answerLine,
  evidenceUnavailable,
  noResponse,
  notDone,
  notSent,
  outcomeAmbiguous,
  type Refusal,
  type RelayCode,
} from './refusal.ts';
import type { Task } from './tasks.ts';
import { within } from './time-limit.ts';

/** Records what came of decided requests, and answers those that the upstream will not answer in time. */
export class Outcomes {
  constructor(
    private readonly decider: Decider,
    private readonly events: RelayEvents,
    private readonly pending: PendingTable,
    private readonly clientOut: ClientOutlet,
    private readonly timeoutMs: number,
  ) {}

  /**
   * What the agent may see of it; undefined where the outcome could not be made durable in time: then nothing of it may
   * reach the client.
   */
  async record(certificateId: string, outcome: ActionOutcome): Promise<Shown | undefined> {
    try {
      const shown = await within(this.timeoutMs, this.decider.settle(certificateId, outcome));
      if (shown !== undefined) return shown;
    } catch {
      // The evidence store logs its own failures; here it only matters that there is no record.
    }
    this.events.emit('mcp.settle-failed', { outcome: outcome.outcome });
    return undefined;
  }

  /** A task whose result will not be fetched any more: unless something of it was recorded, nobody knows. */
  async closeTask(task: Task): Promise<void> {
    if (task.recorded === undefined) await this.record(task.certificateId, { outcome: 'ambiguous' });
  }

  /** Answers in the upstream's place, at most once and only while the client waits. */
  answer(pending: Pending, refusal: Refusal, denied?: UpstreamDenial): void {
    if (pending.abandoned) return;
    pending.abandoned = true;
    const form = pending.kind === 'call' && !pending.asTask ? 'tool-result' : 'error';
    this.clientOut.write(answerLine(pending.id, form, refusal), {
      kind: 'answer',
      key: pending.key,
      denied,
    });
  }

  /** The transport knows that no response will come. */
  async lose({ key, happened, code, why, denied }: Loss): Promise<void> {
    const pending = this.pending.get(key);
    if (pending?.stage !== 'forwarded') return;
    if (happened === 'unknown') return this.giveUp(pending, code, why);
    pending.stage = 'settling';
    this.pending.stopClock(pending);
    const { certificateId } = pending;
    const recorded =
      certificateId === undefined || (await this.record(certificateId, { outcome: 'failed' })) !== undefined;
    this.pending.remove(pending);
    this.answer(
      pending,
      recorded ? notDone(code, why, certificateId) : evidenceUnavailable(certificateId),
      denied,
    );
  }

  /**
   * No response will be waited for. What was sent and certified becomes ambiguous before the client hears of
   * it.
   */
  async giveUp(pending: Pending, code: RelayCode, why: string): Promise<void> {
    switch (pending.stage) {
      case 'queued':
        this.pending.remove(pending);
        return this.answer(pending, notSent(code, why));
      case 'deciding':
        // Whoever waits for the decision sees that the request was abandoned, and does not send it.
        this.pending.remove(pending);
        return this.answer(pending, code === 'UPSTREAM_TIMEOUT' ? evidenceUnavailable() : notSent(code, why));
      case 'settling':
        return; // its response is here: whoever records it answers
      case 'forwarded': {
        pending.stage = 'settling';
        const { certificateId } = pending;
        if (certificateId === undefined) {
          this.pending.moveToLate(pending, Promise.resolve());
          return this.answer(pending, noResponse(code, why));
        }
        const recorded = this.record(certificateId, { outcome: 'ambiguous' });
        this.pending.moveToLate(pending, recorded);
        const isRecorded = (await recorded) !== undefined;
        const refusal = isRecorded
          ? outcomeAmbiguous(why, certificateId)
          : evidenceUnavailable(certificateId);
        return this.answer(pending, refusal);
      }
    }
  }
}
