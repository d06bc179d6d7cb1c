import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Signer } from '../gate/signer.ts';
import { formatPlan } from './format-plan.ts';
import {
  blocking,
  type Content,
  loadPolicy,
  OPEN_POLICY,
  type PlanOptions,
  planInput,
  type Written,
} from './policy.fixture.ts';

const ann: Signer = { keyId: 'ann', role: 'human' };
const bot: Signer = { keyId: 'bot', role: 'agent' };

async function blockedBy(
  policy: string,
  files: Record<string, Content | Written>,
  options: PlanOptions = {},
  cedar?: string,
): Promise<readonly string[]> {
  const loaded = await loadPolicy(`${OPEN_POLICY}${policy}`, cedar);
  return blocking(await loaded.evaluate(planInput(files, options), 1));
}

describe('paths', () => {
  it('that are denied are so whatever allows them, in any case, as a folder too', async () => {
    const policy = 'allow_paths: [src/, "config/**"]\ndeny_paths: [config/keys/, secret, "**/*.pem"]\n';
    const files = [
      'config/keys/a',
      'Config/Keys/a',
      'config/KEYS/b/c',
      'config/keys',
      'config/Keys',
      'src/a.pem',
      'src/a.PEM',
      'secret',
      'secret/b',
    ];
    for (const path of files)
      expect(await blockedBy(policy, { [path]: 'x\n' }), path).toContain('deny_paths');
    expect(await blockedBy(policy, { 'config/keyring': 'x\n', 'src/secret': 'x\n' })).toEqual([]);
    const clause = '@id("all") permit(principal, action, resource);';
    expect(await blockedBy(policy, { 'config/keys/a': 'x\n' }, {}, clause)).toEqual(['deny_paths']);
  });

  it('are allowed by folder, by file and by glob, and by nothing else', async () => {
    const policy = 'allow_paths: [./src/, README.md, "docs/*.md", "a/**/b?.ts", "**/x.txt"]\n';
    const allowed = [
      'src/a',
      'src/b/c',
      'README.md',
      'docs/a.md',
      'a/b1.ts',
      'a/c/d/b2.ts',
      'x.txt',
      'q/r/x.txt',
    ];
    const refused = ['srcs/a', 'README.md/a', 'docs/a/b.md', 'docs/a.MD', 'a/b12.ts', 'ax.txt', 'Src/a'];
    expect(await blockedBy(policy, Object.fromEntries(allowed.map((path) => [path, 'x\n'])))).toEqual([]);
    for (const path of refused)
      expect(await blockedBy(policy, { [path]: 'x\n' }), path).toEqual(['allow_paths']);
  });
});

describe('limits', () => {
  it('are the last value that passes', async () => {
    expect(await blockedBy('max_edit_size_bytes: 100\n', { a: 'x'.repeat(100) })).toEqual([]);
    expect(await blockedBy('max_edit_size_bytes: 100\n', { a: 'x'.repeat(101) })).toEqual([
      'max_edit_size_bytes',
    ]);
    const two = { a: 'x'.repeat(50), b: 'é'.repeat(25) };
    expect(await blockedBy('max_total_size_bytes: 100\n', two)).toEqual([]);
    expect(await blockedBy('max_total_size_bytes: 99\n', two)).toEqual(['max_total_size_bytes']);
    expect(await blockedBy('max_files_per_manifest: 2\n', two)).toEqual([]);
    expect(await blockedBy('max_files_per_manifest: 1\n', two)).toEqual(['max_files_per_manifest']);
  });

  it('ask for a rationale in characters that say something', async () => {
    for (const [rationale, expected] of [
      ['short', ['min_rationale_length']],
      [' '.repeat(50), ['min_rationale_length']],
      ['ten chars!', []],
    ] as const) {
      expect(await blockedBy('', { a: 'x\n' }, { rationale }), rationale).toEqual(expected);
    }
    expect(await blockedBy('min_rationale_length: 0\n', { a: 'x\n' }, { rationale: '' })).toEqual([]);
  });

  it('of a small edit in a large file are those of the edit', async () => {
    const edit = { path: 'a', op: 'replace', start: 0, end: 0, text: 'y' } as const;
    const files = { a: { before: 'x\n'.repeat(500), after: `y${'x\n'.repeat(500)}` } };
    expect(await blockedBy('max_edit_size_bytes: 100\n', files, { edits: [edit] })).toEqual([]);
  });
});

describe('operations and kinds of files', () => {
  const modified = { before: 'a\n', after: 'b\n' };
  const edit = (op: 'insert' | 'delete') => ({ edits: [{ path: 'a', op, start: 0, end: 0, text: '' }] });

  it('are those that are listed', async () => {
    const policy = 'allowed_operations: [modify]\n';
    expect(await blockedBy(policy, { a: modified })).toEqual([]);
    expect(await blockedBy(policy, { a: 'x\n' })).toEqual(['allowed_operations']);
    expect(await blockedBy(policy, { a: { before: 'x', after: null } })).toEqual(['allowed_operations']);
    expect(await blockedBy(policy, { a: { before: 'x', after: 'x', mode: '100755' } })).toEqual([
      'allowed_operations',
    ]);
    expect(await blockedBy('allowed_operations: []\n', { a: modified })).toEqual(['allowed_operations']);
  });

  it('may be named by kinds of edits', async () => {
    const policy = 'allowed_operations: [insert]\n';
    expect(await blockedBy(policy, { a: modified }, edit('insert'))).toEqual([]);
    expect(await blockedBy(policy, { a: modified }, edit('delete'))).toEqual(['allowed_operations']);
    expect(
      await blockedBy('allowed_operations: [replace, insert, delete]\n', { a: modified }, edit('delete')),
    ).toEqual([]);
  });

  it('leave modes as they are, and make nothing that can be run', async () => {
    const loaded = await loadPolicy('safe_mode: false\nrequire_tests: false\nautonomy_tier: stable\n');
    const blockedFor = async (files: Record<string, Content | Written>) =>
      blocking(await loaded.evaluate(planInput(files), 1));
    expect(await blockedFor({ a: { before: 'x', after: 'x', mode: '100755' } })).toEqual([
      'allow_mode_changes',
    ]);
    expect(await blockedFor({ a: { after: 'x', mode: '100755' } })).toEqual(['allow_mode_changes']);
    expect(
      await blockedFor({ a: { before: 'x', beforeMode: '100755', after: 'y', mode: '100755' } }),
    ).toEqual([]);
    expect(await blockedFor({ a: { before: 'x', beforeMode: '100755', after: null } })).toEqual([]);
    expect(await blockedFor({ a: new Uint8Array([0x61, 0]) })).toEqual(['allow_binary']);
    expect(await blockedFor({ a: new Uint8Array([0xff, 0xfe]) })).toEqual(['allow_binary']);
    expect(await blockedFor({ a: '// Code generated by x. DO NOT EDIT.\n' })).toEqual(['allow_generated']);
    expect(await blockedFor({ a: { before: '/* @generated */', after: 'x' } })).toEqual(['allow_generated']);
    expect(await blockedFor({ a: `${'\n'.repeat(20)}@generated` })).toEqual([]);
  });

  it('let binary files be where they are listed', async () => {
    const loaded = await loadPolicy(
      'safe_mode: false\nrequire_tests: false\nbinary_paths: ["img/*.png"]\ngenerated_paths: [dist/]\n',
    );
    const png = new Uint8Array([0x89, 0]);
    expect(blocking(await loaded.evaluate(planInput({ 'img/a.png': png }), 1))).toEqual([]);
    expect(blocking(await loaded.evaluate(planInput({ 'a.png': png, 'dist/a.js': 'x' }), 1))).toEqual([
      'allow_binary',
      'allow_generated',
    ]);
  });
});

describe('tests', () => {
  it('are asked for, and only as commands that are listed', async () => {
    const policy = 'test_commands: [npm test, "pytest *"]\n';
    const files = { a: 'x\n' };
    expect(
      await blockedBy(policy, files, {
        tests: ['npm test', 'pytest -q a'],
      }),
    ).toEqual([]);
    for (const command of [
      'npm test; id',
      'pytest a | id',
      'pytest $(id)',
      'pytest a\nid',
      'npm testing',
      '',
    ]) {
      expect(await blockedBy(policy, files, { tests: [command] }), command).toEqual(['test_commands']);
    }
    const safe = await loadPolicy('autonomy_tier: stable\n');
    expect(blocking(await safe.evaluate(planInput(files), 1))).toEqual(['require_tests']);
  });

  it('are named by their number alone: what a plan says goes on record, and a command may hold a secret', async () => {
    const policy = await loadPolicy('test_commands: [npm test]\n');
    const secret = `ghp_${'a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8'}`;
    const tests = ['npm test', `TOKEN=${secret} npm test`];
    const plan = await policy.evaluate(planInput({ a: 'x\n' }, { tests }), 1);
    expect(blocking(plan)).toEqual(['secrets', 'test_commands']);
    expect(plan.reasons.join()).toContain('test 2');
    expect(JSON.stringify(plan)).not.toContain(secret);
  });
});

describe('who has signed', () => {
  const files = { a: 'x\n' };
  const asked = async (text: string, signers: readonly Signer[], purpose: 'plan' | 'apply' | 'rollback') => {
    const loaded = await loadPolicy(`safe_mode: false\nrequire_tests: false\n${text}`);
    return blocking(await loaded.evaluate(planInput(files, { signers, purpose }), 1));
  };

  it.each([
    ['autonomy_tier: alpha\n', [ann], 'apply', ['autonomy_tier']],
    ['autonomy_tier: alpha\n', [], 'plan', []],
    ['autonomy_tier: beta\n', [bot], 'apply', ['autonomy_tier']],
    ['autonomy_tier: beta\n', [bot, ann], 'apply', []],
    ['autonomy_tier: beta\n', [], 'plan', []],
    ['autonomy_tier: beta\n', [], 'rollback', []],
    ['autonomy_tier: stable\n', [bot], 'apply', []],
    ['autonomy_tier: stable\n', [], 'apply', ['signatures']],
    ['autonomy_tier: stable\nsignatures: { required: 2 }\n', [bot, bot], 'apply', ['signatures']],
    ['autonomy_tier: stable\nsignatures: { required: 2 }\n', [bot, ann], 'apply', []],
    [
      'autonomy_tier: stable\nsignatures: { required: 2, roles: [human] }\n',
      [bot, ann],
      'apply',
      ['signatures'],
    ],
    ['autonomy_tier: stable\nsignatures: { keys: [ann] }\n', [bot], 'apply', ['signatures']],
  ] as const)('%j with %j for %s: %j', async (text, signers, purpose, expected) => {
    expect(await asked(text, signers, purpose)).toEqual(expected);
  });
});

describe('clauses of policy.cedar', () => {
  const files = { 'src/a.ts': 'x\n' };

  it('speak of folders, files, roles and facts', async () => {
    const infra =
      '@id("infra") forbid(principal, action, resource in Folder::"infra") unless { principal in Role::"human" };';
    expect(await blockedBy('', { 'infra/b/c.tf': 'x\n' }, { signers: [bot] }, infra)).toEqual(['infra']);
    expect(await blockedBy('', { 'infra/b/c.tf': 'x\n' }, { signers: [ann] }, infra)).toEqual([]);
    expect(await blockedBy('', { 'infra/b/c.tf': 'x\n' }, { signers: [ann, bot] }, infra)).toEqual(['infra']);
    expect(await blockedBy('', files, {}, infra)).toEqual([]);
    const big =
      '@id("big") forbid(principal, action == Action::"apply", resource) when { context.files > 1 };';
    expect(await blockedBy('', { ...files, b: 'x\n' }, {}, big)).toEqual(['big']);
    const slow =
      '@id("slow") forbid(principal, action == Action::"test", resource) when { context.command like "*soak*" };';
    expect(await blockedBy('', files, { tests: ['npm run soak'] }, slow)).toEqual(['slow']);
  });

  it('allow what allow_paths does not, and hold for a rollback too', async () => {
    const docs =
      '@id("docs") permit(principal, action == Action::"modify", resource in Folder::"docs") when { context.extension == "md" };';
    const modified = { before: 'a', after: 'b' };
    expect(await blockedBy('allow_paths: [src/]\n', { 'docs/a.md': modified }, {}, docs)).toEqual([]);
    expect(await blockedBy('allow_paths: [src/]\n', { 'docs/a.md': 'new' }, {}, docs)).toEqual([
      'allow_paths',
    ]);
    const never = '@id("never") forbid(principal, action, resource == File::"docs/a.md");';
    expect(await blockedBy('', { 'docs/a.md': modified }, { purpose: 'rollback' }, never)).toEqual(['never']);
  });

  it('that cannot be evaluated block where they forbid, and permit nothing', async () => {
    const overflow = 'context.bytes_after * 9223372036854775807 > 1';
    const forbid = `@id("broken") forbid(principal, action in Action::"change", resource) when { ${overflow} };`;
    expect(await blockedBy('', { a: 'xyz' }, {}, forbid)).toEqual(['broken']);
    const permit = `@id("broken") permit(principal, action in Action::"change", resource) when { ${overflow} };`;
    expect(await blockedBy('allow_paths: [src/]\n', { a: 'xyz' }, {}, permit)).toEqual(['allow_paths']);
  });

  it('see what the other rules found', async () => {
    const clause =
      '@id("seen") forbid(principal, action in Action::"change", resource) when { context.findings.contains("deny_patterns") };';
    expect(await blockedBy('deny_patterns: [zzz]\n', { a: 'zzz\n' }, {}, clause)).toEqual([
      'deny_patterns',
      'seen',
    ]);
  });
});

describe('laws', () => {
  const PIECES = [
    'deny_paths: [src/a/]\n',
    'allow_paths: [src/]\n',
    'deny_patterns: ["x"]\n',
    'max_edit_size_bytes: 3\n',
    'max_files_per_manifest: 1\n',
    'test_commands: [npm test]\n',
    'allowed_operations: [modify]\n',
  ];
  const clause = fc.record({
    effect: fc.constant('forbid'),
    scope: fc.constantFrom('resource', 'resource in Folder::"src"', 'resource == File::"b"'),
    when: fc.constantFrom(
      'context.bytes_after > 2',
      'context.operation == "create"',
      'context.path like "*a*"',
    ),
  });
  const files = fc.dictionary(
    fc.constantFrom('src/a/1', 'src/b', 'b', 'src/a2'),
    fc.constantFrom('', 'x', 'yyyy', 'eval(x)'),
    { minKeys: 1 },
  );

  it('another rule never unblocks, and what forbids beats what permits', async () => {
    const policies = fc.tuple(fc.subarray(PIECES), fc.subarray(PIECES), fc.array(clause, { maxLength: 2 }));
    await fc.assert(
      fc.asyncProperty(policies, files, async ([some, more, clauses], changed) => {
        const input = planInput(changed, { tests: ['npm test', 'make'] });
        const all = PIECES.filter((piece) => some.includes(piece) || more.includes(piece));
        const cedar = clauses.map(
          ({ effect, scope, when }, n) =>
            `@id("c${n}") ${effect}(principal, action in Action::"change", ${scope}) when { ${when} };`,
        );
        const few = await (await loadPolicy(OPEN_POLICY + some.join(''))).evaluate(input, 1);
        const many = await (await loadPolicy(OPEN_POLICY + all.join(''), cedar.join('\n'))).evaluate(
          input,
          1,
        );
        for (const rule of blocking(few)) expect(blocking(many)).toContain(rule);
        const permitted = [...cedar, '@id("open") permit(principal, action, resource);'].join('\n');
        const open = await (await loadPolicy(OPEN_POLICY + all.join(''), permitted)).evaluate(input, 1);
        const undecided = new Set(['allow_paths', 'test_commands']);
        expect(blocking(open)).toEqual(blocking(many).filter((rule) => !undecided.has(rule)));
        expect(many.verdict).toBe(blocking(many).length > 0 ? 'blocked' : 'approved');
      }),
      { numRuns: 60 },
    );
  });

  it('every rule is explained, whatever it says', async () => {
    const loaded = await loadPolicy(OPEN_POLICY, '@id("mine") permit(principal, action, resource);');
    const { rules } = await loaded.evaluate(planInput({ a: 'x\n' }), 4);
    expect(rules.every(({ detail }) => detail !== '')).toBe(true);
    expect(new Set(rules.map(({ rule }) => rule)).size).toBe(rules.length);
    expect(rules.map(({ rule }) => rule)).toEqual(
      expect.arrayContaining(['path_form', 'secrets', 'deny_paths', 'sandbox', 'mine']),
    );
  });

  it('a change that no rule was made for blocks by the name of what failed', async () => {
    const loaded = await loadPolicy(OPEN_POLICY);
    const input = planInput({ a: 'x\n' });
    const broken = {
      ...input,
      manifest: { ...input.manifest, tests: [null as unknown as string], rationale: 1 as unknown as string },
    };
    const plan = await loaded.evaluate(broken, 1);
    expect(plan.verdict).toBe('blocked');
    expect(blocking(plan)).toEqual(expect.arrayContaining(['policy_engine']));
  });
});

describe('a plan for people', () => {
  it('begins with the verdict and what blocks', async () => {
    const loaded = await loadPolicy(`${OPEN_POLICY}deny_paths: [b]\n`);
    const lines = formatPlan(await loaded.evaluate(planInput({ b: 'x\n' }), 4)).split('\n');
    expect(lines[0]).toMatch(/^✗ blocked by policy version 4 \([0-9a-f]{16}\)$/);
    expect(lines[1]).toMatch(/^ {2}✗ deny_paths +`b`: denied are `b`; leave these paths as they are$/);
  });
});
