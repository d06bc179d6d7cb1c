import type { ServerResponse } from 'node:http';
import type { ReplayBuffer, StreamEvent } from './replay-buffer.ts';

export interface EventStreamOptions {
  /** Names the stream in the ids of its events. */
  readonly number: number;
  readonly buffer: ReplayBuffer;
  readonly keepAliveMs: number;
  /** How long a client may leave what was written unread, beside the time that its size takes. */
  readonly slowClientMs: number;
  readonly onSlow: () => void;
  /** What waits for the client became more or less. */
  readonly onUnsent: (bytes: number) => void;
  /** Nothing of it is left, or will come. */
  readonly onForgotten: () => void;
}

/** Of one response: it goes on where another one takes over the stream. */
interface ResponseClock {
  timer: NodeJS.Timeout | undefined;
}

const HEAD = new Map([
  ['content-type', 'text/event-stream'],
  ['cache-control', 'no-cache, no-transform'],
  ['x-accel-buffering', 'no'], // nginx would hold events back
]);
const RETRY_MS = 1_000;
const KEEP_ALIVE = ': \n\n';
/** The slowest that anybody may read: 64 KiB a second. */
const BYTES_PER_MS = 64;
/** Less than this the operating system takes, whether or not the client reads. */
const LARGE_BYTES = 64 * 1024;

/**
 * One SSE stream of a session: its events outlive the connection that carries them, which the client may replace
 * (MCP 2025-11-25, transports, resumability).
 */
export class EventStream {
  /** Sent ones that are kept, by number. */
  private readonly kept = new Map<number, StreamEvent>();
  private unsent: StreamEvent[] = [];
  private lastNumber = 0;
  private deliveredNumber = 0;
  private isFinished = false;
  private response: ServerResponse | undefined;
  private isBlocked = false;
  private clock: ResponseClock = { timer: undefined };
  private keepAlive: NodeJS.Timeout | undefined;

  constructor(private readonly options: EventStreamOptions) {}

  /** The last event that was written to some client. */
  get delivered(): number {
    return this.deliveredNumber;
  }

  get isAttached(): boolean {
    return this.response !== undefined;
  }

  /**
   * From now on the events after number `after` go to this client. With `primed` it learns at once from where to
   * resume; clients before 2025-11-25 do not understand an event without data.
   */
  attach(response: ServerResponse, sessionId: string | undefined, after: number, primed: boolean): void {
    this.detach();
    this.response = response;
    for (const event of this.kept.values()) {
      if (event.number <= after) continue;
      event.sentAt = undefined;
      this.unsent.push(event);
      this.options.onUnsent(event.frame.length);
    }
    response.setHeaders(HEAD);
    if (sessionId !== undefined) response.setHeader('mcp-session-id', sessionId);
    response.on('close', () => {
      if (this.response === response) this.detach();
    });
    const clock: ResponseClock = { timer: undefined };
    this.clock = clock;
    response.on('close', () => clearTimeout(clock.timer));
    response.on('drain', () => {
      clearTimeout(clock.timer);
      if (this.response !== response) return;
      this.isBlocked = false;
      this.pump();
    });
    const from = this.idOf(Math.min(after, this.lastNumber));
    if (primed) response.write(`id: ${from}\nretry: ${RETRY_MS}\ndata: \n\n`);
    this.keepAlive = setInterval(() => {
      if (!this.isBlocked) response.write(KEEP_ALIVE);
    }, this.options.keepAliveMs);
    this.keepAlive.unref();
    this.pump();
  }

  /** Lets the client know that it is connected, where nothing is to be said yet. */
  open(): void {
    this.response?.flushHeaders();
  }

  /** With `isLast`, nothing comes after it. */
  append(line: Uint8Array | string, isLast = false): void {
    this.isFinished ||= isLast;
    const number = ++this.lastNumber;
    const event: StreamEvent = {
      number,
      frame: frameOf(this.idOf(number), line),
      budgeted: false,
      sentAt: undefined,
      drop: () => {
        this.kept.delete(number);
        this.forgetIfDone();
      },
    };
    this.unsent.push(event);
    this.options.onUnsent(event.frame.length);
    this.options.buffer.keep(event);
    if (this.response === undefined) this.keepUnsent();
    else this.pump();
    this.forgetIfDone();
  }

  /** Nothing comes after what was appended. */
  finish(): void {
    this.isFinished = true;
    this.pump();
    this.forgetIfDone();
  }

  /** Cuts the connection; what was not sent can be fetched over another one. */
  detach(): void {
    const { response } = this;
    if (response === undefined) return;
    this.response = undefined;
    this.isBlocked = false;
    clearInterval(this.keepAlive);
    if (!response.writableEnded) response.destroy();
    this.keepUnsent();
    this.forgetIfDone();
  }

  /** For good: the session is over. */
  end(): void {
    this.finish();
    this.response?.end(); // a client that does not read keeps what it has read
    this.detach();
  }

  private pump(): void {
    const { response } = this;
    if (response === undefined || this.isBlocked) return;
    let sent = 0;
    for (; sent < this.unsent.length && !this.isBlocked; sent++) {
      const event = this.unsent[sent] as StreamEvent;
      const isLast = this.isFinished && sent + 1 === this.unsent.length;
      if (isLast) response.end(event.frame);
      else this.isBlocked = !response.write(event.frame);
      if (this.isBlocked || (isLast && event.frame.length > LARGE_BYTES)) {
        this.watch(response, event.frame.length);
      }
      this.deliveredNumber = Math.max(this.deliveredNumber, event.number);
      this.markSent(event);
    }
    this.unsent.splice(0, sent);
    if (!this.isFinished || this.unsent.length > 0) return;
    if (!response.writableEnded) response.end();
    this.detach();
  }

  /** A client that stays connected and does not read would keep the bytes here for ever. */
  private watch(response: ServerResponse, bytes: number): void {
    const { clock } = this;
    clearTimeout(clock.timer);
    clock.timer = setTimeout(
      () => {
        if (response.writableFinished || response.destroyed) return;
        this.options.onSlow();
        response.destroy();
      },
      this.options.slowClientMs + bytes / BYTES_PER_MS,
    );
    clock.timer.unref();
  }

  private keepUnsent(): void {
    const events = this.unsent;
    this.unsent = [];
    for (const event of events) this.markSent(event);
  }

  private markSent(event: StreamEvent): void {
    this.kept.set(event.number, event);
    this.options.onUnsent(-event.frame.length);
    this.options.buffer.sent(event);
  }

  private forgetIfDone(): void {
    const isEmpty = this.kept.size === 0 && this.unsent.length === 0;
    if (this.isFinished && this.response === undefined && isEmpty) this.options.onForgotten();
  }

  private idOf(number: number): string {
    return `${this.options.number}-${number}`;
  }
}

/** The stream and the position that an event's id names; the client controls it. */
export function parseEventId(id: string): { readonly stream: number; readonly number: number } | undefined {
  const [, stream, number] = /^(\d{1,15})-(\d{1,15})$/.exec(id) ?? [];
  return stream === undefined || number === undefined
    ? undefined
    : { stream: Number(stream), number: Number(number) };
}

function frameOf(id: string, line: Uint8Array | string): Buffer {
  const text = typeof line === 'string' ? Buffer.from(line) : line;
  let end = text.length;
  while (end > 0 && (text[end - 1] === 0x0a || text[end - 1] === 0x0d)) end--;
  return Buffer.concat([Buffer.from(`event: message\nid: ${id}\ndata: `), text.subarray(0, end), FRAME_END]);
}

const FRAME_END = Buffer.from('\n\n');
