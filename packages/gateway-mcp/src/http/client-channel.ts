import type { ServerResponse } from 'node:http';
import type { About, ClientLink, ClientOutlet } from '../link.ts';
import type { IdKey } from '../message.ts';
import { MessageQueue } from '../message-queue.ts';
import type { OutletEvents } from '../outlet.ts';
import type { RelayEvents } from '../ports.ts';
import type { ByteBudget } from './byte-budget.ts';
import { EventStream } from './event-stream.ts';
import { EndpointRefusal } from './http-answer.ts';
import type { McpLimits } from './limits.ts';
import { PostedAnswer } from './posted-answer.ts';
import { ReplayBuffer } from './replay-buffer.ts';

export interface ClientChannelOptions {
  readonly limits: McpLimits;
  readonly budget: ByteBudget;
  readonly events: RelayEvents;
  readonly now: () => number;
}

/** The stream of a session that belongs to no request. */
const STANDALONE = 0;

/**
 * The client of one MCP session as the relay sees it: what it posts comes in one by one, what is for it goes out on
 * the stream where it belongs.
 */
export class ClientChannel implements ClientLink, ClientOutlet {
  readonly source = new MessageQueue();
  private readonly buffer: ReplayBuffer;
  private readonly streams = new Map<number, EventStream>();
  private readonly requests = new Map<IdKey, PostedAnswer>();
  private readonly standalone: EventStream;
  private lastStream = STANDALONE;
  private unsentBytes = 0;
  private outletEvents: OutletEvents = {};
  private isClosed = false;
  private isPatient = true;
  private waiting: Promise<void> | undefined;
  private release: (() => void) | undefined;
  private slowTimer: NodeJS.Timeout | undefined;

  constructor(private readonly options: ClientChannelOptions) {
    this.buffer = new ReplayBuffer(options.limits, options.budget, options.now);
    this.standalone = this.newStream(STANDALONE);
  }

  open(events: OutletEvents): ClientOutlet {
    this.outletEvents = events;
    return this;
  }

  /** Requests of the client that wait for their answer. */
  get openRequests(): number {
    return this.requests.size;
  }

  get isListening(): boolean {
    for (const stream of this.streams.values()) if (stream.isAttached) return true;
    return this.requests.size > 0;
  }

  isWaitedFor(key: IdKey): boolean {
    return this.requests.has(key);
  }

  /** A request that was posted: its answer and what belongs to it, goes to this response. */
  expect(
    key: IdKey,
    answer: Omit<ConstructorParameters<typeof PostedAnswer>[0], 'stream' | 'onDone'>,
    onDone: () => void,
  ): PostedAnswer {
    const stream = this.newStream(++this.lastStream);
    const posted = new PostedAnswer({
      ...answer,
      stream,
      onDone: () => {
        if (this.requests.get(key) === posted) this.requests.delete(key);
        onDone();
      },
    });
    this.requests.set(key, posted);
    return posted;
  }

  /** False where another connection already carries it. */
  listen(response: ServerResponse, sessionId: string, primed: boolean): boolean {
    if (this.standalone.isAttached) return false;
    this.standalone.attach(response, sessionId, this.standalone.delivered, primed);
    this.standalone.open();
    return true;
  }

  /** Takes a stream up after one of its events; false where it is not known any more. */
  resume(
    stream: number,
    after: number,
    response: ServerResponse,
    sessionId: string,
    primed: boolean,
  ): boolean {
    const known = this.streams.get(stream);
    known?.attach(response, sessionId, after, primed);
    known?.open();
    return known !== undefined;
  }

  write(line: Uint8Array | string, about: About): void {
    if (this.isClosed) return;
    if (about.kind === 'answer') {
      const posted = about.key === undefined ? undefined : this.requests.get(about.key);
      posted?.answer(line, about.denied); // undefined where it was cancelled: the server answered none the less
    } else this.streamFor(about.related).append(line);
  }

  ready(): Promise<void> {
    return this.waiting ?? Promise.resolve();
  }

  stopWaiting(): void {
    this.isPatient = false;
    this.unblock();
  }

  get isOpen(): boolean {
    return !this.isClosed;
  }

  get bufferedBytes(): number {
    return this.unsentBytes;
  }

  flushed(): Promise<void> {
    return Promise.resolve(); // `end` hands over what is left
  }

  dropOld(): void {
    this.buffer.dropOld();
  }

  /** The session is over: every stream ends, and nothing of it is kept. */
  end(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.source.stop();
    this.refuseAll(new EndpointRefusal('RELAY_CLOSED', 'the session has ended'));
    for (const stream of [...this.streams.values()]) stream.end();
    this.buffer.clear();
    this.streams.clear();
    this.unblock();
  }

  /** The client does not wait any more: its stream ends, which a server that obeys would never do. */
  cancel(key: IdKey | undefined): void {
    const posted = key === undefined ? undefined : this.requests.get(key);
    posted?.cancel();
  }

  /** Nobody will answer what waits. */
  refuseAll(refusal: EndpointRefusal): void {
    for (const posted of [...this.requests.values()]) posted.refuse(refusal);
  }

  private newStream(number: number): EventStream {
    const stream = new EventStream({
      number,
      buffer: this.buffer,
      keepAliveMs: this.options.limits.keepAliveMs,
      slowClientMs: this.options.limits.slowClientMs,
      onSlow: () => this.slow(),
      onUnsent: (bytes) => this.unsent(bytes),
      onForgotten: () => this.streams.delete(number),
    });
    this.streams.set(number, stream);
    return stream;
  }

  /**
   * What belongs to no request goes to the stream made for it. A client that has not opened that one still has to
   * hear what the server asks, so it goes with the latest request.
   */
  private streamFor(related: IdKey | undefined): { append(line: Uint8Array | string): void } {
    const own = related === undefined ? undefined : this.requests.get(related);
    if (own !== undefined) return own;
    if (this.standalone.isAttached) return this.standalone;
    let latest: PostedAnswer | undefined;
    for (const posted of this.requests.values()) if (posted.isConnected) latest = posted;
    return latest ?? this.standalone;
  }

  private unsent(bytes: number): void {
    this.unsentBytes += bytes;
    if (this.unsentBytes <= this.options.limits.maxUnsentBytes) this.unblock();
    else this.block();
  }

  private block(): void {
    if (this.waiting !== undefined || !this.isPatient || this.isClosed) return;
    this.waiting = new Promise((resolve) => {
      this.release = resolve;
    });
    this.outletEvents.blocked?.(true);
    this.slowTimer = setTimeout(() => this.cutSlow(), this.options.limits.slowClientMs);
  }

  private unblock(): void {
    if (this.waiting === undefined) return;
    clearTimeout(this.slowTimer);
    this.waiting = undefined;
    this.release?.();
    this.outletEvents.blocked?.(false);
  }

  private slow(): void {
    this.options.events.emit('mcp.slow-client-cut', { milliseconds: this.options.limits.slowClientMs });
  }

  private cutSlow(): void {
    this.slow();
    for (const stream of [...this.streams.values()]) stream.detach();
  }
}
