import { readFile } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { hasSystemCode } from '../errors.ts';
import type { LogFiles } from './log-files.ts';

// A number in a file, one line: what it counts, the number, a checksum over both.
const LINE = /^([a-z]+) (\d{1,16}) ([0-9a-f]{8})\n$/;

/** `none` where there is no file, `damaged` where it holds anything else than was written. */
export async function readCountFile(path: string, what: string): Promise<number | 'none' | 'damaged'> {
  let text: string;
  try {
    text = await readFile(path, 'latin1');
  } catch (error) {
    if (hasSystemCode(error, 'ENOENT')) return 'none';
    throw error;
  }
  const [, word, count = '', checksum] = LINE.exec(text) ?? [];
  return word === what && checksum === checksumOf(what, count) ? Number(count) : 'damaged';
}

/** Durable but for its name. */
export async function writeCountFile(
  files: LogFiles,
  path: string,
  what: string,
  count: number,
): Promise<void> {
  const line = `${what} ${count} ${checksumOf(what, `${count}`)}\n`;
  await files.replace(path, Buffer.from(line, 'latin1'));
}

function checksumOf(what: string, count: string): string {
  return crc32(`${what} ${count}`).toString(16).padStart(8, '0');
}
