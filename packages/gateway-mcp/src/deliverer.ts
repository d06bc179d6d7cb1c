import { createHash } from 'node:crypto';
import { canonicalBytes, field, type JsonObject, type JsonValue } from '@provability-fabric/kernel';
import type { ClientTasks } from './client-tasks.ts';
import { hiddenAnswer, introduction } from './hidden-answer.ts';
import { hushedEmpty, hushedTaskResponse } from './hushed.ts';
import type { About, ClientOutlet, MessageSource, UpstreamOutlet } from './link.ts';
import {
  type IdKey,
  type Malformed,
  type Message,
  type Request,
  type Response,
  readMessage,
} from './message.ts';
import { Notices } from './notices.ts';
import type { Outcomes } from './outcomes.ts';
import type { Pending, PendingTable } from './pending.ts';
import type { ActionOutcome, Decider, RelayEvents, Shown } from './ports.ts';
import {
  errorLine,
  evidenceUnavailable,
  METHOD_NOT_FOUND,
  outcomeAmbiguous,
  REFUSED,
  secretExposed,
} from './refusal.ts';
import { CLIENT_ANSWERS, isKnownServerRequest } from './routes.ts';
import type { Disclosure, ServerRequests } from './server-requests.ts';
import { createdTaskId, type TaskTable } from './tasks.ts';
import { listedTools } from './tool-list.ts';

export interface DelivererParts {
  readonly reader: MessageSource;
  readonly clientOut: ClientOutlet;
  readonly upstreamOut: UpstreamOutlet;
  readonly clientTasks: ClientTasks;
  readonly pending: PendingTable;
  readonly tasks: TaskTable;
  readonly serverRequests: ServerRequests;
  readonly outcomes: Outcomes;
  readonly decider: Decider;
  readonly events: RelayEvents;
  readonly maxLineBytes: number;
  /** Before the names of this upstream's tools, as the policy knows them. */
  readonly targetPrefix: string;
}

const EMPTY: ReadonlySet<string> = new Set(['ping', 'logging/setLevel', 'resources/unsubscribe']);

/**
 * The way from the upstream to the client: one line at a time, in the order received. What a decided request
 * brought is recorded before the client sees it, and so before anything that came after it.
 */
export class Deliverer {
  private readonly notices: Notices;

  constructor(private readonly parts: DelivererParts) {
    this.notices = new Notices(parts);
  }

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
      await this.accept(event.bytes, event.message ?? readMessage(event.bytes), event.related);
    }
    if (reader.unfinishedBytes > 0) events.emit('mcp.upstream-line-dropped', { reason: 'UNFINISHED' });
    return 'end';
  }

  stop(): void {
    this.parts.reader.stop();
  }

  private async accept(bytes: Buffer, message: Message, related: IdKey | undefined): Promise<void> {
    switch (message.kind) {
      case 'blank':
        return;
      case 'malformed':
        return this.dropMalformed(message);
      case 'request':
        return this.ask(message, bytes, related);
      case 'notification':
        return this.notices.deliver(message, bytes, related);
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

  /** What the server asks the client; what it may not ask now is answered here. */
  private async ask(request: Request, bytes: Buffer, related: IdKey | undefined): Promise<void> {
    const { method, params = {} } = request;
    const { clientOut, clientTasks, serverRequests, events } = this.parts;
    if (!isKnownServerRequest(method)) {
      return this.refuse(request, METHOD_NOT_FOUND, 'UNKNOWN_METHOD', 'expected a method of MCP 2025-11-25');
    }
    let disclosure: Disclosure | undefined;
    if (CLIENT_ANSWERS.has(method)) {
      const { pending, tasks } = this.parts;
      if (!pending.hasCallInFlight && !tasks.hasUnfinished) {
        return this.refuse(request, REFUSED, 'NO_CALL', 'expected a call of the client to be under way');
      }
      // The question itself could tell of what the call returns.
      if (pending.hidesAnswer || tasks.hidesOutcome) {
        return this.refuse(
          request,
          REFUSED,
          'HIDDEN',
          'expected no question while a hidden result is on its way',
        );
      }
      disclosure = { method, params };
    } else if (method === 'tasks/result') {
      disclosure = clientTasks.originOf(params);
      if (disclosure === undefined) {
        return this.refuse(request, REFUSED, 'NO_TASK', 'expected the task of an earlier request');
      }
    }
    if (await this.holdsSecret([request.id, method, params])) {
      return this.refuse(request, REFUSED, 'SECRET_EXPOSED', 'expected a question without a secret in it');
    }
    if (!serverRequests.add(request, disclosure, bytes.length)) {
      return events.emit('mcp.upstream-line-dropped', { reason: 'TOO_MANY_REQUESTS' });
    }
    clientOut.write(bytes, { kind: 'notice', related, fromServer: 'request' });
  }

  private async refuse({ id }: Request, rpcCode: number, code: string, text: string): Promise<void> {
    const { upstreamOut, events } = this.parts;
    events.emit('mcp.server-request-refused', { code });
    await upstreamOut.ready(); // a server that asks and does not read is not read either
    upstreamOut.write(errorLine(id, rpcCode, text, { code }), { kind: 'response' });
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
    const { clientOut, outcomes } = this.parts;
    const isRecorded = pending.kind !== 'pass' && pending.kind !== 'list-tools';
    // What goes on record is searched when it does.
    if (!isRecorded && (await this.holdsSecret(response.whole)))
      return outcomes.answer(pending, secretExposed());
    switch (pending.kind) {
      case 'pass':
        return clientOut.write(this.passed(pending, response) ?? bytes, answerTo(pending));
      case 'list-tools':
        return this.deliverTools(pending, response.whole, bytes);
      case 'task-result':
        return this.deliverTaskResult(pending, response, bytes);
      case 'call':
      case 'read':
        return this.deliverDecided(pending, response, bytes);
    }
  }

  /** A response that nobody decides, as it is where results are hidden; undefined: as it came. */
  private passed({ method }: Pending, response: Response): string | undefined {
    if (this.parts.decider.hiding() === undefined) return undefined;
    if (method === 'initialize') return introduction(response.whole);
    if (method.startsWith('tasks/')) return hushedTaskResponse(response);
    // Lists are the server's word about itself; errors, and answers that ought to be empty, are not.
    return EMPTY.has(method) || !response.body.ok ? hushedEmpty(response) : undefined;
  }

  private async deliverTaskResult(pending: Pending, response: Response, bytes: Buffer): Promise<void> {
    const { outcomes, tasks } = this.parts;
    const shown = await this.recordTask(pending.taskId, response);
    if (shown !== undefined) return this.show(pending, response, bytes, shown);
    outcomes.answer(pending, evidenceUnavailable(tasks.get(pending.taskId)?.certificateId));
  }

  /** What came, or what the agent may see of it. */
  private show(pending: Pending, { body }: Response, bytes: Buffer, { instead }: Shown): void {
    const line = instead === undefined ? bytes : hiddenAnswer(pending, body, instead);
    this.parts.clientOut.write(line, answerTo(pending));
  }

  private async deliverDecided(pending: Pending, response: Response, bytes: Buffer): Promise<void> {
    const { outcomes } = this.parts;
    const { certificateId } = pending;
    if (certificateId === undefined) throw new Error('a request was forwarded without its certificate');
    const taskId = pending.asTask && response.body.ok ? createdTaskId(response.body.result) : undefined;
    // With a secret in it, it goes on record as a result of which nothing is shown.
    if (taskId !== undefined && !(await this.holdsSecret(response.whole))) {
      const line = pending.hides ? hushedTaskResponse(response) : bytes;
      return this.deliverTask(pending, certificateId, taskId, line);
    }
    const shown = await outcomes.record(certificateId, outcomeOf(response.body));
    if (shown !== undefined) return this.show(pending, response, bytes, shown);
    outcomes.answer(pending, evidenceUnavailable(certificateId));
  }

  /** The handle of a task is not its outcome: that is still to be fetched. */
  private async deliverTask(
    pending: Pending,
    certificateId: string,
    taskId: string,
    bytes: Buffer | string,
  ): Promise<void> {
    const { clientOut, outcomes, tasks, events } = this.parts;
    const { progressKey, hides } = pending;
    if (tasks.add(taskId, { certificateId, progressKey, hides, recorded: undefined })) {
      clientOut.write(bytes, answerTo(pending));
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
   * What the agent may see; undefined where that is nothing: it could not be recorded, or is another than the one recorded.
   */
  private async recordTask(taskId: string | undefined, { body }: Response): Promise<Shown | undefined> {
    const task = this.parts.tasks.get(taskId);
    if (task === undefined) return undefined;
    const result = body.ok ? body.result : body.error;
    const digest = createHash('sha256')
      .update(canonicalBytes([body.ok, result]))
      .digest('hex');
    if (task.recorded?.digest === digest) return task.recorded.shown;
    if (task.recorded?.final === true) {
      this.parts.events.emit('mcp.task-result-changed', {});
      return undefined;
    }
    // An error may be the call's own, or only say that the result cannot be fetched (any more): not to be
    // guessed.
    const outcome: ActionOutcome = body.ok ? outcomeOf(body) : { outcome: 'ambiguous', result };
    const shown = await this.parts.outcomes.record(task.certificateId, outcome);
    if (shown !== undefined) task.recorded = { digest, final: body.ok, shown };
    return shown;
  }

  private async holdsSecret(value: JsonValue): Promise<boolean> {
    const { decider, events } = this.parts;
    const isExposed = (await decider.holdsSecret?.(value)) ?? false;
    if (isExposed) events.emit('mcp.secret-withheld', { side: 'upstream' });
    return isExposed;
  }

  private deliverTools(pending: Pending, whole: JsonObject, bytes: Buffer): void {
    const { clientOut, events } = this.parts;
    const listed = listedTools(whole, {
      mayEverCall: (tool) => this.mayEverCall(tool),
      hiding: this.parts.decider.hiding(),
      fromTheStart: pending.fromTheStart,
    });
    if (listed !== undefined && listed.hidden > 0) events.emit('mcp.tools-hidden', { count: listed.hidden });
    clientOut.write(listed?.line ?? bytes, answerTo(pending));
  }

  /** Who cannot say hides the tool. */
  private mayEverCall(tool: string): boolean {
    try {
      return this.parts.decider.mayEverCall(`${this.parts.targetPrefix}${tool}`);
    } catch {
      this.parts.events.emit('mcp.decision-failed', { action: 'list' });
      return false;
    }
  }

  /** The client has its answer already; the record learns what really came of it. */
  private async respondLate(response: Response): Promise<void> {
    const { pending, events, outcomes, tasks } = this.parts;
    const late = response.key === undefined ? undefined : pending.takeLate(response.key);
    if (late === undefined) return events.emit('mcp.upstream-line-dropped', { reason: 'UNKNOWN_ID' });
    events.emit('mcp.late-response', {});
    await late.after;
    if (late.taskId !== undefined) await this.recordTask(late.taskId, response);
    if (late.certificateId === undefined) return;
    // The client never got the handle of this task, so its outcome stays ambiguous.
    const taskId = late.asTask && response.body.ok ? createdTaskId(response.body.result) : undefined;
    if (taskId !== undefined) {
      if (late.hides) tasks.addUnseen(taskId);
      return;
    }
    await outcomes.record(late.certificateId, outcomeOf(response.body));
  }
}

function answerTo({ key }: Pending): About {
  return { kind: 'answer', key };
}

function outcomeOf(body: Response['body']): ActionOutcome {
  if (!body.ok) return { outcome: 'failed', result: body.error };
  const failed: JsonValue | undefined = field(body.result, 'isError');
  return { outcome: failed === true ? 'failed' : 'done', result: body.result };
}
