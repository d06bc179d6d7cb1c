import type { IdKey } from './message.ts';

// Answered by the client's software at once; the others may wait for a person or a model.
const PROMPT_METHODS: ReadonlySet<string> = new Set(['ping', 'roots/list']);

/** Requests of the server that the client has not answered: only to these may the client respond. */
export class ServerRequests {
  private readonly open = new Map<IdKey, { readonly waits: boolean }>();
  private waiting = 0;

  constructor(
    private readonly maxOpen: number,
    private readonly onWaiting: (anyWaits: boolean) => void,
  ) {}

  get size(): number {
    return this.open.size;
  }

  /** False where there are too many, or the id is taken: then the request must not reach the client. */
  add(key: IdKey, method: string): boolean {
    if (this.open.size >= this.maxOpen || this.open.has(key)) return false;
    const waits = !PROMPT_METHODS.has(method);
    this.open.set(key, { waits });
    if (waits && ++this.waiting === 1) this.onWaiting(true);
    return true;
  }

  /** Answered, or taken back by the server. False where it was not open. */
  remove(key: IdKey | undefined): boolean {
    const request = key === undefined ? undefined : this.open.get(key);
    if (key === undefined || request === undefined) return false;
    this.open.delete(key);
    if (request.waits && --this.waiting === 0) this.onWaiting(false);
    return true;
  }
}
