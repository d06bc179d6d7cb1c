import { describe, expect, it } from 'vitest';
import { down, release } from './flow-cases.fixture.ts';
import { failures } from './run-cases.fixture.ts';
import { compiled, PARTS, sourcesWith } from './sources.fixture.ts';

const hold = (keys: string) => ({ clauses: `${PARTS.clauses}  - { id: ask, kind: hold, ${keys} }\n` });
const clauseOf = async (parts: Parameters<typeof sourcesWith>[0], id: string) =>
  (await compiled(sourcesWith(parts))).bundle.clauses.find((clause) => clause.id === id);

describe('approvals', () => {
  it('compile to lists in their one form, and to the defaults that the reference names', async () => {
    const written = 'on: { tools: [send_mail] }, approvers: { roles: [finance, boss, finance] }';
    expect(await clauseOf(hold(written), 'ask')).toMatchObject({
      kind: 'hold',
      on: { tools: ['send_mail'] },
      approvals: 1,
      approvers: { roles: ['boss', 'finance'], ids: [] },
      within_ms: 900_000,
    });
    const two = `rule: declassify, approver: { approvals: 2, approvers: { ids: [bob, ann] }, within: 1d }, ${down}`;
    expect(await clauseOf(release(two), 'x')).toMatchObject({
      approver: { approvals: 2, approvers: { roles: [], ids: ['ann', 'bob'] }, within_ms: 86_400_000 },
    });
  });

  it('leave a release without them as it was', async () => {
    expect(await clauseOf(release(`rule: declassify, ${down}`), 'x')).not.toHaveProperty('approver');
  });

  it('are given in test cases, each for one call', async () => {
    const send = 'tool: send_mail, args: { to: team@acme.example }';
    const ann = 'approved_by: [{ id: ann, roles: [boss] }]';
    const held = 'expect: { effect: hold, code: APPROVAL_REQUIRED, clause: ask }';
    const tests = `- name: a mail waits for the boss
  principal: { id: agent, roles: [boss] }
  events:
    - { ${send}, ${ann}, ${held} }
    - { ${send}, approved_by: [{ id: ann }], ${held} }
    - { ${send}, approved_by: [{ id: agent, roles: [boss] }], ${held} }
    - { ${send}, ${ann}, expect: { effect: allow } }
    - { ${send}, ${held} }
    - { ${send}, at: 1h, ${ann}, expect: { effect: allow } }
`;
    const sources = sourcesWith({
      ...hold('on: { tools: [send_mail] }, approvers: { roles: [boss] }'),
      tests,
    });
    expect(await failures(sources)).toEqual([]);
  });
});
