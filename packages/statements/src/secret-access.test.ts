import { createHash } from 'node:crypto';
import { asDigest, type Crypto, utf8 } from '@provability-fabric/kernel';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inputRecord } from './input-record.ts';
import { isRecordSession } from './record-session.ts';
import { parseSecretAccessDetails, type SecretAccessStatement } from './secret-access.ts';
import { decodeChained, decodeStatement, encodeStatement, payloadTypeOf } from './statement-codec.ts';

const crypto: Crypto = {
  sha256: (data) => new Uint8Array(createHash('sha256').update(data).digest()),
  verifyEd25519: () => false,
};
const D = asDigest('ab'.repeat(32));
const ACCESS: SecretAccessStatement = {
  type: 'secret-access',
  tenant: 'acme',
  session: `secrets:${'0'.repeat(32)}:0`,
  seq: 3,
  previous: D,
  continues: null,
  access_id: '00000000-0000-4000-8000-000000000001',
  principal: 'agent-1',
  action: 'READ',
  secret: 'db/primary',
  version: 2,
  result: 'SUCCESS',
  error_code: null,
  provider: 'embedded',
  details_root: D,
  issued_at: '2026-01-01T00:00:00.000Z',
};
const type = payloadTypeOf(ACCESS);

describe('an access to a secret', () => {
  it('is refused with an unknown field, a wrong one, another payload type, or a value slipped in', () => {
    for (const change of [
      { value: 'hunter2' },
      { action: 'read' },
      { result: 'success' },
      { version: 0 },
      { access_id: 'x' },
      { details_root: 'y' },
      { seq: -1 },
      { error_code: 'it said no' },
    ])
      expect(() => decodeChained(type, encodeStatement({ ...ACCESS, ...change } as never))).toThrow(
        'expected a statement',
      );
    expect(() =>
      decodeChained(type.replace('secret-access', 'session-record'), encodeStatement(ACCESS)),
    ).toThrow('payload type');
    expect(() => decodeChained(type, utf8(`${JSON.stringify(ACCESS)} `))).toThrow();
  });

  it('is nothing that `step` did: the reader of agents’ sessions refuses it', () => {
    expect(() => decodeStatement(type, encodeStatement(ACCESS))).toThrow('expected a statement');
  });

  it('comes back from its bytes as it was, whatever it says', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 64 });
    const access = fc.record({
      principal: text,
      secret: fc.string({ unit: 'grapheme', maxLength: 64 }),
      version: fc.option(fc.integer({ min: 1 })),
      result: fc.constantFrom('STARTED', 'SUCCESS', 'FAILURE', 'DENIED'),
      error_code: fc.option(fc.constantFrom('SECRET_NOT_FOUND', 'SECRETS_SEALED')),
      continues: fc.option(fc.constant(D)),
    });
    fc.assert(
      fc.property(access, (members) => {
        const statement = { ...ACCESS, ...members } as SecretAccessStatement;
        expect(decodeChained(type, encodeStatement(statement))).toEqual(statement);
      }),
      { numRuns: 100 },
    );
  });

  it('stands in sessions that no agent has', () => {
    expect(isRecordSession(ACCESS.session)).toBe(true);
    for (const session of ['secret:1', 'x-secrets:1', 'Secrets:1', 'auto:agent-1:1', ''])
      expect(isRecordSession(session)).toBe(false);
  });
});

describe('the record of an access', () => {
  const record = (input: object) => inputRecord(crypto, input as never, new Uint8Array(32));

  it('is refused with anything but the id and flat details', () => {
    const access_id = ACCESS.access_id;
    const many = Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`d${i}`, i]));
    for (const input of [
      {},
      { access_id },
      { access_id, details: {}, extra: 1 },
      { access_id: 1, details: {} },
      { access_id, details: [] },
      { access_id, details: { nested: { a: 1 } } },
      { access_id, details: { nothing: null } },
      { access_id, details: many },
    ])
      expect(() => parseSecretAccessDetails(record(input))).toThrow('the record of an access');
  });

  it('says what was recorded', () => {
    const given = { access_id: ACCESS.access_id, details: { tool: 'send_mail', attempt: 2, cached: true } };
    expect(parseSecretAccessDetails(record(given))).toEqual(given);
  });
});
