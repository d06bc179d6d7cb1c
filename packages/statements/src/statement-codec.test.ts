import { createHash } from 'node:crypto';
import {
  asDigest,
  type Crypto,
  JsonError,
  type JsonObject,
  type JsonValue,
  utf8,
} from '@provability-fabric/kernel';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inputOf, inputRecord, inputRoot, parseInputRecord } from './input-record.ts';
import type { OutcomeCertificate } from './statement.ts';
import { decodeStatement, encodeStatement, payloadTypeOf } from './statement-codec.ts';

const crypto: Crypto = {
  sha256: (data) => new Uint8Array(createHash('sha256').update(data).digest()),
  verifyEd25519: () => false,
};
const D = asDigest('ab'.repeat(32));
const LABEL = { level: 'internal', compartments: ['pii'], integrity: 'trusted' } as const;
const OUTCOME: OutcomeCertificate = {
  type: 'outcome-certificate',
  tenant: 'acme',
  session: 's',
  seq: 3,
  previous: D,
  state: { before: D, after: D },
  input_root: D,
  issued_at: '2026-01-01T00:00:00.000Z',
  certificate_id: D,
  outcome: 'done',
  result_digest: null,
  label: LABEL,
  labels: { session: LABEL },
};

describe('a statement', () => {
  const type = payloadTypeOf(OUTCOME);
  const bytes = (change: object) =>
    utf8(JSON.stringify({ ...JSON.parse(new TextDecoder().decode(encodeStatement(OUTCOME))), ...change }));

  it('is refused with an unknown field, a wrong one, another payload type or another byte form', () => {
    expect(() => decodeStatement(type, encodeStatement({ ...OUTCOME, extra: 1 } as never))).toThrow('extra');
    expect(() => decodeStatement(type, encodeStatement({ ...OUTCOME, seq: -1 }))).toThrow('`seq`');
    expect(() => decodeStatement('text/plain', encodeStatement(OUTCOME))).toThrow('payload type');
    expect(() => decodeStatement(type, bytes({ aaa: 1 }))).toThrow(JsonError);
    expect(() => encodeStatement({ ...OUTCOME, seq: 1.5 })).toThrow();
  });

  it('comes back from its bytes as it was', () => {
    expect(decodeStatement(type, encodeStatement(OUTCOME))).toEqual(OUTCOME);
  });
});

describe('an input record', () => {
  const value = fc
    .json({ maxDepth: 2, stringUnit: 'grapheme' })
    .map((text) => JSON.parse(text)) as fc.Arbitrary<JsonValue>;
  const input = fc.dictionary(fc.constantFrom('kind', 'at', 'action', 'principal', 'epoch'), value, {
    minKeys: 1,
  });
  const seed = new Uint8Array(32).fill(7);

  it('gives back the input, and its root changes with any leaf, salt or path', () => {
    fc.assert(
      fc.property(input, (given) => {
        fc.pre(!['action', 'principal'].some((key) => JSON.stringify(given[key]) === '{}'));
        fc.pre(Object.values(given).every((v) => Object.keys(Object(v)).every((key) => !key.includes('/'))));
        const record = inputRecord(crypto, given as JsonObject, seed);
        expect(inputOf(record)).toEqual(JSON.parse(JSON.stringify(given)));
        const root = inputRoot(crypto, record);
        for (const [index, leaf] of record.leaves.entries()) {
          for (const changed of [
            { ...leaf, value: 'other than it was' },
            { ...leaf, salt: '00'.repeat(32) },
            { ...leaf, path: `${leaf.path}x` },
          ]) {
            expect(inputRoot(crypto, { leaves: record.leaves.with(index, changed) })).not.toBe(root);
          }
          expect(inputRoot(crypto, { leaves: record.leaves.filter((_, other) => other !== index) })).not.toBe(
            root,
          );
        }
      }),
    );
  });

  it('keeps a guessed value from being confirmed by the root alone: every leaf has a salt of its own', () => {
    const { leaves } = inputRecord(crypto, { kind: 'tick', at: 1, epoch: 1 }, seed);
    expect(new Set(leaves.map(({ salt }) => salt)).size).toBe(3);
  });

  it('is refused when malformed', () => {
    const leaf = { path: '/kind', salt: '00'.repeat(32), value: 1 };
    expect(parseInputRecord({ leaves: [leaf] })).toEqual({ leaves: [leaf] });
    const proto = { ...leaf, path: '/__proto__' };
    const part = { ...leaf, path: '/principal/id' };
    const lists = [
      [proto],
      [{ ...leaf, path: '/kind/x' }],
      [leaf, leaf],
      [part, leaf],
      [{ ...leaf, path: '/principal' }, part],
    ];
    for (const leaves of lists) expect(() => parseInputRecord({ leaves })).toThrow('in order');
    for (const bad of [
      {},
      { leaves: [], more: 1 },
      { leaves: [{ ...leaf, path: 'kind' }] },
      { leaves: [{ ...leaf, salt: 'x' }] },
      { leaves: [{ ...leaf, more: 1 }] },
    ]) {
      expect(() => parseInputRecord(bad)).toThrow();
    }
  });
});
