import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import {
  AppendTree,
  base64,
  canonicalBytes,
  concatBytes,
  consistencyProof,
  type Envelope,
  type EnvelopeSigner,
  envelopeBytes,
  formatCheckpoint,
  formatVerifierKey,
  inclusionProof,
  type JsonValue,
  leafHash,
  type NodeReader,
  type NoteSigner,
  noteVerifier,
  rootFrom,
  signNote,
  utf8,
} from '@provability-fabric/kernel';
import type { EvidenceHead, InputRecord } from '@provability-fabric/statements';
import { crypto } from './bundle.fixture.ts';
import type { TrustedKeys } from './trusted-keys.ts';

/** A key made of its own name: the same in every run. */
export function testKey(name: string, seed = name) {
  const der = Buffer.concat([
    Buffer.from('302e020100300506032b657004220420', 'hex'),
    crypto.sha256(utf8(seed)),
  ]);
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  const verifier = noteVerifier(crypto, name, new Uint8Array(spki.subarray(-32)));
  return {
    verifier,
    text: formatVerifierKey(verifier),
    sign: (message: Uint8Array) => new Uint8Array(sign(null, message, privateKey)),
  };
}

export const ORIGIN = 'example.org/log';
export const LOG_KEY = testKey(ORIGIN);
export const EVIDENCE_KEY = testKey(`${ORIGIN}/evidence`);
export const KEYID = 'evidence.one';
export const KEYS: TrustedKeys = {
  logs: [LOG_KEY.verifier],
  evidence: new Map([[KEYID, EVIDENCE_KEY.verifier.publicKey]]),
};
export const SIGNER: EnvelopeSigner = { keyid: KEYID, sign: EVIDENCE_KEY.sign };

/** An evidence file as JSON that a test may do anything to. */
export interface EvidenceJson {
  format: string;
  checkpoint: string;
  consistency: { old_checkpoint: string; proof: string[] } | null;
  entries: {
    index: number;
    envelope: Envelope;
    salt: string;
    inclusion: string[];
    record: InputRecord | null;
  }[];
  head?: EvidenceHead;
  bundles: JsonValue[];
}

export function bytesOf(evidence: EvidenceJson): Uint8Array {
  return canonicalBytes(evidence as unknown as JsonValue);
}

/** A log in memory. */
export class TestLog {
  readonly origin: string;
  readonly entries: { envelope: Envelope; salt: Uint8Array; record: InputRecord | null }[] = [];
  #nodes = new Map<string, Uint8Array>();
  #tree = new AppendTree(crypto, (level, index, hash) => this.#nodes.set(`${level}/${index}`, hash));
  #read: NodeReader = (level, index) => this.#nodes.get(`${level}/${index}`) as Uint8Array;

  constructor(origin = ORIGIN) {
    this.origin = origin;
  }

  append(envelope: Envelope, record: InputRecord | null): number {
    const index = this.entries.length;
    const salt = crypto.sha256(utf8(`salt ${this.origin} ${index}`));
    this.entries.push({ envelope, salt, record });
    this.#tree.append(leafHash(crypto, crypto.sha256(concatBytes(salt, envelopeBytes(envelope)))));
    return index;
  }

  checkpoint(size = this.entries.length, signers: readonly NoteSigner[] = [this.signer()]): string {
    const root = rootFrom(crypto, this.#read, size);
    return signNote(formatCheckpoint({ origin: this.origin, size, root, extensions: [] }), signers);
  }

  signer(key = testKey(this.origin)): NoteSigner {
    return { name: this.origin, keyHash: key.verifier.keyHash, sign: key.sign };
  }

  export(
    bundles: readonly JsonValue[],
    {
      size = this.entries.length,
      since = null as number | null,
      keep = (index: number): boolean => index >= 0,
    } = {},
  ): EvidenceJson {
    const proof = since === null ? [] : consistencyProof(crypto, this.#read, since, size);
    const entries = this.entries.slice(0, size).map(({ envelope, salt, record }, index) => ({
      index,
      envelope,
      salt: base64(salt),
      inclusion: inclusionProof(crypto, this.#read, index, size).map(base64),
      record,
    }));
    return {
      format: 'provability-fabric/evidence/v1',
      checkpoint: this.checkpoint(size),
      consistency:
        since === null ? null : { old_checkpoint: this.checkpoint(since), proof: proof.map(base64) },
      entries: entries.filter(({ index }) => keep(index)),
      bundles: [...bundles],
    };
  }
}
