import { field, type JsonObject, type JsonValue, stringifyJson } from '@provability-fabric/kernel';
import type { About, ClientLink, ClientOutlet, UpstreamDenial } from '../link.ts';
import { type IdKey, idKey, type RequestId, type Response, readMessage } from '../message.ts';
import { MessageQueue } from '../message-queue.ts';
import type { OutletEvents } from '../outlet.ts';
import type { Relay } from '../relay.ts';

export type Answer =
  | { readonly ok: true; readonly result: JsonValue }
  | { readonly ok: false; readonly error: JsonObject; readonly denied: UpstreamDenial | undefined };

/** Notifications and answers that a member has not taken. */
const MAX_UNREAD = 64;

/** Ids that a client cannot choose: it is never given this one to pass on. */
const OWN = 'provability-fabric/joined/';

/** One of the joined upstreams: its relay, seen from the client's side. */
export class Member implements ClientLink {
  readonly source = new MessageQueue();
  relay: Relay | undefined;
  /** Whether its relay answers the fabric's own tool. */
  offersOwnTool: () => boolean = () => false;
  /** What it said it can do; undefined before it has. */
  capabilities: JsonObject | undefined;
  private events: OutletEvents = {};
  private isGone = false;
  private lastOwn = 0;
  private readonly asked = new Map<IdKey, (answer: Answer) => void>();

  constructor(
    readonly index: number,
    readonly name: string,
    readonly prefix: string,
    private readonly client: ClientOutlet,
    private readonly onMessage: (member: Member, line: Uint8Array | string, about: About) => void,
  ) {}

  open(events: OutletEvents): ClientOutlet {
    this.events = events;
    const { client } = this;
    return {
      write: (line, about) => this.hear(line, about),
      ready: () => client.ready(),
      stopWaiting: () => {}, // the client of the others too
      get isOpen() {
        return client.isOpen;
      },
      get bufferedBytes() {
        return client.bufferedBytes;
      },
      flushed: () => client.flushed(),
    };
  }

  get isAlive(): boolean {
    return this.capabilities !== undefined && !this.isGone;
  }

  can(capability: string): boolean {
    return this.isAlive && field(this.capabilities, capability) !== undefined;
  }

  /** Nobody waits for it: a server that does not read must not make it pile up. Says whether there was room. */
  tell(message: { readonly [key: string]: JsonValue }): boolean {
    if (this.source.size >= MAX_UNREAD) return false;
    this.send(message);
    return true;
  }

  /** Sends a request of the client; its answer goes to `onMessage`. */
  send(message: { readonly [key: string]: JsonValue }): void {
    const bytes = Buffer.from(`${stringifyJson(message)}\n`);
    void this.source.put({ kind: 'line', bytes, message: readMessage(bytes) });
  }

  /** Asks something of its own. */
  ask(method: string, params: JsonObject | undefined): Promise<Answer> {
    if (this.isGone) return Promise.resolve(GONE);
    const id: RequestId = `${OWN}${++this.lastOwn}`;
    return new Promise((resolve) => {
      this.asked.set(idKey(id) as IdKey, resolve);
      this.send({ jsonrpc: '2.0', id, method, ...(params !== undefined && { params }) });
    });
  }

  /** Whether the client lets bytes wait: its servers are not to blame for the silence. */
  blocked(blocked: boolean): void {
    this.events.blocked?.(blocked);
  }

  /** Its relay has ended. */
  leave(): void {
    this.isGone = true;
    this.source.stop();
    for (const resolve of this.asked.values()) resolve(GONE);
    this.asked.clear();
  }

  private hear(line: Uint8Array | string, about: About): void {
    const resolve =
      about.kind === 'answer' && about.key !== undefined ? this.asked.get(about.key) : undefined;
    if (about.kind !== 'answer' || about.key === undefined || resolve === undefined) {
      this.onMessage(this, line, about);
      return;
    }
    this.asked.delete(about.key);
    const message = readMessage(Buffer.from(line));
    resolve(message.kind === 'response' ? answerOf(message, about.denied) : GONE);
  }
}

export function isOwnId(key: IdKey): boolean {
  return key.startsWith(`s${OWN}`);
}

const GONE: Answer = {
  ok: false,
  error: { code: -32001, message: 'the server has gone' },
  denied: undefined,
};

function answerOf({ body }: Response, denied: UpstreamDenial | undefined): Answer {
  return body.ok ? { ok: true, result: body.result } : { ok: false, error: body.error, denied };
}
