import { field, type JsonObject } from '@provability-fabric/kernel';
import { type AdmissionParts, admit } from './admission.ts';
import type { Changes } from './changes.ts';
import type { ClientTasks } from './client-tasks.ts';
import type { Forwarder, Question } from './forwarder.ts';
import type { ClientOutlet, MessageSource, UpstreamOutlet } from './link.ts';
import {
  type IdKey,
  idKey,
  type Malformed,
  type Message,
  type Notification,
  type Request,
  type Response,
  readMessage,
} from './message.ts';
import type { RelayEvents } from './ports.ts';
import { errorLine, INVALID_REQUEST, PARSE_ERROR } from './refusal.ts';
import { isKnownNotification } from './routes.ts';
import type { Disclosure, ServerRequests } from './server-requests.ts';
import { createdTaskId } from './tasks.ts';

// A client that does not read its answers is not read either, beyond this. Not sooner: a client that writes a
// large message before it reads must not be stopped halfway.
const MAX_UNREAD_ANSWER_BYTES = 4 * 1024 * 1024;

export interface IntakeParts extends AdmissionParts {
  readonly reader: MessageSource;
  readonly forwarder: Forwarder;
  readonly clientOut: ClientOutlet;
  readonly upstreamOut: UpstreamOutlet;
  readonly clientTasks: ClientTasks;
  readonly serverRequests: ServerRequests;
  readonly events: RelayEvents;
  readonly changes: Changes;
  readonly maxLineBytes: number;
}

/** What the client sends: everything that is not exactly understood is answered here and goes no further. */
export class Intake {
  private stopped = false;

  constructor(private readonly parts: IntakeParts) {}

  /** Resolves at the client's end of input, or after `stop`. */
  async run(): Promise<void> {
    const { reader, events, changes } = this.parts;
    for (;;) {
      await changes.until(() => this.stopped || this.hasRoom());
      const event = await reader.next();
      if (event === undefined) break;
      if (event.kind === 'line') this.accept(event.bytes, event.message ?? readMessage(event.bytes));
      else this.refuseTooLong();
    }
    if (reader.unfinishedBytes > 0) events.emit('mcp.client-line-refused', { code: 'UNFINISHED' });
  }

  stop(): void {
    this.stopped = true;
    this.parts.reader.stop();
    this.parts.changes.announce();
  }

  private hasRoom(): boolean {
    const { forwarder, clientOut, pending, serverRequests, maxPending } = this.parts;
    if (forwarder.isFull || clientOut.bufferedBytes >= MAX_UNREAD_ANSWER_BYTES) return false;
    // While the server asks the client, its answer must be read, or what waits for it would never end.
    return pending.size < maxPending || serverRequests.size > 0;
  }

  private accept(bytes: Buffer, message: Message): void {
    switch (message.kind) {
      case 'blank':
        break;
      case 'malformed':
        this.refuseMalformed(message);
        break;
      case 'notification':
        this.notification(message, bytes);
        break;
      case 'request':
        this.request(message, bytes);
        break;
      case 'response':
        this.response(message, bytes);
        break;
    }
  }

  private refuseTooLong(): void {
    const { events, maxLineBytes: limit } = this.parts;
    events.emit('mcp.line-too-long', { side: 'client', limit });
    const text = `expected a message of at most ${limit} bytes`;
    this.answer(errorLine(null, INVALID_REQUEST, text, { code: 'MESSAGE_TOO_LARGE', limit }));
  }

  private refuseMalformed({ code, reason, id, key }: Malformed): void {
    const { events, pending } = this.parts;
    events.emit('mcp.client-line-refused', { code });
    const answered = id !== undefined && key !== undefined && !pending.isInUse(key) ? id : null;
    const rpcCode = code.startsWith('JSON_') ? PARSE_ERROR : INVALID_REQUEST;
    this.answer(errorLine(answered, rpcCode, reason, { code }), answered === null ? undefined : key);
  }

  private request(request: Request, bytes: Buffer): void {
    const { pending, forwarder, events } = this.parts;
    const admission = admit(request, this.parts);
    if (admission.ok) {
      pending.add(admission.pending);
      forwarder.push({ bytes, pending: admission.pending, question: admission.question });
    } else {
      const { id, rpcCode, code, text } = admission;
      events.emit('mcp.client-line-refused', { code });
      this.answer(errorLine(id, rpcCode, text, { code, effect: 'block' }), request.key);
    }
  }

  private response(response: Response, bytes: Buffer): void {
    const { serverRequests, clientTasks, forwarder, events } = this.parts;
    const answers = serverRequests.take(response.key);
    if (answers === undefined) {
      events.emit('mcp.unexpected-response', {});
    } else if (answers.disclosure === undefined) {
      forwarder.push({ bytes, answers });
    } else {
      const taskId = response.body.ok ? createdTaskId(response.body.result) : undefined;
      if (taskId !== undefined) clientTasks.add(taskId, answers);
      forwarder.push({ bytes, answers, question: questionOf(answers.disclosure, response.body) });
    }
  }

  private answer(line: string, key?: IdKey): void {
    this.parts.clientOut.write(line, { kind: 'answer', key });
  }

  private notification({ method, params }: Notification, bytes: Buffer): void {
    if (!isKnownNotification(method)) this.parts.events.emit('mcp.unknown-notification', {});
    // Without a request id it names nothing that waits here.
    else if (method !== 'notifications/cancelled' || field(params, 'requestId') === undefined) {
      this.parts.forwarder.push({ bytes });
    } else this.cancel(params, bytes);
  }

  /** Takes effect at once, ahead of what waits for a decision: that is what it is for. */
  private cancel(params: JsonObject | undefined, bytes: Buffer): void {
    const { pending: table, events, upstreamOut } = this.parts;
    const key = idKey(field(params, 'requestId'));
    const pending = key === undefined ? undefined : table.get(key);
    if (pending === undefined || pending.abandoned) {
      // Also the second cancellation of one request: what bypasses the queue must be bounded by the requests.
      events.emit('mcp.cancelled-unknown', {});
      return;
    }
    pending.abandoned = true;
    if (pending.stage === 'forwarded') upstreamOut.write(bytes, { kind: 'notification' });
    else if (pending.stage !== 'settling') {
      table.stopClock(pending);
      events.emit('mcp.cancelled-before-sent', {});
    }
  }
}

function questionOf({ method, params }: Disclosure, body: Response['body']): Question {
  const answer = body.ok ? { response: body.result } : { error: body.error };
  return { action: 'call', target: method, value: { request: params, ...answer } };
}
