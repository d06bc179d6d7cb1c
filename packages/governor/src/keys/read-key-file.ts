import { constants, open } from 'node:fs/promises';
import { GovernorError } from '../errors.ts';
import { hasSystemCode } from '../files/durable-files.ts';

/**
 * What a file of the key folder holds; undefined where none is there. Throws KEY_INVALID where its mode
 * has one of `forbiddenMode`, or it is too long. The permissions are those of what was opened, not of what the name leads to by now.
 */
export async function readKeyFile(
  path: string,
  { maxBytes, forbiddenMode }: { readonly maxBytes: number; readonly forbiddenMode: number },
): Promise<Uint8Array | undefined> {
  // A pipe would wait for ever.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: unknown) => {
    if (hasSystemCode(error, 'ENOENT')) return undefined;
    throw error;
  });
  if (file === undefined) return undefined;
  try {
    const status = await file.stat();
    if (!status.isFile() || status.size > maxBytes)
      throw new GovernorError(
        'KEY_INVALID',
        `expected \`${path}\` to be a file of at most ${maxBytes} bytes`,
      );
    if ((status.mode & forbiddenMode) !== 0) {
      const mode = (status.mode & 0o777).toString(8).padStart(4, '0');
      throw new GovernorError(
        'KEY_INVALID',
        `expected \`${path}\` to be its owner's alone, came mode \`${mode}\`; take it from the others with \`chmod\`, and rotate ` +
          'a private key that others could read',
      );
    }
    const content = Buffer.alloc(maxBytes + 1);
    const { bytesRead } = await file.read(content, 0, content.length, 0);
    if (bytesRead > maxBytes)
      throw new GovernorError('KEY_INVALID', `expected at most ${maxBytes} bytes in \`${path}\``);
    return content.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
