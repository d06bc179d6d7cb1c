// Test code only: which files hold a value, byte for byte or as it is usually written.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A value, and as it looks in base64 (at each offset) and in hexadecimal. */
function writingsOf(value: string): readonly string[] {
  const bytes = Buffer.from(value);
  const encoded = [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
    // What is beside it in the same group is unknown.
    return text.slice(before === 0 ? 0 : 4, -4);
  });
  const hex = bytes.toString('hex');
  const urlSafe = encoded.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'));
  return [...new Set([value, ...encoded, ...urlSafe, hex, hex.toUpperCase()])];
}

export function holds(bytes: string | Buffer, value: string): boolean {
  return writingsOf(value).some((text) => bytes.includes(text));
}

/** The files below a folder, a database's too, that hold it; a running database's may go meanwhile. */
export function filesWith(folder: string, value: string): readonly string[] {
  const writings = writingsOf(value);
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => {
      const bytes = bytesOf(path);
      return writings.some((text) => bytes.includes(text));
    });
}

function bytesOf(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Buffer.alloc(0);
    throw error;
  }
}
