import { constants, open } from 'node:fs/promises';
import { SecretError } from '../errors.ts';

const GROUP_AND_OTHERS = 0o077;

/** A file that nobody but its owner can read. Throws SECRETS_SEALED; the message names the path and never the content. */
export async function readSecretFile(path: string, maxBytes: number): Promise<Buffer> {
  let file: Awaited<ReturnType<typeof open>>;
  try {
    // Not a pipe, which would wait for ever.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    throw sealed(`expected a readable file at \`${path}\``, cause);
  }
  try {
    // Of what was opened, not of what the path is by now.
    const { mode, size } = await file.stat().then((found) => {
      if (!found.isFile()) throw sealed(`expected a file at \`${path}\``);
      return found;
    });
    if ((mode & GROUP_AND_OTHERS) !== 0)
      throw sealed(
        `expected \`${path}\` to be its owner's alone, got mode \`${(mode & 0o777).toString(8).padStart(4, '0')}\`; ` +
          'run `chmod 600` on it, and take what others could read for known',
      );
    if (size > maxBytes) throw sealed(`expected at most ${maxBytes} bytes in \`${path}\`, got \`${size}\``);
    const content = Buffer.alloc(maxBytes + 1);
    const { bytesRead } = await file.read(content, 0, maxBytes + 1, 0);
    if (bytesRead > maxBytes) throw sealed(`expected at most ${maxBytes} bytes in \`${path}\``);
    return content.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

function sealed(message: string, cause?: unknown): SecretError {
  return new SecretError('SECRETS_SEALED', message, { cause });
}
