import { createHash } from 'node:crypto';
import { canonicalBytes, field, type JsonObject, type JsonValue } from '@provability-fabric/kernel';
import type { LineReader } from './line-reader.ts';
import { idKey, type Malformed, type Notification, type Response, readMessage } from './message.ts';
import type { Outcomes } from './outcomes.ts';
import type { Outlet } from './outlet.ts';
import type { Pending, PendingTable } from './pending.ts';
import type { ActionOutcome, Decider, RelayEvents } from './ports.ts';
import { evidenceUnavailable, outcomeAmbiguous } from './refusal.ts';
import type { ServerRequests } from './server-requests.ts';
import { createdTaskId, type TaskTable } from './tasks.ts';
import { withoutForbiddenTools } from './tool-list.ts';

export interface DelivererParts {
  readonly reader: LineReader;
  readonly clientOut: Outlet;
  readonly pending: PendingTable;
  readonly tasks: TaskTable;
  readonly serverRequests: ServerRequests;
  readonly outcomes: Outcomes;
  readonly decider: Decider;
  readonly events: RelayEvents;
  readonly maxLineBytes: number;
}

/**
 * The way from the upstream to the client: one line at a time, in the order received. What a decided request
 * brought is recorded before the client sees it, and so before anything that came after it.
 */
export class Deliverer {
  constructor(private readonly parts: DelivererParts) {}

  /** Resolves at the upstream's end of output, at a line too long to read on, or after `stop`. */
  async run(): Promise<'end' | 'too-long'> {
    const { reader, clientOut, events, maxLineBytes } = this.parts;
    for (;;) {
      await clientOut.ready();
      const event = await reader.next();
      if (event === undefined) break;
      if (event.kind === 'too-long') {
        events.emit('mcp.line-too-long', { side: 'upstream', limit: maxLineBytes });
        return 'too-long';
      }
      await this.accept(event.bytes);
    }
    if (reader.unfinishedBytes > 0) events.emit('mcp.upstream-line-dropped', { reason: 'UNFINISHED' });
    return 'end';
  }

  stop(): void {
    this.parts.reader.stop();
  }

  private async accept(bytes: Buffer): Promise<void> {
    const { clientOut, serverRequests, events } = this.parts;
    const message = readMessage(bytes);
    switch (message.kind) {
      case 'blank':
        return;
      case 'malformed':
        return this.dropMalformed(message);
      case 'request':
        if (serverRequests.add(message.key, message.method)) return clientOut.write(bytes);
        return events.emit('mcp.upstream-line-dropped', { reason: 'TOO_MANY_REQUESTS' });
      case 'notification':
        this.notice(message);
        return clientOut.write(bytes);
      case 'response':
        return this.respond(message, bytes);
    }
  }

  /**
   * Servers print on stdout what belongs on stderr: dropped. A response that cannot be read alike by all ends
   * its wait.
   */
  private async dropMalformed({ code, key, isCall }: Malformed): Promise<void> {
    this.parts.events.emit('mcp.upstream-line-dropped', { reason: code });
    const pending = key === undefined || isCall ? undefined : this.parts.pending.get(key);
    if (pending?.stage !== 'forwarded') return;
    const why = 'the response of the server is no message that can be passed on';
    await this.parts.outcomes.giveUp(pending, 'UPSTREAM_MALFORMED', why);
  }

  private notice({ method, params }: Notification): void {
    const { pending, serverRequests } = this.parts;
    if (method === 'notifications/progress') pending.restartClocksOfProgress(field(params, 'progressToken'));
    else if (method === 'notifications/tasks/status') pending.restartClocksOfTask(field(params, 'taskId'));
    else if (method === 'notifications/cancelled') serverRequests.remove(idKey(field(params, 'requestId')));
  }

  private async respond(response: Response, bytes: Buffer): Promise<void> {
    const pending = response.key === undefined ? undefined : this.parts.pending.get(response.key);
    // An id that was not forwarded yet is a guess: the upstream may not answer what it has not been asked.
    if (pending?.stage !== 'forwarded') return this.respondLate(response);
    pending.stage = 'settling';
    this.parts.pending.stopClock(pending);
    await this.deliver(pending, response, bytes);
    this.parts.pending.remove(pending);
  }

  private async deliver(pending: Pending, response: Response, bytes: Buffer): Promise<void> {
    const { clientOut, outcomes, tasks } = this.parts;
    switch (pending.kind) {
      case 'pass':
        return clientOut.write(bytes);
      case 'list-tools':
        return this.deliverTools(response.whole, bytes);
      case 'task-result':
        if (await this.recordTask(pending.taskId, response)) return clientOut.write(bytes);
        return outcomes.answer(pending, evidenceUnavailable(tasks.get(pending.taskId)?.certificateId));
      case 'call':
      case 'read':
        return this.deliverDecided(pending, response, bytes);
    }
  }

  private async deliverDecided(pending: Pending, response: Response, bytes: Buffer): Promise<void> {
    const { clientOut, outcomes } = this.parts;
    const { certificateId } = pending;
    if (certificateId === undefined) throw new Error('a request was forwarded without its certificate');
    const taskId = pending.asTask && response.body.ok ? createdTaskId(response.body.result) : undefined;
    if (taskId !== undefined) return this.deliverTask(pending, certificateId, taskId, bytes);
    if (await outcomes.record(certificateId, outcomeOf(response.body))) return clientOut.write(bytes);
    outcomes.answer(pending, evidenceUnavailable(certificateId));
  }

  /** The handle of a task is not its outcome: that is still to be fetched. */
  private async deliverTask(
    pending: Pending,
    certificateId: string,
    taskId: string,
    bytes: Buffer,
  ): Promise<void> {
    const { clientOut, outcomes, tasks, events } = this.parts;
    if (tasks.add(taskId, { certificateId, progressKey: pending.progressKey, recorded: undefined })) {
      clientOut.write(bytes);
      const surplus = tasks.takeSurplus();
      if (surplus !== undefined) await outcomes.closeTask(surplus);
      return;
    }
    events.emit('mcp.task-id-reused', {});
    const recorded = await outcomes.record(certificateId, { outcome: 'ambiguous' });
    const why = 'the server gave the id of another task';
    outcomes.answer(
      pending,
      recorded ? outcomeAmbiguous(why, certificateId) : evidenceUnavailable(certificateId),
    );
  }

  /**
   * False where the result may not be shown: it could not be recorded, or is another than the one recorded.
   */
  private async recordTask(taskId: string | undefined, { body }: Response): Promise<boolean> {
    const task = this.parts.tasks.get(taskId);
    if (task === undefined) return false;
    const result = body.ok ? body.result : body.error;
    const digest = createHash('sha256')
      .update(canonicalBytes([body.ok, result]))
      .digest('hex');
    if (task.recorded?.digest === digest) return true;
    if (task.recorded?.final === true) {
      this.parts.events.emit('mcp.task-result-changed', {});
      return false;
    }
    // An error may be the call's own, or only say that the result cannot be fetched (any more): not to be
    // guessed.
    const outcome: ActionOutcome = body.ok ? outcomeOf(body) : { outcome: 'ambiguous', result };
    if (!(await this.parts.outcomes.record(task.certificateId, outcome))) return false;
    task.recorded = { digest, final: body.ok };
    return true;
  }

  private deliverTools(whole: JsonObject, bytes: Buffer): void {
    const { clientOut, events } = this.parts;
    const fewer = withoutForbiddenTools(whole, (tool) => this.mayEverCall(tool));
    if (fewer !== undefined) events.emit('mcp.tools-hidden', { count: fewer.hidden });
    clientOut.write(fewer?.line ?? bytes);
  }

  /** Who cannot say hides the tool. */
  private mayEverCall(tool: string): boolean {
    try {
      return this.parts.decider.mayEverCall(tool);
    } catch {
      this.parts.events.emit('mcp.decision-failed', { action: 'list' });
      return false;
    }
  }

  /** The client has its answer already; the record learns what really came of it. */
  private async respondLate(response: Response): Promise<void> {
    const { pending, events, outcomes } = this.parts;
    const late = response.key === undefined ? undefined : pending.takeLate(response.key);
    if (late === undefined) return events.emit('mcp.upstream-line-dropped', { reason: 'UNKNOWN_ID' });
    events.emit('mcp.late-response', {});
    await late.after;
    if (late.taskId !== undefined) await this.recordTask(late.taskId, response);
    if (late.certificateId === undefined) return;
    // The client never got the handle of this task, so its outcome stays ambiguous.
    if (late.asTask && response.body.ok && createdTaskId(response.body.result) !== undefined) return;
    await outcomes.record(late.certificateId, outcomeOf(response.body));
  }
}

function outcomeOf(body: Response['body']): ActionOutcome {
  if (!body.ok) return { outcome: 'failed', result: body.error };
  const failed: JsonValue | undefined = field(body.result, 'isError');
  return { outcome: failed === true ? 'failed' : 'done', result: body.result };
}
