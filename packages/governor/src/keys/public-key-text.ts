import { createPublicKey } from 'node:crypto';
import { BytesError, fromBase64 } from '@provability-fabric/kernel';
import { GovernorError } from '../errors.ts';
import { fromSshPublicKey, SSH_ED25519 } from './ssh-wire.ts';

const MAX_TEXT = 4_096;

/**
 * The 32 bytes of an Ed25519 public key as people hand it on: the line of a `.vk` file, a line `ssh-ed25519 AAAA… comment`, or a
 * PEM block. Throws KEY_INVALID; a private key is refused by name, unread.
 */
export function parsePublicKeyText(text: string): Uint8Array {
  const line = text.trim();
  if (line.length > MAX_TEXT) throw invalid('expected one public key');
  if (/PRIVATE KEY/.test(line))
    throw invalid(
      'expected a public key, came a private one; import its public half, and take care of the private one',
    );
  if (line.startsWith('-----BEGIN')) return fromPem(line);
  if (/^[a-z0-9@.-]+ /.test(line)) return fromSshLine(line);
  return decoded(line);
}

function fromPem(text: string): Uint8Array {
  let key: ReturnType<typeof createPublicKey>;
  try {
    key = createPublicKey({ key: text, format: 'pem' });
  } catch (cause) {
    throw invalid('expected a public key in PEM', cause);
  }
  if (key.asymmetricKeyType !== 'ed25519')
    throw invalid(`expected an Ed25519 key, came one of type \`${key.asymmetricKeyType}\``);
  return new Uint8Array(key.export({ format: 'der', type: 'spki' }).subarray(-32));
}

function fromSshLine(line: string): Uint8Array {
  const [type, blob = ''] = line.split(/ +/);
  if (type !== SSH_ED25519 || /[\r\n]/.test(line))
    throw invalid('expected one line `ssh-ed25519 AAAA…`; make such a key with `ssh-keygen -t ed25519`');
  const publicKey = fromSshPublicKey(decoded(blob));
  if (publicKey === undefined) throw invalid('expected an Ed25519 key in the line, came one of another kind');
  return publicKey;
}

function decoded(text: string): Uint8Array {
  try {
    return fromBase64(text);
  } catch (cause) {
    if (!(cause instanceof BytesError)) throw cause;
    throw invalid('expected a public key in base64, as a line `ssh-ed25519 AAAA…`, or in PEM');
  }
}

function invalid(message: string, cause?: unknown): GovernorError {
  return new GovernorError('KEY_INVALID', message, { cause });
}
