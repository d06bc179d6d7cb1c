import { setTimeout as delay } from 'node:timers/promises';
import { type Resumption, readEvents } from './event-reader.ts';
import { discard } from './http-connection.ts';
import type { HttpUpstream } from './http-upstream.ts';

const DEFAULT_RETRY_MS = 1_000;
const MAX_BACKOFF_MS = 30_000;
const ANSWER_TIMEOUT_MS = 10_000;

/** The stream on which a server speaks without having been asked. Not every server has one. */
export class ServerStream {
  private readonly resumption: Resumption = { lastEventId: undefined, retryMs: DEFAULT_RETRY_MS };

  constructor(private readonly upstream: HttpUpstream) {
    void this.run();
  }

  private async run(): Promise<void> {
    const { stopSignal: signal } = this.upstream;
    for (let failures = 0; !signal.aborted; ) {
      try {
        const before = this.resumption.lastEventId;
        if ((await this.listen()) === 'none') return;
        // A server that ends it at once, again and again, is asked less and less often.
        failures = this.resumption.lastEventId === before ? failures + 1 : 0;
      } catch {
        failures++;
      }
      const wait = Math.min(this.resumption.retryMs * 2 ** Math.min(failures, 10), MAX_BACKOFF_MS);
      await delay(wait, undefined, { signal }).catch(() => {});
    }
  }

  private async listen(): Promise<'none' | 'ended'> {
    const { connection, maxMessageBytes, events } = this.upstream.options;
    const { lastEventId } = this.resumption;
    const response = await connection.request({
      method: 'GET',
      headers: await this.upstream.headers(undefined, {
        accept: 'text/event-stream',
        ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
      }),
      signal: this.upstream.stopSignal,
      headersTimeoutMs: ANSWER_TIMEOUT_MS,
    });
    if (response.status !== 200) {
      void discard(response.body);
      if (response.status === 404 && this.upstream.hasSession) this.upstream.forget();
      else if (response.status !== 405) events.emit('mcp.upstream-status', { status: response.status });
      // Where the id was too old, the stream starts anew.
      if (lastEventId === undefined && response.status < 500) return 'none';
      this.resumption.lastEventId = undefined;
      return 'ended';
    }
    await readEvents(response.body, maxMessageBytes, this.resumption, (line) =>
      this.upstream.deliver(line, undefined),
    );
    return 'ended';
  }
}
