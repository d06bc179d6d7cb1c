import type { Writable } from 'node:stream';
import type { ClientOutlet, UpstreamOutlet } from './link.ts';

export interface OutletEvents {
  /** The stream broke: nothing written from now on arrives. Said once. */
  failed?(): void;
  /** Whether the other end lets bytes wait. */
  blocked?(blocked: boolean): void;
}

/**
 * The one place that writes to a peer: whole lines, in order, with a way to wait until the peer has caught
 * up.
 */
export class Outlet implements ClientOutlet, UpstreamOutlet {
  private broken = false;
  private patient = true;
  private waiting: Promise<void> | undefined;
  private release: (() => void) | undefined;

  constructor(
    private readonly stream: Writable,
    private readonly events: OutletEvents = {},
  ) {
    stream.on('error', this.onFailure);
    stream.once('close', this.onFailure);
    stream.on('drain', this.onDrain);
    if (stream.destroyed || stream.writableEnded) this.broken = true;
  }

  /** Hands a line to the stream; never waits. Callers bound what they write by `ready` or `below`. */
  write(line: Uint8Array | string): void {
    if (!this.isOpen) return;
    if (!this.stream.write(line)) this.block();
  }

  /** Resolves when the stream takes more, or never will. */
  ready(): Promise<void> {
    return this.waiting ?? Promise.resolve();
  }

  /** From now on `ready` waits for nobody: there is an end to come to. */
  stopWaiting(): void {
    this.patient = false;
    this.onDrain();
  }

  get isOpen(): boolean {
    return !this.broken && !this.stream.writableEnded;
  }

  get bufferedBytes(): number {
    return this.broken ? 0 : this.stream.writableLength;
  }

  end(): void {
    if (this.isOpen) this.stream.end();
  }

  /** Resolves once what was written has left this process, or cannot. */
  flushed(): Promise<void> {
    if (!this.isOpen || this.stream.writableLength === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.stream.once('close', resolve);
      this.stream.write('', () => resolve());
    });
  }

  private block(): void {
    if (!this.patient || this.waiting !== undefined) return;
    this.waiting = new Promise((resolve) => {
      this.release = resolve;
    });
    this.events.blocked?.(true);
  }

  private readonly onDrain = (): void => {
    if (this.waiting === undefined) return;
    this.waiting = undefined;
    this.release?.();
    this.events.blocked?.(false);
  };

  private readonly onFailure = (): void => {
    this.onDrain();
    if (this.broken) return;
    this.broken = true;
    this.events.failed?.();
  };
}
