import { generateKeyPairSync, sign } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fromHex, hex, utf8, verifySignature } from '@provability-fabric/kernel';
import { describe, expect, it } from 'vitest';
import { nodeCrypto } from './node-crypto.ts';

const crypto = nodeCrypto();
const CORPORA = process.env.PF_CORPORA ?? resolve(import.meta.dirname, '../../../../shared/corpora');
const WYCHEPROOF = resolve(CORPORA, 'ed25519/wycheproof-ed25519.json');

interface Wycheproof {
  readonly testGroups: readonly {
    readonly publicKey: { readonly pk: string };
    readonly tests: readonly {
      readonly tcId: number;
      readonly msg: string;
      readonly sig: string;
      readonly result: 'valid' | 'invalid';
    }[];
  }[];
}

function newKey() {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const raw = new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }).subarray(-32));
  return { raw, sign: (message: Uint8Array) => sign(null, message, privateKey) };
}

describe('the crypto port on node:crypto', () => {
  it('answers false, and does not throw, on keys and signatures of another length', () => {
    const { raw, sign } = newKey();
    const message = utf8('message');
    const signature = sign(message);
    expect(crypto.verifyEd25519(raw.subarray(1), message, signature)).toBe(false);
    expect(crypto.verifyEd25519(raw, message, signature.subarray(1))).toBe(false);
    expect(crypto.verifyEd25519(new Uint8Array(0), message, new Uint8Array(0))).toBe(false);
    expect(crypto.verifyEd25519(raw, message, signature)).toBe(true);
  });

  it('keeps keys apart when it has seen more of them than it remembers', () => {
    const keys = Array.from({ length: 300 }, newKey);
    const message = utf8('message');
    for (const round of [0, 1]) {
      keys.forEach(({ raw, sign }, i) => {
        expect(crypto.verifyEd25519(raw, message, sign(message))).toBe(true);
        const other = keys[(i + 1 + round) % keys.length] as (typeof keys)[0];
        expect(crypto.verifyEd25519(raw, message, other.sign(message))).toBe(false);
      });
    }
  });

  it('hashes like SHA-256 of FIPS 180-4, into plain bytes', () => {
    const hash = crypto.sha256(utf8('abc'));
    expect(hex(hash)).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    expect(Object.getPrototypeOf(hash)).toBe(Uint8Array.prototype);
  });

  const missing = !existsSync(WYCHEPROOF) && process.env.CI !== 'true';
  it.skipIf(missing)('decides every Wycheproof case (skipped where the corpus is missing)', () => {
    const { testGroups }: Wycheproof = JSON.parse(readFileSync(WYCHEPROOF, 'utf8'));
    const wrong: number[] = [];
    for (const { publicKey, tests } of testGroups) {
      for (const { tcId, msg, sig, result } of tests) {
        const valid = verifySignature(crypto, fromHex(publicKey.pk), fromHex(msg), fromHex(sig));
        if (valid !== (result === 'valid')) wrong.push(tcId);
      }
    }
    expect(wrong).toEqual([]);
  });
});
