// Whoever writes to the database can put any row into it; what a fabric decides under must come from somebody
// who holds the ledger's key. So each row carries a signed note (C2SP signed-note), whose first line is no log's
// origin: it can never pass for a checkpoint.
import {
  type Crypto,
  type Digest,
  NoteError,
  type NoteSigner,
  type NoteVerifier,
  openNote,
  signNote,
} from '@provability-fabric/kernel';

export interface BundleIdentity {
  readonly name: string;
  readonly version: number;
  readonly digest: Digest;
}

export interface BundleKeys {
  readonly crypto: Crypto;
  readonly signer: NoteSigner;
  /** This signer's, retired ones, those of other fabrics. */
  readonly verifiers: readonly NoteVerifier[];
  /** The ledger's name, as in its checkpoints. */
  readonly origin: string;
}

export function signBundle({ signer, origin }: BundleKeys, bundle: BundleIdentity): string {
  return signNote(textOf(origin, bundle), [signer]);
}

/** Whether a key of this ledger signed that this is the digest of that version. */
export function isSigned({ crypto, verifiers, origin }: BundleKeys, bundle: BundleIdentity, note: string) {
  try {
    return openNote(crypto, note, verifiers).text === textOf(origin, bundle);
  } catch (error) {
    if (error instanceof NoteError) return false;
    throw error;
  }
}

function textOf(origin: string, { name, version, digest }: BundleIdentity): string {
  return `${origin}/bundle\n${name}\n${version}\n${digest}\n`;
}
