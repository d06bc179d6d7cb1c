import { createReadStream } from 'node:fs';
import { type FileHandle, open, readdir, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { createGunzip } from 'node:zlib';
import { GovernorError } from '../../errors.ts';

/** The newest files and the older, compressed parts of a view: `audit.log.1.gz` is the oldest. */
export interface AuditParts {
  /** Absolute paths, the oldest first. */
  readonly rotated: readonly string[];
  /** The number of the newest rotated part; 0 for none. */
  readonly newest: number;
}

/** A statement with all its members fits several times over. */
const MAX_LINE = 256 * 1024;
const CHUNK = 64 * 1024;

export function partPath(path: string, number: number): string {
  return `${path}.${number}.gz`;
}

export async function partsOf(path: string): Promise<AuditParts> {
  const prefix = `${basename(path)}.`;
  const numbers = (await readdir(dirname(path)))
    .filter((name) => name.startsWith(prefix))
    .flatMap((name) => /^([1-9][0-9]{0,8})\.gz$/.exec(name.slice(prefix.length))?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
  return { rotated: numbers.map((number) => partPath(path, number)), newest: numbers.at(-1) ?? 0 };
}

export interface TextLine {
  /** Without the newline. */
  readonly text: string;
  /** False for what comes after the last newline: a write that a crash, or this moment, cut. */
  readonly whole: boolean;
}

/** The lines of a file as far as it went when it was opened. Throws CHANGE_AUDIT_DAMAGED for a line beyond all bounds. */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<TextLine> {
  let rest = Buffer.alloc(0);
  for await (const chunk of chunks) {
    rest = rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk]);
    let start = 0;
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10, start)) {
      yield { text: rest.toString('utf8', start, end), whole: true };
      start = end + 1;
    }
    rest = rest.subarray(start);
    if (rest.length > MAX_LINE)
      throw new GovernorError(
        'CHANGE_AUDIT_DAMAGED',
        `expected lines of at most ${MAX_LINE} bytes in \`${name}\``,
      );
  }
  if (rest.length > 0) yield { text: rest.toString('utf8'), whole: false };
}

/** A rotated part. Throws CHANGE_AUDIT_DAMAGED for what is no gzip. */
export async function* rotatedLines(part: string): AsyncGenerator<TextLine> {
  const file = createReadStream(part);
  const unpacked = file.pipe(createGunzip());
  file.on('error', (error) => unpacked.destroy(error));
  try {
    yield* linesOf(unpacked, basename(part));
  } catch (cause) {
    if (cause instanceof GovernorError || (cause as { code?: string }).code === 'ENOENT') throw cause;
    throw new GovernorError('CHANGE_AUDIT_DAMAGED', `expected \`${basename(part)}\` to unpack`, { cause });
  } finally {
    file.destroy();
    unpacked.destroy();
  }
}

/** What an open file has between two places. */
export async function* chunksOf(file: FileHandle, from: number, to: number): AsyncGenerator<Uint8Array> {
  for (let at = from; at < to; ) {
    const length = Math.min(CHUNK, to - at);
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(length), 0, length, at);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
    at += bytesRead;
  }
}

/** The whole lines of an open file from its end on backwards, and where each begins. */
export async function* linesBackwards(
  file: FileHandle,
  size: number,
): AsyncGenerator<{ readonly text: string; readonly end: number }> {
  let rest = Buffer.alloc(0);
  let at = size;
  // Where the line that is being gathered ends; undefined until a newline was met.
  let end: number | undefined;
  while (at > 0) {
    const length = Math.min(CHUNK, at);
    const { buffer } = await file.read(Buffer.allocUnsafe(length), 0, length, at - length);
    at -= length;
    rest = Buffer.concat([buffer, rest]);
    for (let newline = rest.lastIndexOf(10); newline >= 0; newline = rest.lastIndexOf(10)) {
      if (end !== undefined) yield { text: rest.toString('utf8', newline + 1), end };
      end = at + newline + 1;
      rest = rest.subarray(0, newline);
    }
    if (rest.length > MAX_LINE)
      throw new GovernorError('CHANGE_AUDIT_DAMAGED', 'expected lines in the audit log');
  }
  if (end !== undefined) yield { text: rest.toString('utf8'), end };
}

/** All of a view, the oldest part first, as it is at this moment. */
export async function* viewLines(path: string): AsyncGenerator<TextLine & { readonly file: string }> {
  // Opened before the parts are listed: what is rotated meanwhile is then seen twice, and never not at all.
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const first = await firstLine(file, size);
    for (const part of (await partsOf(path)).rotated) {
      if (await isStale(part, first)) continue;
      for await (const line of rotatedLines(part)) yield { ...line, file: basename(part) };
    }
    for await (const line of linesOf(chunksOf(file, 0, size), basename(path)))
      yield { ...line, file: basename(path) };
  } finally {
    await file.close();
  }
}

export async function firstLine(file: FileHandle, size: number): Promise<string | undefined> {
  for await (const { text, whole } of linesOf(chunksOf(file, 0, size), 'audit log'))
    return whole ? text : undefined;
  return undefined;
}

/** A part that begins as the live file does, or before a genesis, is what a rotation or a restore left behind. */
export async function isStale(part: string, liveFirst: string | undefined): Promise<boolean> {
  if (liveFirst === undefined) return false;
  if (liveFirst.includes('"event": "genesis"')) return true;
  try {
    for await (const { text } of rotatedLines(part)) return text === liveFirst;
  } catch (error) {
    // Damage is for whoever reads all of it.
    if (!(error instanceof GovernorError)) throw error;
  }
  return false;
}

/** Removes what a rotation or a restore that was cut off left behind. */
export async function removeStale(path: string, liveFirst: string | undefined): Promise<void> {
  for (const part of (await partsOf(path)).rotated) if (await isStale(part, liveFirst)) await unlink(part);
}

export function besides(path: string, suffix: string): string {
  return join(dirname(path), `.${basename(path)}.${suffix}`);
}
