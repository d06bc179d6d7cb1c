import { within } from './deadline.ts';
import type { Exchange } from './exchanges.ts';
import type { Guard } from './guard.ts';
import type { Limits } from './limits.ts';
import type { Log } from './ports.ts';

const KEEP_ALIVE_MS = 30_000;

/**
 * Exchanges that may stay open for hours. No time limit of ours ends them; the end of the token that opened
 * them does, and so does shutting down.
 */
export class Streams {
  /** Those that only listen (GET): nothing is lost by ending them. */
  readonly #listening = new Set<Exchange>();
  readonly #guard: Guard;
  readonly #limits: Limits;
  readonly #log: Log;
  #timer: NodeJS.Timeout | undefined;
  #rechecking = false;

  constructor(guard: Guard, limits: Limits, log: Log) {
    this.#guard = guard;
    this.#limits = limits;
    this.#log = log;
  }

  begin(exchange: Exchange): void {
    const { request, response } = exchange;
    exchange.streamed = true;
    // The connection's own limit is for clients that do not read; the endpoint bounds what waits for those.
    request.socket.setTimeout(0);
    // A host that vanished without a word would otherwise hold its place for ever.
    request.socket.setKeepAlive(true, KEEP_ALIVE_MS);
    // Writing on after we ended it is the endpoint's right, and must not end the process.
    response.on('error', () => undefined);
    if (request.method !== 'GET') return;
    this.#listening.add(exchange);
    response.once('close', () => this.#forget(exchange));
    this.#timer ??= setInterval(() => void this.#recheck(), this.#limits.streamCheckMs).unref();
  }

  /** For shutting down: what only listens is told to come back elsewhere. */
  endAll(): void {
    for (const exchange of this.#listening) end(exchange);
  }

  async #recheck(): Promise<void> {
    // A check that takes longer than its turn must not pile up behind itself.
    if (this.#rechecking) return;
    this.#rechecking = true;
    await Promise.all([...this.#listening].map((exchange) => this.#endUnlessHolds(exchange)));
    this.#rechecking = false;
  }

  async #endUnlessHolds(exchange: Exchange): Promise<void> {
    const check = within(this.#limits.handlerTimeoutMs, this.#guard.recheck(exchange));
    const code = await check.then(
      (found) => (found.ok ? undefined : found.code),
      // What cannot be checked does not hold.
      () => 'INTERNAL',
    );
    if (code === undefined || !this.#listening.has(exchange)) return;
    const details = { request_id: exchange.id, client: exchange.client, route: exchange.route, code };
    const latency_ms = performance.now() - exchange.started;
    this.#log({ level: 'warn', event: 'stream_ended', tags: ['AUTH_FAILED'], latency_ms, details });
    end(exchange);
  }

  #forget(exchange: Exchange): void {
    this.#listening.delete(exchange);
    if (this.#listening.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

/** Ends an answer as a whole one where it can be, so that the client knows to ask again; and its connection with it. */
function end({ request, response }: Exchange): void {
  const { socket } = request;
  if (!response.headersSent) socket.destroy();
  else if (!response.writableEnded) response.end(() => socket.end());
}
