import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { testWithCorpus } from '../../test/corpora.ts';
import { newKey, nodeCrypto } from '../../test/node-crypto.ts';
import { type Crypto, ed25519PublicKeyProblem, fromHex, utf8, verifySignature } from '../index.ts';

/** A port as careless as RFC 8032 allows: whatever gets past the guards is accepted. */
const credulous: Crypto = { ...nodeCrypto, verifyEd25519: () => true };

const withSign = (key: Uint8Array, sign: boolean) => {
  const copy = new Uint8Array(key);
  copy[31] = (copy[31] as number) | (sign ? 0x80 : 0);
  return copy;
};

describe('public keys', () => {
  test('every encoding of a point of low order is refused', () => {
    const encodings = [
      '0000000000000000000000000000000000000000000000000000000000000000', // order 4
      '0100000000000000000000000000000000000000000000000000000000000000', // order 1
      '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05', // order 8
      'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a', // order 8
      'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f', // order 2
      'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f', // order 4, not canonical
      'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f', // order 1, not canonical
    ];
    for (const encoding of encodings) {
      for (const sign of [false, true]) {
        expect(ed25519PublicKeyProblem(withSign(fromHex(encoding), sign)), encoding).toMatch(
          /low order|canonical/,
        );
      }
    }
  });

  test('every coordinate from 2^255 - 19 on is refused as not canonical', () => {
    for (let last = 0xed; last <= 0xff; last++) {
      const key = new Uint8Array(32).fill(0xff);
      key[0] = last;
      expect(ed25519PublicKeyProblem(key)).toContain('canonical');
      expect(ed25519PublicKeyProblem(withSign(key, false))).toContain('canonical');
    }
  });

  test('bytes that are no point, and other lengths, are refused', () => {
    expect(ed25519PublicKeyProblem(fromHex(`02${'00'.repeat(31)}`))).toContain('no curve point');
    for (const length of [0, 31, 33, 64])
      expect(ed25519PublicKeyProblem(new Uint8Array(length))).toContain('32 bytes');
  });

  test('keys that were generated pass', () => {
    for (let i = 0; i < 50; i++) expect(ed25519PublicKeyProblem(newKey().publicKey)).toBeUndefined();
  });
});

describe('signatures', () => {
  test('a second spelling of a signature never reaches the port', () => {
    const key = newKey();
    const message = utf8('message');
    const signature = key.sign(message);
    expect(verifySignature(nodeCrypto, key.publicKey, message, signature)).toBe(true);
    const malleable = new Uint8Array(signature);
    const order = fromHex('edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010');
    let carry = 0;
    for (let i = 0; i < 32; i++) {
      carry += (signature[32 + i] as number) + (order[i] as number);
      malleable[32 + i] = carry & 0xff;
      carry >>= 8;
    }
    expect(verifySignature(credulous, key.publicKey, message, malleable)).toBe(false);
    const wideR = new Uint8Array(signature).fill(0xff, 0, 32);
    expect(verifySignature(credulous, key.publicKey, message, wideR)).toBe(false);
    expect(verifySignature(credulous, key.publicKey, message, signature.subarray(0, 63))).toBe(false);
    expect(verifySignature(credulous, key.publicKey.subarray(1), message, signature)).toBe(false);
  });

  testWithCorpus('every case of Wycheproof', 'ed25519/wycheproof-ed25519.json', (path) => {
    const suite = JSON.parse(readFileSync(path, 'utf8')) as Suite;
    let cases = 0;
    for (const { publicKey, tests } of suite.testGroups) {
      for (const { tcId, msg, sig, result, comment } of tests) {
        const verified = verifySignature(nodeCrypto, fromHex(publicKey.pk), fromHex(msg), fromHex(sig));
        expect(verified, `${tcId} ${comment}`).toBe(result === 'valid');
        cases++;
      }
    }
    expect(cases).toBe(151);
  });
});

interface Suite {
  readonly testGroups: readonly {
    readonly publicKey: { readonly pk: string };
    readonly tests: readonly { tcId: number; msg: string; sig: string; result: string; comment: string }[];
  }[];
}
