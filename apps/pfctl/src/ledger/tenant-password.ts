import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { CommandError } from '@provability-fabric/command-line';

const RANDOM_BYTES = 24;

/** Out of the operating system's randomness: 192 bits, in 32 characters that need no quoting. */
export function newPassword(): string {
  return randomBytes(RANDOM_BYTES).toString('base64url');
}

/** What comes is never repeated: it is a credential, or was meant to be one. */
export async function passwordIn(path: string): Promise<string> {
  const password = (await readFile(path, 'utf8')).replace(/\r?\n$/, '');
  if (/^[\x21-\x7e]{16,128}$/.test(password)) return password;
  throw new CommandError(
    'INPUT_INVALID',
    `expected one line of 16 to 128 printable ASCII characters without blanks in ${path}, came something else`,
  );
}
