import { asDigest, JsonError, utf8 } from '@provability-fabric/kernel';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LedgerStatement } from './ledger-statement.ts';
import {
  decodeLedgerStatement,
  encodeLedgerStatement,
  ledgerPayloadTypeOf,
} from './ledger-statement-codec.ts';

const digest = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => asDigest(Buffer.from(bytes).toString('hex')));
const name = fc.string({ minLength: 1, maxLength: 40, unit: 'grapheme' });
const text = fc.string({ maxLength: 40, unit: 'grapheme' });
const count = fc.maxSafeNat();
const instant = fc
  .date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true })
  .map((date) => date.toISOString());
const label = fc.record({
  level: fc.constantFrom('public' as const, 'internal' as const, 'confidential' as const, 'secret' as const),
  compartments: fc.array(name, { maxLength: 3 }),
  integrity: fc.constantFrom('trusted' as const, 'untrusted' as const),
});
const span = fc.tuple(fc.nat(), fc.nat()).map(([start, length]) => ({ start, end: start + length }));

const statements: fc.Arbitrary<LedgerStatement> = fc.oneof(
  fc.record({
    type: fc.constant('head' as const),
    writer: name,
    count,
    root: digest,
    log_size: count,
    at: instant,
  }),
  fc.record({
    type: fc.constant('access-receipt' as const),
    receipt_id: name,
    tenant: name,
    subject_id: name,
    query_hash: digest,
    index_shard: name,
    timestamp: instant,
    result_hash: digest,
    result_count: count,
    query_time_ms: count,
    labels_accessed: fc.array(label, { maxLength: 3 }),
    abac_decision: fc.record({
      allowed: fc.boolean(),
      policy_version: name,
      rules_applied: fc.array(name, { maxLength: 3 }),
    }),
    witness: fc.option(text),
    sign_alg: fc.constant('Ed25519' as const),
  }),
  fc.record({
    type: fc.constant('egress-certificate' as const),
    certificate_id: name,
    session: name,
    tenant: name,
    policy_hash: digest,
    text_hash: digest,
    detectors: fc.record({ pii: count, secret: count, near_dupe: count }),
    findings: fc.array(fc.record({ kind: name, span }), { maxLength: 3 }),
    action_taken: fc.constantFrom('ALLOW' as const, 'REDACT' as const, 'BLOCK' as const),
    risk_score: fc.nat(1_000_000),
    influencing_labels: fc.array(label, { maxLength: 3 }),
    non_interference: fc.constantFrom('passed' as const, 'failed' as const),
    issued_at: instant,
  }),
  fc.record({
    type: fc.constant('capability-token' as const),
    token_id: name,
    tenant: name,
    subject: name,
    sid: fc.option(name),
    audience: name,
    roles: fc.array(name, { maxLength: 3 }),
    capabilities: fc.array(name, { maxLength: 3 }),
    epoch: count,
    issued_at: instant,
    expires_at: instant,
  }),
  fc.record({
    type: fc.constant('revocation' as const),
    tenant: name,
    kind: fc.constantFrom('token' as const, 'principal' as const),
    id: name,
    reason: text,
    by: name,
    issued_at: instant,
  }),
);

describe('a statement of the ledger', () => {
  it('is refused with a member missing, unknown or exchanged, another payload type or another byte form', () => {
    fc.assert(
      fc.property(statements, statements, fc.nat(), (statement, other, pick) => {
        const type = ledgerPayloadTypeOf(statement);
        const members = Object.keys(statement);
        const missing = members[pick % members.length] as string;
        const without = Object.fromEntries(Object.entries(statement).filter(([key]) => key !== missing));
        const changes = [without, { ...statement, extra: 1 }, { ...statement, [missing]: { no: 'such' } }];
        for (const changed of changes) {
          expect(() => decodeLedgerStatement(type, encodeLedgerStatement(changed as never))).toThrow(
            expect.objectContaining({ code: 'STATEMENT_MALFORMED' }),
          );
        }
        if (other.type !== statement.type) {
          expect(() => decodeLedgerStatement(type, encodeLedgerStatement(other))).toThrow(
            expect.objectContaining({ code: 'STATEMENT_UNKNOWN_TYPE' }),
          );
        }
        const loose = utf8(` ${new TextDecoder().decode(encodeLedgerStatement(statement))}`);
        expect(() => decodeLedgerStatement(type, loose)).toThrow(JsonError);
      }),
    );
  });

  it('comes back from its bytes as it was', () => {
    fc.assert(
      fc.property(statements, (statement) => {
        const type = ledgerPayloadTypeOf(statement);
        expect(decodeLedgerStatement(type, encodeLedgerStatement(statement))).toEqual(statement);
      }),
    );
  });

  it('has spans that end where they begin or later', () => {
    const [certificate] = fc.sample(statements, 200).filter(({ type }) => type === 'egress-certificate');
    const backwards = { ...certificate, findings: [{ kind: 'email', span: { start: 5, end: 4 } }] };
    const type = 'application/vnd.provability-fabric.egress-certificate+json';
    expect(() => decodeLedgerStatement(type, encodeLedgerStatement(backwards as never))).toThrow(
      'findings.0.span',
    );
  });
});
