import type { CompileErrorCode } from './errors.ts';
import { PARTS } from './sources.fixture.ts';

// ‸ marks where the error must be reported.
type Case = readonly [code: CompileErrorCode, about: string, keys: string];

const FROM = 'from: { level: secret, compartments: [pii, "tenant:{tenant}"], integrity: untrusted }';
const TO = 'to: { level: internal, compartments: ["tenant:{tenant}"], integrity: untrusted }';
export const release = (keys: string) => ({
  clauses: `${PARTS.clauses}  - { id: x, kind: flow, ${keys} }\n`,
});
export const down = `on: { tools: [send_mail] }, ${FROM}, ${TO}`;

export const tool = (returns: string, parameter = 'from: [prompt]') => ({
  tools: `${PARTS.tools}  book:
    effect: read
    returns: ${returns}
    parameters: { to: { ${parameter} } }
`,
});
const RETURNS = '{ level: internal, integrity: untrusted, fields: { ‸ } }';
export const fields = (text: string) => tool(RETURNS.replace('‸', text));
export const OPEN = 'level: internal, integrity: untrusted';

/** Clauses that are no releases. */
export const RELEASE_CASES: readonly Case[] = [
  [
    'RELEASE_WIDENS',
    'one that goes up',
    `rule: declassify, on: { tools: [send_mail] }, from: { level: internal, integrity: trusted }, to: ‸{ level: secret, integrity: trusted }`,
  ],
  [
    'RELEASE_WIDENS',
    'one that gains a compartment',
    `rule: declassify, on: { tools: [send_mail] }, from: { level: internal, integrity: trusted }, to: ‸{ level: public, compartments: [pii], integrity: trusted }`,
  ],
  [
    'RELEASE_WIDENS',
    'one that stays where it is',
    `rule: declassify, on: { tools: [send_mail] }, from: { level: internal, integrity: trusted }, to: ‸{ level: internal, integrity: trusted }`,
  ],
  [
    'RELEASE_TENANT',
    'one that removes a tenant',
    `rule: declassify, on: { tools: [send_mail] }, ${FROM}, to: ‸{ level: internal, integrity: untrusted }`,
  ],
  [
    'RELEASE_INVALID',
    'an endorsement that declassifies',
    `rule: endorse, parameter: to, on: { tools: [send_mail] }, ${FROM}, to: ‸{ level: internal, compartments: [pii, "tenant:{tenant}"], integrity: untrusted }`,
  ],
  [
    'RELEASE_INVALID',
    'a type of no parameter',
    `rule: declassify, type: date, on: { tools: [send_mail] }, ${FROM}, ${TO.replace('{ level', '‸{ level')}`,
  ],
  ['MISSING_KEY', 'an endorsement of no parameter', `‸rule: endorse, ${down}`],
  ['MISSING_KEY', 'one for any tool', `rule: declassify, on: ‸{ effects: [egress] }, ${FROM}, ${TO}`],
  ['NOT_IN_VERSION', 'one that the user approves', `rule: declassify, approver: ‸user, ${down}`],
  ['WRONG_VALUE', 'one that somebody approves who is no map', `rule: declassify, approver: ‸boss, ${down}`],
  ['WRONG_VALUE', 'one that nobody approves, but might', `rule: declassify, approver: ‸null, ${down}`],
  ['MISSING_KEY', 'one that nobody may approve', `rule: declassify, approver: ‸{ within: 1h }, ${down}`],
  [
    'APPROVERS_TOO_FEW',
    'one that too few may approve',
    `rule: declassify, approver: { approvals: 3, approvers: ‸{ ids: [ann] } }, ${down}`,
  ],
  ['WRONG_VALUE', 'another rule', `rule: ‸declassification, ${down}`],
  ['WRONG_VALUE', 'another type', `rule: declassify, parameter: to, type: ‸prose, ${down}`],
  [
    'UNKNOWN_TOOL',
    'one for a tool that is not there',
    `rule: declassify, on: { tools: [‸sendmail] }, ${FROM}, ${TO}`,
  ],
  [
    'NEVER_MATCHES',
    'an endorsement of what nothing demands',
    `rule: endorse, parameter: subject, on: { tools: ‸[send_mail] }, from: { ${OPEN} }, to: { level: internal, integrity: trusted }`,
  ],
  [
    'NEVER_MATCHES',
    'a declassification where nothing is checked',
    `rule: declassify, on: { tools: ‸[read_file] }, ${FROM}, ${TO}`,
  ],
];

/** Fields of a result that are none. */
export const FIELD_CASES: readonly Case[] = [
  ['FIELD_ABOVE_WHOLE', 'a field', '‸/*/a: { level: secret, integrity: untrusted }'],
  ['FIELD_ABOVE_WHOLE', 'a field', '‸a: { level: internal, compartments: [pii], integrity: untrusted }'],
  ['DUPLICATE_FIELD', 'a field', `a: { ${OPEN} }, ‸/a: { ${OPEN} }`],
  ['WRONG_VALUE', 'a field', `‸"/a~2": { ${OPEN} }`],
  ['MISSING_KEY', 'a field', 'a: ‸{ level: internal }'],
  [
    'TENANT_PLACEHOLDER',
    'a field',
    'a: { level: public, compartments: [‸"x:{tenant}"], integrity: untrusted }',
  ],
];
