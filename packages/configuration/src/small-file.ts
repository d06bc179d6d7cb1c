import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

/** The text of a small regular file, or why it cannot be had. A missing file is `undefined`: its key has its default. */
export async function readSmallFile(
  path: string,
  limit: number,
): Promise<
  { readonly ok: true; readonly text: string | undefined } | { readonly ok: false; readonly problem: string }
> {
  try {
    // A named pipe opened without this flag would wait for a writer for ever.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stat = await file.stat();
      if (!stat.isFile()) return { ok: false, problem: 'expected a regular file' };
      if (stat.size > limit)
        return { ok: false, problem: `expected at most ${limit} bytes, came \`${stat.size}\`` };
      const bytes = await file.readFile();
      return { ok: true, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
    } finally {
      await file.close();
    }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') return { ok: true, text: undefined };
    if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return { ok: false, problem: 'expected UTF-8 text' };
    return { ok: false, problem: `expected a readable file, came ${code ?? String(error)}` };
  }
}
