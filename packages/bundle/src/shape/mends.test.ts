import { describe, expect, it } from 'vitest';
import { compileBundle } from '../compile.ts';
import { crypto, PARTS, sourcesWith } from '../sources.fixture.ts';

const clause = (text: string) => ({ clauses: `${PARTS.clauses}  - ${text}\n` });
const release = (members: string) =>
  clause(
    '{ id: x, kind: flow, rule: declassify, on: { tools: [send_mail] }, ' +
      'from: { level: confidential, integrity: trusted }, to: { level: internal, integrity: trusted }, ' +
      `${members} }`,
  );
const cost = (text: string) => ({ tools: `${PARTS.tools}    cost: ${text}\n` });

/** What is wrong, without its place. */
async function said(parts: Parameters<typeof sourcesWith>[0]) {
  const result = await compileBundle(sourcesWith(parts), crypto);
  if (result.ok) throw new Error('expected sources that do not compile');
  return result.errors.map(({ code, message, mend }) => ({ code, message, mend }));
}

describe('one mistake is one error, and its mend is the whole of it', () => {
  it.each([
    [
      'roles in the approver',
      'approver: { roles: [finance] }',
      'write `approver: { approvers: { roles: [finance] } }`',
    ],
    [
      'ids in the approver',
      'approver: { ids: ann, within: 5m }',
      'write `approver: { approvers: { ids: [ann] } }`',
    ],
    ['a role alone', 'approver: finance', 'write `approver: { approvers: { roles: [finance] } }`'],
    [
      'approvers beside it',
      'approvers: { roles: [finance] }',
      'write `approver: { approvers: { roles: [NAME] } }`',
    ],
    [
      'how many, beside it',
      'approvals: 2',
      'write it in `approver: { approvals: …, approvers: { roles: [NAME] } }`',
    ],
    [
      'a list of them',
      'approver: { approvers: [finance, ann] }',
      'write `approvers: { roles: [finance, ann] }`',
    ],
    ['a name that steers', 'approver: "a\\u001bb"', 'write `approver: { approvers: { roles: [NAME] } }`'],
  ])('of a release: %s', async (_, members, mend) => {
    expect((await said(release(members))).map((each) => each.mend)).toEqual([mend]);
  });

  it('of a hold: who approves, as a list and mistyped', async () => {
    expect(await said(clause('{ id: x, kind: hold, approvers: [finance] }'))).toMatchObject([
      { mend: 'write `approvers: { roles: [finance] }`' },
    ]);
    expect(await said(clause('{ id: x, kind: hold, approvers: { role: [finance] } }'))).toEqual([
      {
        code: 'UNKNOWN_KEY',
        message: 'expected one of the keys ids, roles, came `role`',
        mend: 'did you mean `roles`? otherwise remove it',
      },
    ]);
  });

  it('of a number of approvals: from where to where', async () => {
    for (const count of ['0', '9', '1.5', 'two']) {
      expect(
        await said(clause(`{ id: x, kind: hold, approvers: { roles: [boss] }, approvals: ${count} }`)),
      ).toMatchObject([{ message: `expected a whole number from 1 to 8, came \`${count}\`` }]);
    }
  });

  it('of a cost: the key that is wrong', async () => {
    expect(await said(cost('{ parameter: amount }'))).toEqual([
      {
        code: 'UNKNOWN_KEY',
        message: 'expected one of the keys argument, came `parameter`',
        mend: 'did you mean `argument`? otherwise remove it',
      },
    ]);
    expect(await said(cost('{}'))).toMatchObject([{ code: 'MISSING_KEY' }]);
    expect(await said(cost('[argument]'))).toMatchObject([{ code: 'WRONG_VALUE' }]);
  });

  it('of a rule of extract: its forms', async () => {
    const rule = '{ tool: read_file, type: [date], label: { level: internal, integrity: trusted } }';
    const handles = `handles: { clearance: { level: internal, integrity: trusted }, extract: [${rule}] }\n`;
    expect(await said({ clauses: `${PARTS.clauses}${handles}` })).toMatchObject([
      { code: 'UNKNOWN_KEY', mend: 'did you mean `types`? otherwise remove it' },
    ]);
  });
});

describe('what is no slip of the pen', () => {
  it('is still told of apart from it', async () => {
    const both = { head: 'name: desk\nowner: o\ntenants: [acme, globex]\ncolour: red\n' };
    expect((await said(both)).map(({ code }) => code)).toEqual(['MISSING_KEY', 'UNKNOWN_KEY']);
  });

  it('is told though a key like it is mistyped', async () => {
    const parts = { head: PARTS.head.replace('owner: ', 'ownre: x\nowner: 7 #') };
    expect((await said(parts)).map(({ code }) => code)).toEqual(['UNKNOWN_KEY', 'WRONG_VALUE']);
    const later = await said(clause('{ id: x, kind: hold, approver: { roles: [boss] } }'));
    expect(later.map(({ code }) => code).sort()).toEqual(['MISSING_KEY', 'NOT_IN_VERSION']);
  });

  it('is told with the keys in the order of the alphabet', async () => {
    const [{ message = '' } = {}] = await said(release('colour: red'));
    const keys = /keys (.*), came/.exec(message)?.[1]?.split(', ') ?? [];
    expect(keys).toContain('rule');
    expect(keys).toEqual([...keys].sort());
  });
});
