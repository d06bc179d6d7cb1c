import { CommandError } from '@provability-fabric/command-line';
import {
  type AsyncSigner,
  fileSigner,
  openKeyRing,
  parsePublicKeyText,
  sshAgentSigner,
} from '@provability-fabric/governor';
import { equalBytes } from '@provability-fabric/kernel';
import { readInput } from '../input/read-document.ts';
import type { PlaceOptions } from '../output/place-options.ts';
import { localPlace } from '../service/place.ts';
import type { Shell } from '../shell.ts';

export interface SignerOptions extends PlaceOptions {
  readonly keyId?: string;
  readonly sshAgent?: string;
}

/** The key that is to sign: a file of the keys folder, or one that an SSH agent holds. */
export async function signerOf(shell: Shell, options: SignerOptions): Promise<AsyncSigner> {
  const { keyId, sshAgent } = options;
  if (keyId !== undefined && sshAgent !== undefined)
    throw new CommandError('INPUT_INVALID', 'expected --key-id or --ssh-agent, came both; leave one out');
  // A key is on this machine wherever the governor is.
  const { keysDir } = localPlace(shell, options);
  if (sshAgent === undefined) return fileSigner(keysDir, keyId ?? 'default');
  const socket = shell.terminal.settings.sshAgentSocket;
  if (socket === undefined)
    throw new CommandError(
      'NOT_READY',
      'expected an SSH agent at SSH_AUTH_SOCK, came none; start one with `eval $(ssh-agent)`',
    );
  const text = Buffer.from(await readInput(shell, sshAgent, 'a public key')).toString();
  const publicKey = parsePublicKeyText(text);
  // The ring says under which name the key counts.
  const known = (await openKeyRing(keysDir)).keys.find((key) => equalBytes(key.publicKey, publicKey));
  if (known === undefined)
    throw new CommandError(
      'NOT_READY',
      `expected the key of ${sshAgent} in the ring, came none; add it with \`safeai keys import\``,
    );
  return sshAgentSigner(socket, { keyId: known.keyId, publicKey });
}
