import { CommandError } from '@provability-fabric/command-line';
import { nodeCrypto } from '@provability-fabric/evidence';
import { type ApplyAnswer, addSignature, manifestHash, signManifest } from '@provability-fabric/governor';
import {
  type Digest,
  type Envelope,
  envelopeBytes,
  type JsonValue,
  parseJsonBytes,
} from '@provability-fabric/kernel';
import type { Desk } from '../governance.ts';
import { readDocument } from '../input/read-document.ts';
import { atDesk } from '../service/desk.ts';
import type { Shell } from '../shell.ts';
import { manifestIn } from './sign-manifest.ts';
import { type SignerOptions, signerOf } from './signer-of.ts';

export interface ApproveOptions extends SignerOptions {
  readonly signed?: string;
}

/** Hands in a proposal's envelope with one more signature, made here or elsewhere. */
export async function approve(shell: Shell, hash: Digest, options: ApproveOptions): Promise<ApplyAnswer> {
  const { keyId, sshAgent, signed } = options;
  if (signed !== undefined && (keyId !== undefined || sshAgent !== undefined))
    throw new CommandError(
      'INPUT_INVALID',
      'expected a key to sign with or a signed envelope (--signed), came both; leave one out',
    );
  const given = signed === undefined ? undefined : await readDocument(shell, signed, 'a signed manifest');
  return atDesk(shell, options, 'change', async (desk) =>
    desk.approve(hash, given ?? asJson(await signedHere(shell, desk, hash, options))),
  );
}

/** The hash that was typed is what the person saw: nothing else is signed, whatever a service sends. */
async function signedHere(shell: Shell, desk: Desk, hash: Digest, options: SignerOptions): Promise<Envelope> {
  const signer = await signerOf(shell, options);
  const { manifest, signed_envelope: envelope } = await desk.proposal(hash);
  const meant = envelope === null ? manifest : manifestIn(envelope);
  if (manifestHash(nodeCrypto(), meant) !== hash)
    throw new CommandError(
      'DENIED',
      `expected the manifest whose hash is ${hash}, came another; nothing was signed`,
    );
  return envelope === null ? signManifest(manifest, [signer]) : addSignature(envelope, signer);
}

function asJson(envelope: Envelope): JsonValue {
  return parseJsonBytes(envelopeBytes(envelope));
}
