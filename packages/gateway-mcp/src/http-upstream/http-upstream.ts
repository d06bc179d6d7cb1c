import { field } from '@provability-fabric/kernel';
import { UpstreamError } from '../errors.ts';
import type { Loss, MessageSource, Sent, UpstreamLink, UpstreamOutlet } from '../link.ts';
import { type IdKey, readMessage } from '../message.ts';
import { MessageQueue } from '../message-queue.ts';
import type { RelayEvents } from '../ports.ts';
import { within } from '../time-limit.ts';
import type { UpstreamExit } from '../upstream.ts';
import type { Credentials } from './credentials.ts';
import { discard, type HttpConnection, type HttpResponse, POST_HEADERS } from './http-connection.ts';
import { PostedRequest } from './posted-request.ts';
import { ServerStream } from './server-stream.ts';

export interface HttpUpstreamOptions {
  readonly connection: HttpConnection;
  readonly credentials: Credentials;
  readonly events: RelayEvents;
  /** Longest message. */
  readonly maxMessageBytes: number;
  /** How long a response is still waited for after the client was answered without it. */
  readonly lateMs: number;
}

const ANSWER_TIMEOUT_MS = 10_000;
const GOODBYE_MS = 1_000;
const DEFAULT_PROTOCOL = '2025-03-26'; // what a server assumes where the header is missing
const SESSION_ID = /^[\x21-\x7e]{1,1024}$/;
const PROTOCOL_VERSION = /^[A-Za-z0-9.-]{1,32}$/;
const GONE: UpstreamExit = { code: null, signal: null };

/** One MCP session with a server over streamable HTTP, behind the relay's link. */
export class HttpUpstream implements UpstreamLink {
  readonly source: MessageSource;
  readonly outlet: UpstreamOutlet;
  readonly done: Promise<UpstreamExit>;

  private readonly queue = new MessageQueue();
  private readonly posted = new Map<IdKey, PostedRequest>();
  private readonly stopping = new AbortController();
  private lossListener: (loss: Loss) => void = () => {};
  private resolveDone: (exit: UpstreamExit) => void = () => {};
  private sessionId: string | undefined;
  private protocolVersion = DEFAULT_PROTOCOL;
  private isInitialized = false;
  private serverStream: ServerStream | undefined;
  /** Notifications, answers and `initialize` arrive in order: the next is sent when the last was taken. */
  private inOrder: Promise<void> = Promise.resolve();

  constructor(readonly options: HttpUpstreamOptions) {
    this.source = this.queue;
    this.done = new Promise((resolve) => {
      this.resolveDone = resolve;
    });
    const self = this;
    this.outlet = {
      write: (line, sent) => this.send(line, sent),
      ready: () => this.inOrder,
      get isOpen() {
        return !self.isStopped;
      },
      end: () => void this.stop(),
    };
  }

  onLoss(listener: (loss: Loss) => void): void {
    this.lossListener = listener;
  }

  abandon(key: IdKey): void {
    this.posted.get(key)?.abortIn(this.options.lateMs);
  }

  /** Ends everything under way; says goodbye to a server that keeps sessions. */
  async stop(): Promise<void> {
    if (this.isStopped) return;
    const farewell = this.sessionId === undefined ? Promise.resolve() : this.sayGoodbye();
    this.stopping.abort();
    this.queue.end();
    await within(GOODBYE_MS, farewell);
    this.resolveDone(GONE);
  }

  get isStopped(): boolean {
    return this.stopping.signal.aborted;
  }

  get stopSignal(): AbortSignal {
    return this.stopping.signal;
  }

  /** Headers of every request; rejects where the credentials cannot be had. */
  async headers(key: IdKey | undefined, more: Record<string, string>): Promise<Record<string, string>> {
    const authorization = await this.options.credentials.authorization(key);
    return {
      ...more,
      ...(authorization !== undefined && { authorization }),
      ...(this.sessionId !== undefined && { 'mcp-session-id': this.sessionId }),
      ...(this.isInitialized && { 'mcp-protocol-version': this.protocolVersion }),
    };
  }

  /** A message of the server; `related` is the request on whose stream it came. */
  async deliver(line: Buffer, related: IdKey | undefined, onAnswer?: () => void): Promise<void> {
    const message = readMessage(line);
    const answers = message.kind === 'response' && message.key === related && related !== undefined;
    if (answers) onAnswer?.();
    await this.queue.put({ kind: 'line', bytes: line, message, related });
  }

  lose(loss: Loss): void {
    if (!this.isStopped) this.lossListener(loss);
  }

  /** The server no longer knows this session: nothing more can come of it. */
  forget(): void {
    if (this.isStopped) return;
    this.options.events.emit('mcp.upstream-session-lost', {});
    this.sessionId = undefined;
    void this.stop();
  }

  get hasSession(): boolean {
    return this.sessionId !== undefined;
  }

  /** What the head of the response to `initialize` fixes for the session. */
  begin({ headers }: HttpResponse): void {
    const id = headers['mcp-session-id'];
    if (typeof id === 'string' && SESSION_ID.test(id)) this.sessionId = id;
  }

  private send(line: Uint8Array | string, sent: Sent): void {
    if (this.isStopped) return;
    const body = Buffer.from(line).subarray(0, -1); // without its line feed
    if (sent.kind === 'request') {
      let answered = () => {};
      const answer = new Promise<void>((resolve) => {
        answered = resolve;
      });
      const request = new PostedRequest(this, sent, body, {
        finished: () => {
          if (this.posted.get(sent.key) === request) this.posted.delete(sent.key);
        },
        answered: (line) => {
          if (sent.method === 'initialize') this.initialized(line);
          answered();
        },
      });
      this.posted.set(sent.key, request);
      const running = request.run();
      if (sent.method === 'initialize') {
        this.inOrder = within(ANSWER_TIMEOUT_MS, Promise.race([running, answer]));
      }
      return;
    }
    this.inOrder = this.inOrder.then(() => this.tell(body));
  }

  private initialized(line: Buffer): void {
    const message = readMessage(line);
    if (message.kind !== 'response' || !message.body.ok) return;
    const version = field(message.body.result, 'protocolVersion');
    if (typeof version === 'string' && PROTOCOL_VERSION.test(version)) this.protocolVersion = version;
    this.isInitialized = true;
  }

  /** A notification or an answer: the server takes it or not, and says no more. */
  private async tell(body: Buffer): Promise<void> {
    if (this.isStopped) return;
    try {
      const response = await this.options.connection.request({
        method: 'POST',
        headers: await this.headers(undefined, POST_HEADERS),
        body,
        signal: this.stopSignal,
        headersTimeoutMs: ANSWER_TIMEOUT_MS,
      });
      void discard(response.body);
      if (response.status === 404 && this.hasSession) return this.forget();
      if (response.status >= 300)
        this.options.events.emit('mcp.upstream-status', { status: response.status });
    } catch (error) {
      if (this.isStopped) return;
      const code = error instanceof UpstreamError ? error.code : 'UPSTREAM_UNREACHABLE';
      this.options.events.emit('mcp.upstream-unreachable', { code });
    }
    // Not earlier: before the first notification (`initialized`) a server may refuse it.
    if (this.isInitialized) this.serverStream ??= new ServerStream(this);
  }

  private async sayGoodbye(): Promise<void> {
    try {
      const headers = await this.headers(undefined, {});
      const signal = AbortSignal.timeout(GOODBYE_MS);
      const response = await this.options.connection.request({ method: 'DELETE', headers, signal });
      await discard(response.body);
    } catch {
      // It keeps the session until that has been idle: all that a goodbye saves.
    }
  }
}
