import type { Readable } from 'node:stream';
import type { MessageSource } from './link.ts';
import type { IdKey, Message } from './message.ts';

export type LineEvent =
  /** One line as received, its line feed included. */
  | {
      readonly kind: 'line';
      readonly bytes: Buffer;
      /** Where the transport had to read it already. */
      readonly message?: Message;
      /** The request of the client on whose stream the upstream sent it. */
      readonly related?: IdKey | undefined;
    }
  /**
   * A line passed the limit: said once, as soon as it is known; the rest of it is discarded as it streams by.
   */
  | { readonly kind: 'too-long' };

const LINE_FEED = 0x0a;
const BLOCK_BYTES = 64 * 1024;

/**
 * Lines of a byte stream, pulled one at a time: the stream flows only while somebody waits for a line, so a
 * slow reader holds back the sender. Memory is bounded by one chunk and one line of at most `maxLineBytes`
 * (without its line feed), whatever the peer sends.
 */
export class LineReader implements MessageSource {
  private readonly chunks: Buffer[] = [];
  private offset = 0;
  /**
   * An unfinished line: full blocks, the last one perhaps in part. The first block is kept for the next line.
   */
  private readonly blocks: Buffer[] = [];
  private partialLength = 0;
  private discarding = false;
  private ended = false;
  private wake: (() => void) | undefined;

  constructor(
    private readonly stream: Readable,
    private readonly maxLineBytes: number,
  ) {
    stream.pause(); // a data listener would otherwise start the flow before anybody waits
    stream.on('data', this.onData);
    stream.once('end', this.onEnd);
    stream.once('close', this.onEnd);
    stream.on('error', this.onEnd); // a broken pipe ends the input; who wrote to it learns why elsewhere
    if (stream.readableEnded || stream.destroyed) this.ended = true;
  }

  /** The next line; undefined after the end. One caller at a time. An unterminated last line is no line. */
  async next(): Promise<LineEvent | undefined> {
    for (;;) {
      const found = this.scan();
      if (found !== undefined) return found;
      if (this.ended) return undefined;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
        this.stream.resume();
      });
    }
  }

  /** Bytes of an unterminated line: after the end, what was cut off. */
  get unfinishedBytes(): number {
    return this.partialLength;
  }

  /** Ends the reading: a pending `next` and all later ones give undefined. The stream is left paused. */
  stop(): void {
    this.stream.off('data', this.onData);
    this.stream.pause();
    this.chunks.length = 0;
    this.onEnd();
  }

  private readonly onData = (chunk: Buffer | string): void => {
    this.stream.pause();
    this.chunks.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
    this.release();
  };

  private readonly onEnd = (): void => {
    this.ended = true;
    this.release();
  };

  private release(): void {
    const wake = this.wake;
    this.wake = undefined;
    wake?.();
  }

  private scan(): LineEvent | undefined {
    for (let chunk = this.chunks[0]; chunk !== undefined; chunk = this.chunks[0]) {
      const start = this.offset;
      const feed = chunk.indexOf(LINE_FEED, start);
      const end = feed < 0 ? chunk.length : feed;
      this.advance(chunk, feed < 0 ? chunk.length : feed + 1);
      if (this.discarding) {
        this.discarding = feed < 0;
        continue;
      }
      if (this.partialLength + (end - start) > this.maxLineBytes) {
        this.discarding = feed < 0;
        this.dropPartial();
        return { kind: 'too-long' };
      }
      if (feed < 0) this.append(chunk.subarray(start, end));
      else if (this.partialLength === 0) return { kind: 'line', bytes: chunk.subarray(start, feed + 1) };
      else {
        this.append(chunk.subarray(start, feed + 1));
        return { kind: 'line', bytes: this.takePartial() };
      }
    }
    return undefined;
  }

  private advance(chunk: Buffer, to: number): void {
    this.offset = to;
    if (to < chunk.length) return;
    this.chunks.shift();
    this.offset = 0;
  }

  /** Copies: a peer that sends one byte at a time would otherwise keep a whole chunk alive for each. */
  private append(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; ) {
      const used = this.partialLength % BLOCK_BYTES;
      const index = (this.partialLength - used) / BLOCK_BYTES;
      const block = this.blocks[index] ?? Buffer.allocUnsafeSlow(BLOCK_BYTES);
      this.blocks[index] = block;
      const copied = bytes.copy(block, used, at);
      at += copied;
      this.partialLength += copied;
    }
  }

  private takePartial(): Buffer {
    const line = Buffer.concat(this.blocks, this.partialLength);
    this.dropPartial();
    return line;
  }

  private dropPartial(): void {
    this.blocks.length = Math.min(this.blocks.length, 1);
    this.partialLength = 0;
  }
}
