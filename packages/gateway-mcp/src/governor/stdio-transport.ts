import type { Readable, Writable } from 'node:stream';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { CancelledNotificationSchema, type JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { JsonError, parseJsonBytes } from '@provability-fabric/kernel';
import { LineReader } from '../line-reader.ts';
import { errorLine, INVALID_REQUEST, PARSE_ERROR } from '../refusal.ts';
import { MOST_MESSAGE_BYTES } from './limits.ts';

/** Calls that are answered at a time; more are read when some are. */
const MOST_UNANSWERED = 16;

/**
 * One message per line, as the SDK's own transport, with lines of bounded length that are read one at a time, and JSON that
 * everybody reads alike: a manifest with a member twice is none.
 */
export class BoundedStdioTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: <T extends JSONRPCMessage>(message: T) => void;
  private readonly lines: LineReader;
  private readonly unanswered = new Set<string>();
  private wake: () => void = () => undefined;
  private reading: Promise<void> | undefined;
  private broken = false;

  constructor(
    input: Readable,
    private readonly output: Writable,
  ) {
    this.lines = new LineReader(input, MOST_MESSAGE_BYTES);
    output.on('error', () => {
      this.broken = true;
      this.lines.stop();
      this.wake();
    });
  }

  async start(): Promise<void> {
    this.reading = this.read();
  }

  /** Resolves when the client has ended its side and every call of its is answered. */
  async ended(): Promise<void> {
    await this.reading;
    while (this.unanswered.size > 0 && !this.broken) await this.changed();
  }

  async send(message: JSONRPCMessage): Promise<void> {
    if ('id' in message && !('method' in message)) {
      this.unanswered.delete(JSON.stringify(message.id));
      this.wake();
    }
    await this.write(`${JSON.stringify(message)}\n`);
  }

  async close(): Promise<void> {
    this.lines.stop();
    this.onclose?.();
  }

  private async read(): Promise<void> {
    for (let line = await this.lines.next(); line !== undefined; line = await this.lines.next()) {
      if (line.kind === 'too-long') {
        const reason = `expected a message of at most ${MOST_MESSAGE_BYTES} bytes`;
        await this.write(errorLine(null, INVALID_REQUEST, reason));
      } else await this.take(line.bytes);
      while (this.unanswered.size >= MOST_UNANSWERED && !this.broken) await this.changed();
    }
  }

  private async take(bytes: Buffer): Promise<void> {
    if (bytes.every((byte) => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d))) return;
    try {
      const message = parseJsonBytes(bytes) as unknown as JSONRPCMessage;
      if (isCall(message)) this.unanswered.add(JSON.stringify(message.id));
      else this.forgetCancelled(message);
      this.onmessage?.(message);
    } catch (error) {
      if (!(error instanceof JsonError)) throw error;
      await this.write(errorLine(null, PARSE_ERROR, error.message, { code: error.code }));
    }
  }

  /** A call that the client took back gets no answer. */
  private forgetCancelled(message: JSONRPCMessage): void {
    const parsed = CancelledNotificationSchema.safeParse(message);
    if (parsed.success) this.unanswered.delete(JSON.stringify(parsed.data.params.requestId));
  }

  private changed(): Promise<void> {
    return new Promise((resolve) => {
      this.wake = resolve;
    });
  }

  private async write(text: string): Promise<void> {
    if (this.broken || this.output.write(text)) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        for (const event of ['drain', 'close', 'error']) this.output.off(event, done);
        resolve();
      };
      for (const event of ['drain', 'close', 'error']) this.output.once(event, done);
    });
  }
}

/** As the SDK will answer it: anything else it passes over. */
function isCall(message: unknown): message is { readonly id: string | number } {
  const { id, method, jsonrpc } = (message ?? {}) as Readonly<Record<string, unknown>>;
  const isId = typeof id === 'string' || (typeof id === 'number' && Number.isInteger(id));
  return jsonrpc === '2.0' && typeof method === 'string' && isId;
}
