import { type JsonValue, parseJsonBytes } from '@provability-fabric/kernel';
import type { Changes } from './changes.ts';
import { ownAnswerLine } from './hidden-answer.ts';
import type { ClientOutlet, Sent, UpstreamOutlet } from './link.ts';
import type { Outcomes } from './outcomes.ts';
import type { Pending, PendingTable } from './pending.ts';
import type { Decider, Decision, RelayEvents } from './ports.ts';
import { errorLine, evidenceUnavailable, REFUSED, refusalOf, secretExposed } from './refusal.ts';
import { withArguments, withResult } from './sent-on.ts';
import type { ServerRequest } from './server-requests.ts';

type Allowed = Extract<Decision, { readonly effect: 'allow' }>;
type Refused = Exclude<Decision, Allowed>;

export interface Question {
  readonly action: 'call' | 'read';
  readonly target: string;
  readonly value: JsonValue;
  /** What else of the message is sent on. */
  readonly beside?: JsonValue;
}

/** A line on its way to the upstream: the bytes that came, and what must be known before they go on. */
export interface Outgoing {
  readonly bytes: Buffer;
  readonly pending?: Pending | undefined;
  readonly question?: Question | undefined;
  /** The request of the server that the line answers. */
  readonly answers?: ServerRequest | undefined;
}

export interface ForwarderParts {
  readonly upstreamOut: UpstreamOutlet;
  readonly clientOut: ClientOutlet;
  readonly pending: PendingTable;
  readonly outcomes: Outcomes;
  readonly decider: Decider;
  readonly events: RelayEvents;
  readonly changes: Changes;
  readonly newRequestId: () => string;
  readonly maxQueuedBytes: number;
  readonly maxQueuedLines: number;
}

const RESPONSE: Sent = { kind: 'response' };
const NOT_PASSED_ON = 'the answer of the client was not passed on';

/**
 * The only way to the upstream: one line at a time, in the order received, each decided before it goes.
 * Decisions are made one after the other because each depends on what the session has done so far.
 */
export class Forwarder {
  private readonly queue: Outgoing[] = [];
  private queuedBytes = 0;
  private running = false;
  private deciding = false;
  private stopped = false;

  constructor(private readonly parts: ForwarderParts) {}

  push(line: Outgoing): void {
    this.queue.push(line);
    this.queuedBytes += line.bytes.length;
    if (!this.running) void this.run();
  }

  get isFull(): boolean {
    return this.queuedBytes >= this.parts.maxQueuedBytes || this.queue.length >= this.parts.maxQueuedLines;
  }

  /** Whether everything received has been dealt with. */
  get isIdle(): boolean {
    return !this.running;
  }

  get isDeciding(): boolean {
    return this.deciding;
  }

  /**
   * Nothing more goes out. A decision under way is still awaited (see `isDeciding`); what it allows is not
   * sent.
   */
  stop(): void {
    this.stopped = true;
    this.queue.length = 0;
    this.queuedBytes = 0;
  }

  private async run(): Promise<void> {
    this.running = true;
    for (let line = this.queue[0]; line !== undefined; line = this.queue[0]) {
      await this.parts.upstreamOut.ready();
      if (this.stopped) break;
      await this.forward(line);
      if (this.stopped) break;
      this.queue.shift();
      this.queuedBytes -= line.bytes.length;
      this.parts.changes.announce();
    }
    this.running = false;
    this.parts.changes.announce();
  }

  private async forward({ bytes, pending, question, answers }: Outgoing): Promise<void> {
    const { upstreamOut, outcomes } = this.parts;
    if (answers !== undefined) return this.forwardAnswer(bytes, answers, question);
    if (pending === undefined) return this.notify(bytes);
    if (pending.abandoned) return this.parts.pending.remove(pending);
    if (!upstreamOut.isOpen) return outcomes.giveUp(pending, 'UPSTREAM_CLOSED', 'the server has gone');
    if (question === undefined) return this.pass(pending, bytes);

    pending.stage = 'deciding';
    this.deciding = true;
    const decision = await this.decide(question);
    // From here to the end nothing is awaited before the line is sent: no cancellation can slip between.
    this.deciding = false;
    if (decision?.effect !== 'allow') return this.refuse(pending, question, decision);
    pending.certificateId = decision.certificateId;
    pending.hides = decision.hides === true;
    if (decision.answer !== undefined) return this.answerItself(pending, decision.answer);
    if (!pending.abandoned) {
      return this.send(pending, decision.value === undefined ? bytes : withArguments(bytes, decision.value));
    }
    // Certified, but cancelled or given up meanwhile: it certainly did not happen.
    this.parts.pending.remove(pending);
    this.deciding = true;
    await outcomes.record(decision.certificateId, { outcome: 'failed' });
    this.deciding = false;
  }

  private async notify(bytes: Buffer): Promise<void> {
    if (await this.holdsSecret(bytes)) return;
    this.parts.upstreamOut.write(bytes, { kind: 'notification' });
  }

  /** What asks for no action of the agent, and could carry what must not leave all the same. */
  private async pass(pending: Pending, bytes: Buffer): Promise<void> {
    const isExposed = await this.holdsSecret(bytes);
    if (pending.abandoned) return this.parts.pending.remove(pending);
    if (!isExposed) return this.send(pending, bytes);
    this.parts.pending.remove(pending);
    this.parts.outcomes.answer(pending, secretExposed());
  }

  private async holdsSecret(bytes: Buffer): Promise<boolean> {
    const { decider, events } = this.parts;
    if (decider.holdsSecret === undefined) return false;
    const isExposed = await decider.holdsSecret(parseJsonBytes(bytes));
    if (isExposed) events.emit('mcp.secret-withheld', { side: 'client' });
    return isExposed;
  }

  /** Nothing is sent on: what the fabric answers is on record already. */
  private answerItself(pending: Pending, answer: NonNullable<Allowed['answer']>): void {
    this.parts.pending.remove(pending);
    if (pending.abandoned) return;
    const about = { kind: 'answer', key: pending.key } as const;
    this.parts.clientOut.write(ownAnswerLine(pending.id, answer), about);
  }

  private send(pending: Pending, bytes: Uint8Array): void {
    pending.stage = 'forwarded';
    this.parts.pending.restartClock(pending);
    this.parts.upstreamOut.write(bytes, { kind: 'request', key: pending.key, method: pending.method });
  }

  /** What the client answers carries what it knows to the server, so it is decided like a call. */
  private async forwardAnswer(
    bytes: Buffer,
    answers: ServerRequest,
    question: Question | undefined,
  ): Promise<void> {
    const { upstreamOut, outcomes, events } = this.parts;
    if (question === undefined) {
      const isExposed = await this.holdsSecret(bytes);
      const line = isExposed
        ? errorLine(answers.id, REFUSED, NOT_PASSED_ON, { code: 'SECRET_EXPOSED' })
        : bytes;
      return upstreamOut.write(line, RESPONSE);
    }
    this.deciding = true;
    const decision = await this.decide(question);
    if (decision?.effect !== 'allow') {
      this.deciding = false;
      const { code } = decision === undefined ? evidenceUnavailable() : refusalOf(decision);
      events.emit('mcp.answer-refused', { target: question.target, code });
      // The server learns that there is no answer, and nothing of it.
      return upstreamOut.write(errorLine(answers.id, REFUSED, NOT_PASSED_ON, { code }), RESPONSE);
    }
    const sent = !this.stopped && upstreamOut.isOpen;
    if (sent) {
      const { value } = decision;
      upstreamOut.write(value === undefined ? bytes : withResult(bytes, value), RESPONSE);
    }
    await outcomes.record(decision.certificateId, { outcome: sent ? 'done' : 'failed' });
    this.deciding = false;
  }

  private refuse(pending: Pending, question: Question, decision: Refused | undefined): void {
    this.parts.pending.remove(pending);
    const refusal = decision === undefined ? evidenceUnavailable() : refusalOf(decision);
    this.parts.events.emit('mcp.refused', { action: question.action, code: refusal.code });
    this.parts.outcomes.answer(pending, refusal);
  }

  /** Undefined where no decision could be had: then nothing goes on. */
  private async decide(question: Question): Promise<Decision | undefined> {
    try {
      return await this.parts.decider.decide({ requestId: this.parts.newRequestId(), ...question });
    } catch {
      this.parts.events.emit('mcp.decision-failed', { action: question.action });
      return undefined;
    }
  }
}
