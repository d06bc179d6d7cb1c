// The data types of RFC 4251 §5 that keys and signatures are made of.
import { concatBytes, utf8 } from '@provability-fabric/kernel';
import { GovernorError } from '../errors.ts';

export const SSH_ED25519 = 'ssh-ed25519';

export function sshString(value: Uint8Array | string): Uint8Array {
  const bytes = typeof value === 'string' ? utf8(value) : value;
  return concatBytes(sshUint32(bytes.length), bytes);
}

export function sshUint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

/** Reads what somebody else wrote: every length is held against what is there. Throws KEY_INVALID. */
export class SshReader {
  #at = 0;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  byte(): number {
    return this.#take(1)[0] as number;
  }

  uint32(): number {
    const [a, b, c, d] = this.#take(4) as unknown as [number, number, number, number];
    return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
  }

  string(): Uint8Array {
    return this.#take(this.uint32());
  }

  text(): string {
    return Buffer.from(this.string()).toString('latin1');
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw malformed();
  }

  #take(length: number): Uint8Array {
    if (length > this.#bytes.length - this.#at) throw malformed();
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
}

/** A public key as SSH writes it (RFC 8709 §4). */
export function sshPublicKey(publicKey: Uint8Array): Uint8Array {
  return concatBytes(sshString(SSH_ED25519), sshString(publicKey));
}

/** The 32 bytes of an Ed25519 key as SSH writes it; undefined for a key of another kind. Throws KEY_INVALID. */
export function fromSshPublicKey(blob: Uint8Array): Uint8Array | undefined {
  const reader = new SshReader(blob);
  if (reader.text() !== SSH_ED25519) return undefined;
  const publicKey = reader.string();
  reader.end();
  return new Uint8Array(publicKey);
}

/** The 64 bytes of an Ed25519 signature as SSH writes it (RFC 8709 §6). Throws KEY_INVALID. */
export function fromSshSignature(blob: Uint8Array): Uint8Array {
  const reader = new SshReader(blob);
  if (reader.text() !== SSH_ED25519) throw malformed();
  const signature = reader.string();
  reader.end();
  return new Uint8Array(signature);
}

function malformed(): GovernorError {
  return new GovernorError('KEY_INVALID', 'expected a key or signature in the form of SSH, came other bytes');
}
