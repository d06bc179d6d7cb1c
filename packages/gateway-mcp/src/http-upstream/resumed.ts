import { setTimeout as delay } from 'node:timers/promises';
import type { IdKey } from '../message.ts';
import { type Resumption, readEvents } from './event-reader.ts';
import { discard } from './http-connection.ts';
import type { HttpUpstream } from './http-upstream.ts';

const MAX_FRUITLESS = 5;
const ANSWER_TIMEOUT_MS = 10_000;

/**
 * Takes a stream up again from its last event, as often as that brings something new. Returns when the response is
 * there, or when there is no more to be had.
 */
export async function resumed(
  upstream: HttpUpstream,
  key: IdKey,
  resumption: Resumption,
  signal: AbortSignal,
  onLine: (line: Buffer) => Promise<void>,
  isAnswered: () => boolean,
): Promise<void> {
  for (let fruitless = 0; fruitless < MAX_FRUITLESS && resumption.lastEventId !== undefined; fruitless++) {
    const from: string = resumption.lastEventId;
    try {
      await delay(resumption.retryMs, undefined, { signal });
      const headers = await upstream.headers(key, { accept: 'text/event-stream', 'last-event-id': from });
      const { connection, maxMessageBytes } = upstream.options;
      const response = await connection.request({
        method: 'GET',
        headers,
        signal,
        headersTimeoutMs: ANSWER_TIMEOUT_MS,
      });
      if (response.status !== 200) {
        void discard(response.body);
        return;
      }
      await readEvents(response.body, maxMessageBytes, resumption, onLine);
    } catch {
      if (signal.aborted) return;
    }
    if (isAnswered()) return;
    if (resumption.lastEventId !== from) fruitless = -1;
  }
}
