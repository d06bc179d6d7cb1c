import { type JsonValue, stringifyJson } from '@provability-fabric/kernel';
import { jsonCopy, TooLarge } from './json-copy.ts';

export interface Collecting {
  /** All parts, or only the last, where each one stands for all so far. */
  readonly keep: 'all' | 'last';
  readonly maxParts: number;
  readonly maxBytes: number;
  readonly signal: AbortSignal;
}

export function isStream(value: unknown): value is AsyncIterable<unknown> {
  try {
    return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
  } catch {
    // The tool has given something: that it cannot be read is for the copy to say.
    return false;
  }
}

/**
 * Reads a stream to its end, and ends one that goes on for too long: TooLarge, or NotJson for a part that is
 * none.
 */
export async function collect(stream: AsyncIterable<unknown>, collecting: Collecting): Promise<unknown> {
  const { keep, maxParts, maxBytes, signal } = collecting;
  const parts: JsonValue[] = [];
  let last: unknown;
  let count = 0;
  let room = maxBytes;
  for await (const part of stream) {
    signal.throwIfAborted();
    if (++count > maxParts) throw new TooLarge();
    last = part;
    if (keep === 'last') continue;
    const copied = jsonCopy(part ?? null, room);
    room -= stringifyJson(copied).length;
    parts.push(copied);
  }
  return keep === 'all' ? parts : last;
}
