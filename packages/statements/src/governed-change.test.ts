import { createHash } from 'node:crypto';
import { asDigest, type Crypto, type JsonObject } from '@provability-fabric/kernel';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  GOVERNED_CHANGE_KINDS,
  type GovernedChangeStatement,
  parseGovernedChangeDetails,
} from './governed-change.ts';
import { inputRecord } from './input-record.ts';
import { isRecordSession, parseRecordSession, recordSession } from './record-session.ts';
import { decodeChained, decodeStatement, encodeStatement, payloadTypeOf } from './statement-codec.ts';

const crypto: Crypto = {
  sha256: (data) => new Uint8Array(createHash('sha256').update(data).digest()),
  verifyEd25519: () => false,
};
const D = asDigest('ab'.repeat(32));
const LOG = '0'.repeat(32);
const CHANGE: GovernedChangeStatement = {
  type: 'governed-change',
  tenant: 'acme',
  session: `changes:${LOG}:0`,
  seq: 3,
  previous: D,
  continues: null,
  change_id: '00000000-0000-4000-8000-000000000001',
  kind: 'change-applied',
  actor: 'api',
  principal: 'alice',
  manifest: D,
  reverts: null,
  verdict: 'approved',
  error_code: null,
  policy: { digest: D, version: 2 },
  tree: { before: D, after: D },
  sandbox: { rc: 0, duration_ms: 12, timed_out: false },
  commit: 'cd'.repeat(20),
  details_root: D,
  issued_at: '2026-01-01T00:00:00.000Z',
};
const type = payloadTypeOf(CHANGE);

describe('a governed change', () => {
  it('is refused with an unknown field, a wrong one, another payload type, or output slipped in', () => {
    for (const change of [
      { stdout: 'hunter2' },
      { kind: 'change-done' },
      { actor: 'root' },
      { verdict: 'maybe' },
      { manifest: 'x' },
      { commit: 'main' },
      { policy: { digest: D, version: 0 } },
      { tree: { before: D } },
      { sandbox: { rc: 0, duration_ms: 12, timed_out: false, stdout: '' } },
      { sandbox: { rc: 0, duration_ms: -1, timed_out: false } },
      { error_code: 'it said no' },
      { change_id: 'x' },
    ])
      expect(() => decodeChained(type, encodeStatement({ ...CHANGE, ...change } as never))).toThrow(
        'a statement',
      );
    expect(() => decodeChained(type.replace('governed', 'other'), encodeStatement(CHANGE))).toThrow(
      'payload type',
    );
    expect(() => decodeStatement(type, encodeStatement(CHANGE))).toThrow('expected a statement');
  });

  it('comes back from its bytes as it was, whatever it says', () => {
    const digest = fc.option(fc.constant(D));
    const members = fc.record({
      kind: fc.constantFrom(...GOVERNED_CHANGE_KINDS),
      actor: fc.constantFrom('api', 'cli', 'mcp', 'governor'),
      principal: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 64 }),
      manifest: digest,
      reverts: digest,
      continues: digest,
      error_code: fc.option(fc.constantFrom('CHANGE_BLOCKED', 'KILLED')),
      sandbox: fc.option(fc.record({ rc: fc.nat(), duration_ms: fc.nat(), timed_out: fc.boolean() })),
    });
    fc.assert(
      fc.property(members, (given) => {
        const statement = { ...CHANGE, ...given } as GovernedChangeStatement;
        expect(decodeChained(type, encodeStatement(statement))).toEqual(statement);
      }),
      { numRuns: 100 },
    );
  });

  it('stands in numbered sessions that no agent has', () => {
    expect(isRecordSession(CHANGE.session)).toBe(true);
    const name = { prefix: 'changes:', log: LOG, number: 7 } as const;
    expect(parseRecordSession(recordSession(name))).toEqual(name);
    for (const session of [
      'changes:',
      `changes:${LOG}:07`,
      `changes:${LOG}`,
      `change:${LOG}:0`,
      `xchanges:${LOG}:0`,
    ])
      expect(parseRecordSession(session)).toBeUndefined();
  });
});

describe('the record of a governed change', () => {
  const whole: JsonObject = {
    change_id: CHANGE.change_id,
    detail: 'as asked',
    files: [{ path: 'a', before: null, after: null }],
    idempotency_key: 'key-1',
    output_digest: null,
    sandbox: { rc: 0 },
    signers: [],
  };
  const record = (input: JsonObject) => inputRecord(crypto, input, new Uint8Array(32));

  it('is refused with anything but its leaves', () => {
    const { detail: _, ...less } = whole;
    for (const input of [
      less,
      { ...whole, extra: 1 },
      { ...whole, change_id: null },
      { ...whole, detail: 1 },
      { ...whole, files: {} },
      { ...whole, files: ['a'] },
      { ...whole, sandbox: 'none' },
    ])
      expect(() => parseGovernedChangeDetails(record(input))).toThrow('the record of a governed change');
  });

  it('says what was recorded', () => {
    expect(parseGovernedChangeDetails(record(whole))).toEqual(whole);
  });
});
