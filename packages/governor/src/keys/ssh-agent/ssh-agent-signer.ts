import { concatBytes, equalBytes } from '@provability-fabric/kernel';
import { GovernorError } from '../../errors.ts';
import type { KeySigner } from '../../gate/ports.ts';
import { checkedSigner } from '../checked-signer.ts';
import {
  fromSshPublicKey,
  fromSshSignature,
  SshReader,
  sshPublicKey,
  sshString,
  sshUint32,
} from '../ssh-wire.ts';
import { askAgent } from './agent-exchange.ts';

// draft-miller-ssh-agent §5.1
const FAILURE = 5;
const REQUEST_IDENTITIES = 11;
const IDENTITIES_ANSWER = 12;
const SIGN_REQUEST = 13;
const SIGN_RESPONSE = 14;

/** The Ed25519 public keys that an agent holds. */
export async function listSshAgentKeys(socketPath: string): Promise<readonly Uint8Array[]> {
  const reader = answerOf(await askAgent(socketPath, Uint8Array.of(REQUEST_IDENTITIES)), IDENTITIES_ANSWER);
  const keys: Uint8Array[] = [];
  // No count is believed: each key takes bytes of an answer that is bounded.
  for (let left = reader.uint32(); left > 0; left--) {
    const key = fromSshPublicKey(reader.string());
    reader.string(); // comment
    if (key !== undefined) keys.push(key);
  }
  reader.end();
  return keys;
}

/** Signs with a key that an SSH agent holds. Throws KEY_UNKNOWN where it does not, and when it refuses to sign. */
export async function sshAgentSigner(
  socketPath: string,
  { keyId, publicKey }: { readonly keyId: string; readonly publicKey: Uint8Array },
): Promise<KeySigner> {
  const keys = await listSshAgentKeys(socketPath);
  if (!keys.some((key) => equalBytes(key, publicKey)))
    throw new GovernorError(
      'KEY_UNKNOWN',
      `expected the SSH agent to hold the key \`${keyId}\`; add it with \`ssh-add\``,
    );
  return checkedSigner({ keyId, publicKey }, async (message) => {
    const request = concatBytes(
      Uint8Array.of(SIGN_REQUEST),
      sshString(sshPublicKey(publicKey)),
      sshString(message),
      sshUint32(0),
    );
    const reader = answerOf(await askAgent(socketPath, request), SIGN_RESPONSE);
    const signature = fromSshSignature(reader.string());
    reader.end();
    return signature;
  });
}

function answerOf(answer: Uint8Array, expected: number): SshReader {
  const reader = new SshReader(answer);
  const type = reader.byte();
  if (type === FAILURE)
    throw new GovernorError(
      'KEY_UNKNOWN',
      'expected the SSH agent to do as asked, it refused; unlock it, or confirm its question',
    );
  if (type !== expected)
    throw new GovernorError('KEY_INVALID', 'expected the answer of an SSH agent, came another message');
  return reader;
}
