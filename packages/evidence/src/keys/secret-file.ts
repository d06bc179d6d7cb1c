import { open } from 'node:fs/promises';
import { EvidenceError } from '../errors.ts';

// A key is one line; anything larger is another file put in its place.
const MAX_BYTES = 4096;

/**
 * Reads a file that holds a key, refusing one that others may read. Permissions are those of the opened file,
 * not of the name, so that nothing can be swapped in between; a symbolic link is followed, since mounted
 * secrets are links.
 */
export async function readSecretFile(path: string): Promise<string> {
  const file = await open(path, 'r');
  try {
    const status = await file.stat();
    // Windows has no such bits; its access lists are the administrator's.
    const loose = process.platform === 'win32' ? 0 : status.mode & 0o077;
    if (loose !== 0) {
      const mode = (status.mode & 0o777).toString(8).padStart(4, '0');
      throw new EvidenceError(
        'KEY_PERMISSIONS',
        `expected key file \`${path}\` to be readable by its owner only, got mode \`${mode}\`; run \`chmod 600\` ` +
          'on it and consider the key known to whoever could read it',
      );
    }
    if (!status.isFile() || status.size > MAX_BYTES) {
      throw new EvidenceError('KEY_MALFORMED', `expected \`${path}\` to be a file with one line of key text`);
    }
    return (await file.readFile('utf8')).trim();
  } finally {
    await file.close();
  }
}
