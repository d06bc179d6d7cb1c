import { open } from 'node:fs/promises';
import { CommandError, visible } from '@provability-fabric/command-line';
import { type JsonValue, parseJsonBytes } from '@provability-fabric/kernel';
import { codeOf } from '../exit-codes.ts';
import type { Shell } from '../shell.ts';

/** Larger than any manifest or envelope that the governor takes. */
const MAX_BYTES = 8 * 1024 * 1024;

/** A JSON document from a file, or from standard input where it is `-` or not said. */
export async function readDocument(shell: Shell, file: string | undefined, what: string): Promise<JsonValue> {
  const bytes = await readInput(shell, file, what);
  const from = file === undefined || file === '-' ? 'standard input' : visible(file);
  try {
    return parseJsonBytes(bytes);
  } catch (error) {
    const problem = error instanceof Error ? error.message : 'something else';
    throw new CommandError('INPUT_INVALID', `expected ${what} as JSON in ${from}: ${problem}`, {
      cause: error,
    });
  }
}

/** The bytes of a file or of standard input, bounded. */
export async function readInput(shell: Shell, file: string | undefined, what: string): Promise<Uint8Array> {
  if (file === undefined || file === '-') return gathered(shell.terminal.input, what);
  const handle = await open(shell.path(file), 'r').catch((error: unknown) => {
    const came = codeOf(error) === 'ENOENT' ? 'nothing there' : (codeOf(error) ?? 'something else');
    throw new CommandError('INPUT_INVALID', `expected ${what} in ${file}, came ${came}`, { cause: error });
  });
  try {
    return await gathered(handle.createReadStream({ autoClose: false }), what);
  } finally {
    await handle.close();
  }
}

async function gathered(chunks: AsyncIterable<Uint8Array>, what: string): Promise<Uint8Array> {
  const kept: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    length += chunk.length;
    if (length > MAX_BYTES)
      throw new CommandError('INPUT_INVALID', `expected ${what} of at most ${MAX_BYTES} bytes, came more`);
    kept.push(chunk);
  }
  return Buffer.concat(kept);
}
