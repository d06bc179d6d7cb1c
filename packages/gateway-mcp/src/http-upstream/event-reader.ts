import type { Readable } from 'node:stream';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { oneLine } from '../one-line.ts';

/** Where an event stream can be taken up again, and after how long. */
export interface Resumption {
  lastEventId: string | undefined;
  retryMs: number;
}

const MIN_RETRY_MS = 100;
const MAX_RETRY_MS = 30_000;
const EVENT_ID = /^[\x21-\x7e]{1,1024}$/; // it is sent back as a header

/**
 * Reads the messages of an event stream until it ends; the stream waits while `onLine` does. Rejects where the stream
 * breaks, where it is no UTF-8, and where one event is longer than `maxBytes`.
 */
export async function readEvents(
  body: Readable,
  maxBytes: number,
  resumption: Resumption,
  onLine: (line: Buffer) => Promise<unknown>,
): Promise<void> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let found: EventSourceMessage[] = [];
  let tooLong = false;
  const parser = createParser({
    maxBufferSize: maxBytes,
    onEvent: (event) => found.push(event),
    onRetry: (ms) => {
      resumption.retryMs = Math.min(Math.max(ms, MIN_RETRY_MS), MAX_RETRY_MS);
    },
    onError: ({ type }) => {
      tooLong ||= type === 'max-buffer-size-exceeded';
    },
  });
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      parser.feed(decoder.decode(chunk, { stream: true }));
      if (tooLong) throw new RangeError(`expected events of at most ${maxBytes} bytes`);
      const events = found;
      found = [];
      for (const { id, event, data } of events) {
        if (id !== undefined) resumption.lastEventId = EVENT_ID.test(id) ? id : undefined;
        if (data === '' || (event !== undefined && event !== 'message')) continue;
        await onLine(oneLine(Buffer.from(data)));
      }
    }
  } finally {
    body.destroy();
  }
}
