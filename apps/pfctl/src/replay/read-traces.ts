import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { CommandError, systemCode } from '@provability-fabric/command-line';
import { nodeCrypto } from '@provability-fabric/evidence';
import { fromUtf8, JsonError, type JsonValue, parseJson, parseJsonBytes } from '@provability-fabric/kernel';
import {
  type Environment,
  PolicyError,
  parseTrace,
  playedTrace,
  type Trace,
} from '@provability-fabric/policy';
import type { Terminal } from '../terminal.ts';
import { eventLine } from './event-line.ts';
import { isBlank, type Line, linesOf, MAX_TRACE_BYTES, tooLarge } from './lines.ts';
import type { SessionSource } from './session-source.ts';

interface TraceInput {
  readonly bytes: number | undefined;
  traces(onBytes: (count: number) => void): AsyncGenerator<Trace>;
}

const EXTENSIONS = ['.json', '.jsonl', '.ndjson'];

/** A file, a folder of files, or `-` for standard input (CONTRACTS §5). Sessions come one at a time, in a fixed order. */
export async function openTraces(
  path: string,
  terminal: Terminal,
  environment: Environment,
): Promise<SessionSource> {
  const input = await openInput(path, terminal);
  const crypto = nodeCrypto();
  return {
    total: input.bytes,
    async *sessions(onRead) {
      for await (const trace of input.traces(onRead)) yield playedTrace(crypto, trace, environment);
    },
    remarks: () => [],
  };
}

async function openInput(path: string, terminal: Terminal): Promise<TraceInput> {
  if (path === '-') {
    return {
      bytes: undefined,
      traces: (onBytes) => tracesIn(counted(terminal.input, onBytes), 'standard input'),
    };
  }
  const absolute = resolve(terminal.directory, path);
  const found = await stat(absolute).catch((error) => {
    throw new CommandError(
      'INPUT_INVALID',
      `${path}: expected a trace file or folder, came ${systemCode(error) ?? error}`,
    );
  });
  const files = found.isDirectory()
    ? await traceFiles(absolute, path)
    : [{ absolute, shown: path, size: found.size }];
  if (files.length === 0) {
    throw new CommandError(
      'INPUT_INVALID',
      `${path}: expected trace files (${EXTENSIONS.join(', ')}), came none`,
    );
  }
  const regular = found.isFile() || found.isDirectory();
  return {
    bytes: regular ? files.reduce((sum, { size }) => sum + size, 0) : undefined,
    async *traces(onBytes) {
      for (const file of files)
        yield* tracesIn(counted(createReadStream(file.absolute), onBytes), file.shown);
    },
  };
}

interface TraceFile {
  readonly absolute: string;
  readonly shown: string;
  readonly size: number;
}

/** In order of names by code unit, folders where their names stand: the same on every machine and in every locale. */
async function traceFiles(folder: string, shown: string): Promise<TraceFile[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  const files: TraceFile[] = [];
  for (const entry of entries) {
    if (entry.name.startsWith('.')) continue;
    const [absolute, name] = [join(folder, entry.name), join(shown, entry.name)];
    // A link to a folder is not followed, since it may lead back here.
    if (entry.isDirectory()) files.push(...(await traceFiles(absolute, name)));
    else if (EXTENSIONS.some((extension) => entry.name.endsWith(extension))) {
      const { size } = await stat(absolute);
      files.push({ absolute, shown: name, size });
    }
  }
  return files;
}

async function* counted(chunks: AsyncIterable<Uint8Array>, onBytes: (count: number) => void) {
  for await (const chunk of chunks) {
    onBytes(chunk.length);
    yield chunk;
  }
}

/** One trace a line; or, where the first line is no whole JSON value, one trace in all. */
async function* tracesIn(chunks: AsyncIterable<Uint8Array>, file: string): AsyncGenerator<Trace> {
  let first = true;
  const lines = linesOf(chunks, file);
  for await (const line of lines) {
    if (isBlank(line.bytes)) continue;
    if (first && isUnfinished(line.bytes)) {
      yield traceIn(await restOf(lines, line, file), file);
      return;
    }
    first = false;
    yield traceIn(line, file);
  }
  // A file that was cut off at its very beginning must not pass for one in which all is accepted.
  if (first) throw new CommandError('INPUT_INVALID', `${file}: expected a trace, came an empty file`);
}

/** Whether the text stops in the middle of a JSON value, as the first line of an indented document does. */
function isUnfinished(bytes: Uint8Array): boolean {
  try {
    parseJsonBytes(bytes);
    return false;
  } catch (error) {
    if (!(error instanceof JsonError) || error.code !== 'JSON_SYNTAX') return false;
    return error.offset >= fromUtf8(bytes).trimEnd().length;
  }
}

async function restOf(lines: AsyncGenerator<Line>, first: Line, file: string): Promise<Line> {
  const parts = [first.bytes];
  let held = first.bytes.length;
  for await (const { bytes } of lines) {
    held += bytes.length + 1;
    if (held > MAX_TRACE_BYTES) throw tooLarge(file, first.number);
    parts.push(Buffer.from('\n'), bytes);
  }
  return { number: first.number, bytes: Buffer.concat(parts) };
}

function traceIn({ number, bytes }: Line, file: string): Trace {
  let text = '';
  try {
    text = bytes[0] === 0xef ? '' : fromUtf8(bytes);
    const value: JsonValue = text === '' ? parseJsonBytes(bytes) : parseJson(text);
    return parseTrace(value);
  } catch (error) {
    throw new CommandError('INPUT_INVALID', `${file}:${place(error, number, text)}: ${explain(error)}`, {
      cause: error,
    });
  }
}

function place(error: unknown, number: number, text: string): string {
  if (error instanceof JsonError && error.offset >= 0) {
    const before = text.slice(0, error.offset).split('\n');
    return `${number + before.length - 1}:${(before.at(-1) as string).length + 1}`;
  }
  const event = error instanceof PolicyError ? /\bevents\[(\d+)\]/.exec(error.message) : null;
  return String(number + (event === null ? 0 : eventLine(text, Number(event[1]))));
}

function explain(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  // The line and column say it better.
  return message.replace(/ \(at offset \d+\)$/, '');
}
