import type { ServerResponse } from 'node:http';
import type { UpstreamDenial } from '../link.ts';
import type { RequestId } from '../message.ts';
import { errorLine, REFUSED } from '../refusal.ts';
import type { EventStream } from './event-stream.ts';
import { DENIED_STATUS, type EndpointRefusal, sendLine, sendRefusal } from './http-answer.ts';

export interface PostedAnswerOptions {
  readonly response: ServerResponse;
  readonly id: RequestId;
  readonly stream: EventStream;
  /** Undefined: only known once the answer is (`initialize`). */
  readonly sessionId: string | undefined;
  readonly primed: boolean;
  /** How long the head may wait for the first message: until then it can still be another status. */
  readonly headDelayMs: number;
  /** Sees the answer before it is sent; what it gives is the id of the session that it begins. */
  readonly onAnswer?: (line: Uint8Array | string) => string | undefined;
  readonly onDone: () => void;
}

/** The response to one posted request: a stream that ends with its answer, or an HTTP status where nobody was let in. */
export class PostedAnswer {
  private headTimer: NodeJS.Timeout | undefined;
  private isStreaming = false;
  private isDone = false;

  constructor(private readonly options: PostedAnswerOptions) {
    const { response, headDelayMs } = options;
    this.headTimer = setTimeout(() => {
      this.stream(options.sessionId);
      options.stream.open();
    }, headDelayMs);
    response.once('close', () => clearTimeout(this.headTimer));
  }

  /** Whether the client still hears what is sent here. */
  get isConnected(): boolean {
    return this.isStreaming ? this.options.stream.isAttached : !this.options.response.destroyed;
  }

  /** A message of the server that belongs to the request. */
  append(line: Uint8Array | string): void {
    this.stream(this.options.sessionId);
    this.options.stream.append(line);
  }

  answer(line: Uint8Array | string, denied: UpstreamDenial | undefined): void {
    const { response, stream, onAnswer } = this.options;
    const sessionId = onAnswer?.(line) ?? this.options.sessionId;
    if (denied !== undefined && !this.isStreaming && !response.destroyed) {
      this.isStreaming = true;
      const status = denied.passed ? denied.status : DENIED_STATUS;
      const challenge = denied.passed ? denied.wwwAuthenticate : undefined;
      sendLine(response, status, line, challenge === undefined ? {} : { 'www-authenticate': challenge });
    } else {
      this.stream(sessionId);
      stream.append(line, true);
    }
    this.done();
  }

  cancel(): void {
    this.answer(
      errorLine(this.options.id, REFUSED, 'cancelled by the client', { code: 'CANCELLED' }),
      undefined,
    );
  }

  /** No answer will come. */
  refuse(refusal: EndpointRefusal): void {
    if (!this.isStreaming && !this.isDone) {
      this.isStreaming = true;
      sendRefusal(this.options.response, refusal);
    }
    this.done();
  }

  private done(): void {
    if (this.isDone) return;
    this.isDone = true;
    clearTimeout(this.headTimer);
    this.options.stream.finish();
    this.options.onDone();
  }

  private stream(sessionId: string | undefined): void {
    const { response, stream, primed } = this.options;
    if (this.isStreaming) return;
    this.isStreaming = true;
    clearTimeout(this.headTimer);
    if (!response.destroyed) stream.attach(response, sessionId, 0, primed);
  }
}
