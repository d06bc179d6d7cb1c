// Test code only: a relay between a scripted client and a fake upstream, both in this process.
import { PassThrough } from 'node:stream';
import type { JsonValue } from '@provability-fabric/kernel';
import { vi } from 'vitest';
import { LineReader } from './line-reader.ts';
import type { ActionOutcome, ActionRequest, Decider, Decision, Hiding, Shown } from './ports.ts';
import { type RelayLimits, startRelay } from './relay.ts';
import type { UpstreamExit } from './upstream.ts';

export type Json = Readonly<Record<string, unknown>>;

/** Allows everything unless told otherwise, and remembers what it was asked and told. */
export class ScriptedDecider implements Decider {
  readonly asked: ActionRequest[] = [];
  readonly settled: { certificateId: string; outcome: ActionOutcome }[] = [];
  decideBy: (request: ActionRequest) => Decision | Promise<Decision> = (request) => allow(request.requestId);
  settleBy: (certificateId: string, outcome: ActionOutcome) => void | Promise<void> = () => {};
  /** What the agent sees of each result. */
  shown: Shown = {};
  hides: Hiding | undefined;
  hidden: readonly string[] = [];
  /** A text that is in no message that passes undecided; undefined: nothing is searched. */
  secret: string | undefined;

  async decide(request: ActionRequest): Promise<Decision> {
    this.asked.push(request);
    return this.decideBy(request);
  }

  async settle(certificateId: string, outcome: ActionOutcome): Promise<Shown> {
    await this.settleBy(certificateId, outcome);
    this.settled.push({ certificateId, outcome });
    return this.shown;
  }

  mayEverCall(tool: string): boolean {
    return !this.hidden.includes(tool);
  }

  hiding(): Hiding | undefined {
    return this.hides;
  }

  get holdsSecret(): (value: JsonValue) => Promise<boolean> {
    return async (value) => this.secret !== undefined && JSON.stringify(value).includes(this.secret);
  }

  outcomes(): string[] {
    return this.settled.map(({ certificateId, outcome }) => `${certificateId} ${outcome.outcome}`);
  }
}

export function allow(requestId: string): Decision {
  return { effect: 'allow', certificateId: `cert-${requestId}` };
}

/** Something that sends lines and collects those it gets. */
export class Peer {
  readonly lines: string[] = [];
  private readonly waiters: (() => void)[] = [];

  constructor(
    readonly outgoing: PassThrough,
    readonly incoming: PassThrough,
    onLine: (line: string) => void = () => {},
  ) {
    const reader = new LineReader(incoming, 1e9);
    const read = async () => {
      for (let event = await reader.next(); event !== undefined; event = await reader.next()) {
        if (event.kind !== 'line') continue;
        const line = event.bytes.toString('utf8').replace(/\n$/, '');
        this.lines.push(line);
        for (const wake of this.waiters.splice(0)) wake();
        onLine(line);
      }
    };
    void read();
  }

  send(...messages: (Json | string | Buffer)[]): void {
    for (const message of messages) {
      if (Buffer.isBuffer(message)) this.outgoing.write(message);
      else this.outgoing.write(`${typeof message === 'string' ? message : JSON.stringify(message)}\n`);
    }
  }

  messages(): Json[] {
    return this.lines.map((line) => JSON.parse(line) as Json);
  }

  /** The first message that fits, waiting for it. */
  async got(fits: (message: Json) => boolean): Promise<Json> {
    for (;;) {
      const found = this.messages().find(fits);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.waiters.push(resolve));
    }
  }

  answer(id: unknown): Promise<Json> {
    return this.got((message) => message.id === id && message.method === undefined);
  }

  sees(text: string): Promise<void> {
    return this.seesCount(text, 1);
  }

  async seesCount(text: string, count: number): Promise<void> {
    let seen = 0;
    for (let at = 0; seen < count; ) {
      while (at < this.lines.length) if (this.lines[at++]?.includes(text)) seen++;
      if (seen < count) await new Promise<void>((resolve) => this.waiters.push(resolve));
    }
  }
}

export interface Setup {
  readonly limits?: Partial<RelayLimits>;
  /** What the fake upstream does with each line; default: nothing at all. */
  readonly upstream?: (message: Json, upstream: Peer) => void;
}

export function setUp({ limits, upstream: behave }: Setup = {}) {
  const [toRelay, toClient, toUpstream, fromUpstream] = [1, 2, 3, 4].map(() => new PassThrough()) as [
    PassThrough,
    PassThrough,
    PassThrough,
    PassThrough,
  ];
  const decider = new ScriptedDecider();
  const events: { event: string; details: Readonly<Record<string, string | number>> }[] = [];
  let exit: (exit: UpstreamExit) => void = () => {};
  const done = new Promise<UpstreamExit>((resolve) => {
    exit = resolve;
  });
  const die = (how: UpstreamExit) => {
    fromUpstream.end();
    exit(how);
  };
  toUpstream.once('finish', () => setImmediate(() => die({ code: 0, signal: null })));
  let requests = 0;
  const relay = startRelay({
    client: { input: toRelay, output: toClient },
    upstream: {
      input: toUpstream,
      output: fromUpstream,
      done,
      stop: async () => die({ code: null, signal: 'SIGTERM' }),
    },
    decider,
    events: { emit: (event, details) => events.push({ event, details }) },
    limits: { graceMs: 300, ...limits },
    newRequestId: () => `${++requests}`,
  });
  const client = new Peer(toRelay, toClient);
  const upstream: Peer = new Peer(fromUpstream, toUpstream, (line) => {
    behave?.(JSON.parse(line) as Json, upstream);
  });
  const eventNames = () => events.map(({ event }) => event);
  return { relay, client, upstream, decider, events, eventNames, die };
}

export function call(id: unknown, name = 'echo', more: Json = {}): Json {
  return { jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: { n: id }, ...more } };
}

export function request(id: unknown, method: string, params?: Json): Json {
  return { jsonrpc: '2.0', id, method, ...(params === undefined ? {} : { params }) };
}

export function notice(method: string, params?: Json): Json {
  return { jsonrpc: '2.0', method, ...(params === undefined ? {} : { params }) };
}

export function result(id: unknown, value: Json = { content: [] }): Json {
  return { jsonrpc: '2.0', id, result: value };
}

/** A fake upstream that answers every request at once. */
export function answering(message: Json, upstream: Peer): void {
  if (message.method !== undefined && message.id !== undefined) upstream.send(result(message.id));
}

/** What a tool result or an error of the fabric says machine-readably. */
export function refusalIn(message: Json): Json | undefined {
  const asResult = (message.result as { _meta?: Json } | undefined)?._meta?.['provability-fabric/refusal'];
  return (asResult ?? (message.error as { data?: Json } | undefined)?.data) as Json | undefined;
}

/** Lets everything that can happen without waiting happen. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** Under fake timers: lets time pass, and all that follows from it happen. */
export async function passes(milliseconds: number): Promise<void> {
  await settle();
  await vi.advanceTimersByTimeAsync(milliseconds);
  await settle();
}

/** Time-outs alone are faked: streams and `settle` go on by themselves. */
export function fakeTime(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
}
