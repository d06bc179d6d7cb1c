import { closeSync, fstatSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { shorten } from './difference.ts';
import { InvalidInput } from './invalid-input.ts';
import type { KeyText } from './trusted-keys.ts';

/** Verifies in 1 GB of heap, some 30,000 entries; far below what one string of the engine can hold. */
const MAX_EVIDENCE_BYTES = 128 * 1024 * 1024;
/** A checkpoint or a key is a few lines. */
const MAX_SMALL_BYTES = 1024 * 1024;
const CHUNK = 1024 * 1024;

export function readEvidenceFile(path: string): Uint8Array {
  return readBounded(path, 'evidence file', MAX_EVIDENCE_BYTES, 'export fewer sessions at a time');
}

export function readCheckpointFile(path: string): string {
  return readBounded(path, 'checkpoint', MAX_SMALL_BYTES, 'give the checkpoint alone').toString('utf8');
}

/** The verifier keys of a key folder. The private ones beside them are never opened. */
export function readKeyFolder(folder: string): readonly KeyText[] {
  let names: readonly string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    throw unreadable(folder, 'key folder', error);
  }
  const files = names.filter((name) => /^(?:log|ledger|evidence)\..+\.vk$/.test(name)).sort();
  if (files.length === 0)
    throw new InvalidInput(
      `expected \`log.*.vk\` or \`ledger.*.vk\`, and \`evidence.*.vk\` in \`${folder}\`, came none`,
    );
  return files.map((name) => readKeyFile(join(folder, name)));
}

/** A key as given on the command line: the text itself, or a file that holds it. */
export function readKey(given: string): KeyText {
  return isVerifierKey(given) && !isFile(given) ? { file: undefined, text: given } : readKeyFile(given);
}

function readKeyFile(path: string): KeyText {
  return {
    file: basename(path),
    text: readBounded(path, 'key file', MAX_SMALL_BYTES, 'give a verifier key').toString('utf8'),
  };
}

function isVerifierKey(text: string): boolean {
  return /^[^+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+$/.test(text.trim());
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false; // whatever it is then, it is not a file to read the key from
  }
}

/** The size is looked at first; a pipe has none, so what is read is counted as well. */
function readBounded(path: string, what: string, limit: number, mend: string): Buffer {
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    const status = fstatSync(file);
    if (status.isDirectory())
      throw new InvalidInput(`expected ${what} \`${path}\` to be a file, came a folder`);
    if (status.size > limit) throw tooLarge(path, what, limit, `${status.size} bytes`, mend);
    if (status.isFile()) return readFileSync(file);
    return readStream(file, limit, () => tooLarge(path, what, limit, 'more', mend));
  } catch (error) {
    if (error instanceof InvalidInput) throw error;
    throw unreadable(path, what, error);
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function readStream(file: number, limit: number, refuse: () => InvalidInput): Buffer {
  const chunks: Buffer[] = [];
  for (let total = 0; ; ) {
    const chunk = Buffer.alloc(CHUNK);
    const count = readSync(file, chunk, 0, CHUNK, null);
    if (count === 0) return Buffer.concat(chunks);
    total += count;
    if (total > limit) throw refuse();
    chunks.push(chunk.subarray(0, count));
  }
}

function tooLarge(path: string, what: string, limit: number, came: string, mend: string): InvalidInput {
  return new InvalidInput(`expected ${what} \`${path}\` of at most ${limit} bytes, came ${came}; ${mend}`);
}

function unreadable(path: string, what: string, cause: unknown): InvalidInput {
  const reason = (cause as NodeJS.ErrnoException).code ?? (cause as Error).message;
  return new InvalidInput(`cannot read ${what} \`${shorten(path)}\`: ${reason}`, { cause });
}
