import type { JsonObject } from '@provability-fabric/kernel';
import type { IdKey, Request, RequestId } from './message.ts';

// Answered by the client's software at once; the others may wait for a person or a model.
const PROMPT_METHODS: ReadonlySet<string> = new Set(['ping', 'roots/list']);

/** What the client's answer discloses to the server, and in reply to what: decided before it is sent. */
export interface Disclosure {
  readonly method: string;
  readonly params: JsonObject;
}

export interface ServerRequest {
  readonly id: RequestId;
  readonly key: IdKey;
  readonly waits: boolean;
  /** Undefined where the answer needs no decision. */
  readonly disclosure: Disclosure | undefined;
  readonly bytes: number;
}

/** What is remembered of the server's questions until they are answered. */
const MAX_HELD_BYTES = 16 * 1024 * 1024;

/** Requests of the server that the client has not answered: only to these may the client respond. */
export class ServerRequests {
  private readonly open = new Map<IdKey, ServerRequest>();
  private waiting = 0;
  private heldBytes = 0;

  constructor(
    private readonly maxOpen: number,
    private readonly onWaiting: (anyWaits: boolean) => void,
  ) {}

  get size(): number {
    return this.open.size;
  }

  /**
   * False where there are too many, or the id is taken: then the request must not reach the client. `length` is that
   * of its line.
   */
  add({ id, key, method }: Request, disclosure: Disclosure | undefined, length: number): boolean {
    if (this.open.size >= this.maxOpen || this.open.has(key)) return false;
    const bytes = disclosure === undefined ? 0 : length;
    if (this.heldBytes + bytes > MAX_HELD_BYTES) return false;
    this.heldBytes += bytes;
    const waits = !PROMPT_METHODS.has(method);
    this.open.set(key, { id, key, waits, disclosure, bytes });
    if (waits && ++this.waiting === 1) this.onWaiting(true);
    return true;
  }

  /** Answered, or taken back by the server. Undefined where it was not open. */
  take(key: IdKey | undefined): ServerRequest | undefined {
    const request = key === undefined ? undefined : this.open.get(key);
    if (key === undefined || request === undefined) return undefined;
    this.open.delete(key);
    this.heldBytes -= request.bytes;
    if (request.waits && --this.waiting === 0) this.onWaiting(false);
    return request;
  }
}
