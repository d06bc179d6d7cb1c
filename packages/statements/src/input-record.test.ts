import { createHash, randomBytes } from 'node:crypto';
import {
  type Crypto,
  canonicalBytes,
  type JsonObject,
  parseJson,
  parseJsonBytes,
} from '@provability-fabric/kernel';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inputOf, inputRecord, inputRoot, parseInputRecord, writeInputRecord } from './input-record.ts';

const crypto: Crypto = {
  sha256: (data) => new Uint8Array(createHash('sha256').update(data).digest()),
  verifyEd25519: () => true,
};
const random = (length: number) => new Uint8Array(randomBytes(length));

const value = fc.json({ maxDepth: 2, stringUnit: 'grapheme' }).map((text) => parseJson(text));
const part = fc.dictionary(fc.constantFrom('args', 'kind', 'target', 'id'), value, { minKeys: 1 });
const input = fc
  .record({ kind: value, at: value, epoch: value, action: part, principal: part }, { requiredKeys: [] })
  .filter((given) => Object.keys(given).length > 0) as fc.Arbitrary<JsonObject>;

describe('a written input record', () => {
  it('has a salt of its own for every leaf', () => {
    const { bytes } = writeInputRecord(crypto, { kind: 'tick', at: 1, epoch: 1 }, random);
    const { leaves } = parseInputRecord(parseJsonBytes(bytes));
    expect(new Set(leaves.map(({ salt }) => salt)).size).toBe(3);
  });

  it('reads back as the input, in canonical bytes, with the root that was signed', () => {
    fc.assert(
      fc.property(input, (given) => {
        const { bytes, root } = writeInputRecord(crypto, given, random);
        const parsed = parseJsonBytes(bytes);
        const record = parseInputRecord(parsed);
        expect(canonicalBytes(parsed)).toEqual(bytes);
        expect(inputRoot(crypto, record)).toBe(root);
        expect(inputOf(record)).toEqual(inputOf(inputRecord(crypto, given, random(32))));
      }),
    );
  });
});
