// PROTOCOL.sshsig of OpenSSH: what `ssh-keygen -Y verify` and `git verify-commit` check.
import { createHash } from 'node:crypto';
import { concatBytes, utf8 } from '@provability-fabric/kernel';
import type { KeySigner } from '../gate/ports.ts';
import { SSH_ED25519, sshPublicKey, sshString, sshUint32 } from './ssh-wire.ts';

const MAGIC = utf8('SSHSIG');
const VERSION = 1;
const HASH = 'sha512';
const LINE_LENGTH = 70;

/** An armored SSH signature over a message, for one namespace: what is signed for `git` counts nowhere else. */
export async function sshSignature(
  namespace: string,
  signer: KeySigner,
  message: Uint8Array,
): Promise<string> {
  const purpose = concatBytes(sshString(namespace), sshString(''), sshString(HASH));
  const digest = new Uint8Array(createHash(HASH).update(message).digest());
  const signature = await signer.sign(concatBytes(MAGIC, purpose, sshString(digest)));
  const blob = concatBytes(
    MAGIC,
    sshUint32(VERSION),
    sshString(sshPublicKey(signer.publicKey)),
    purpose,
    sshString(concatBytes(sshString(SSH_ED25519), sshString(signature))),
  );
  const lines =
    Buffer.from(blob)
      .toString('base64')
      .match(new RegExp(`.{1,${LINE_LENGTH}}`, 'g')) ?? [];
  return ['-----BEGIN SSH SIGNATURE-----', ...lines, '-----END SSH SIGNATURE-----', ''].join('\n');
}
