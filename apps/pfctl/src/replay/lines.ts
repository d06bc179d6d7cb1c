import { CommandError } from '@provability-fabric/command-line';

export interface Line {
  /** From 1. */
  readonly number: number;
  /** Without its line feed. */
  readonly bytes: Uint8Array;
}

/** A trace is held in memory as a whole, so its size is bounded; an input of many traces is not. */
export const MAX_TRACE_BYTES = 256 * 1024 * 1024;

const LINE_FEED = 0x0a;

/** Splits a stream of bytes into lines, whatever the chunks. Text is decoded only later: a chunk may end within a letter. */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>, file: string): AsyncGenerator<Line> {
  let number = 1;
  let parts: Uint8Array[] = [];
  let held = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
      yield { number, bytes: Buffer.concat([...parts, chunk.subarray(start, end)]) };
      parts = [];
      held = 0;
      number += 1;
      start = end + 1;
    }
    const rest = chunk.subarray(start);
    held += rest.length;
    if (held > MAX_TRACE_BYTES) throw tooLarge(file, number);
    parts.push(rest);
  }
  if (held > 0) yield { number, bytes: Buffer.concat(parts) };
}

export function tooLarge(file: string, line: number): CommandError {
  const limit = MAX_TRACE_BYTES / 1024 / 1024;
  return new CommandError(
    'INPUT_INVALID',
    `${file}:${line}: expected a trace of at most ${limit} MiB; write one trace a line, or split the session`,
  );
}

export function isBlank(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d);
}
