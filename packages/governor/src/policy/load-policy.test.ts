import { describe, expect, it } from 'vitest';
import { blocking, GUIDE_POLICY, loadPolicy, OPEN_POLICY, planInput } from './policy.fixture.ts';

const problemOf = async (text: string, cedar?: string): Promise<string> => {
  try {
    await loadPolicy(text, cedar);
  } catch (error) {
    expect(error).toMatchObject({ name: 'GovernorError', code: 'POLICY_INVALID' });
    return (error as Error).message;
  }
  return '';
};

describe('a policy file that is refused', () => {
  it.each([
    ['autonomy_teir: beta', 'policy.yaml:1:1: unknown key `autonomy_teir`; did you mean `autonomy_tier`?'],
    [
      'safe_mode: true\nautonomy_tier: betta',
      'policy.yaml:2:16: `autonomy_tier`: expected one of alpha, beta, stable, came `betta`; did you mean `beta`?',
    ],
    ['safe_mode: yes', '`safe_mode`: expected true or false, came `yes`'],
    ['safe_mode: true\nsafe_mode: false', '2:1: `safe_mode`: expected each key once'],
    ['deny_paths: [../x]', '1:14: `deny_paths`: expected a path without `//`, `.` and `..`'],
    ['deny_paths: [/etc/]', 'came an absolute one'],
    ['deny_paths: .git/', 'expected a list'],
    ['deny_patterns: ["(a"]', 'expected RE2 syntax'],
    ['deny_patterns: ["(?=a)b"]', 'expected RE2 syntax'],
    ['deny_patterns: ["a*"]', 'matches no text at all as well'],
    ['deny_patterns: [{ name: x }]', 'expected `pattern`'],
    ['deny_patterns: [{ pattern: x, path: [a] }]', 'did you mean `paths`?'],
    ['allow_patterns: [evaluate-txt]', 'did you mean `evaluate-text`?'],
    ['max_validity: 60', 'expected a duration such as `90s`'],
    ['max_validity: 31d', 'expected a duration'],
    ['max_edit_size_bytes: -1', 'expected a size'],
    ['max_files_per_manifest: 1.5', 'expected a whole number from 1 to 10000'],
    ['signatures: { required: 0 }', '`signatures`: `required`: expected a whole number from 1 to 16'],
    ['sandbox: { tier: none }', 'expected one of rlimits, cgroups'],
    ['sandbox: { memory: 1 }', 'expected a size'],
    ['sandbox: { read_only: ["/usr/../etc"] }', 'expected an absolute folder'],
    ['restores: 3', 'expected a `version` above'],
    ['version: 3\nrestores: 3', 'expected a `version` above'],
    ['- a', 'expected a mapping'],
    ['a: &x [1]\nb: *x', 'came an anchor'],
    ['safe_mode: !!bool true', 'came the tag'],
    ['safe_mode: true\n---\nsafe_mode: false', 'came several'],
    ['%YAML 1.1\n---\nsafe_mode: true', 'no directive'],
    ['safe_mode: [', 'expected'],
  ])('%j', async (text, expected) => {
    expect(await problemOf(text)).toContain(expected);
  });

  it('is as large or as deep as no policy is', async () => {
    expect(await problemOf(`allow_paths: ${'['.repeat(2000)}`)).toContain('levels of nesting');
    expect(await problemOf(`allow_paths: ["${'a'.repeat(300_000)}"]`)).toContain(
      'expected at most 262144 bytes',
    );
  });

  it('tells of all that is wrong at once', async () => {
    const message = await problemOf('safe_mode: 1\nautonomy_tier: 2\nallow_pats: []\n');
    expect(message.split('\n')).toHaveLength(3);
  });

  it('is told by the place in policy.cedar as well', async () => {
    expect(
      await problemOf('', '@id("a")\npermit(principal, action, resource) when { context.no == 1 };'),
    ).toMatch(/^policy\.cedar:2:\d+: /);
    expect(await problemOf('', 'permit(principal, action, resource);')).toContain('policy.cedar:1:1');
    expect(await problemOf('', '@id("deny_paths.1") permit(principal, action, resource);')).toContain(
      'a rule',
    );
    expect(await problemOf('', ' '.repeat(300_000))).toContain('expected at most');
  });
});

describe('a policy file that is read', () => {
  it('is the one of the deployment guide, every key of it effective', async () => {
    const policy = await loadPolicy(GUIDE_POLICY);
    expect(policy).toMatchObject({ tier: 'beta', safeMode: true, requireTests: true, declaredVersion: null });
    expect(policy.sandbox).toMatchObject({
      tier: 'cgroups',
      timeoutMs: 300_000,
      memoryBytes: 2 ** 29,
      pids: 100,
      cpus: 1,
    });
    const tests = ['npm test'];
    const blockedBy = async (path: string, content: string) =>
      blocking(await policy.evaluate(planInput({ [path]: content }, { tests }), 1));
    expect(await blockedBy('src/a.ts', 'x\n')).toEqual([]);
    expect(await blockedBy('docs/a.md', 'x\n')).toEqual(['allow_paths']);
    expect(await blockedBy('config/keys/a', 'x\n')).toEqual(['allow_paths', 'deny_paths']);
    expect(await blockedBy('.git/config', 'x\n')).toEqual(['git_folder', 'allow_paths', 'deny_paths']);
    expect(await blockedBy('src/a.ts', 'x'.repeat(65_537))).toEqual(['max_edit_size_bytes']);
  });

  it('may be empty: then all is at its default, which plans and applies nothing', async () => {
    for (const text of ['', '# nothing yet\n', '{}']) {
      const policy = await loadPolicy(text);
      expect(policy).toMatchObject({
        tier: 'alpha',
        safeMode: true,
        maxValidityMs: 3_600_000,
        git: { commit: false },
      });
    }
  });

  it('forces tests and the full sandbox in safe mode', async () => {
    const relaxed = 'require_tests: false\nsandbox: { tier: rlimits, memory: 1g, cpus: 0.5 }\n';
    const safe = await loadPolicy(`safe_mode: true\n${relaxed}`);
    expect(safe).toMatchObject({
      requireTests: true,
      sandbox: { tier: 'cgroups', memoryBytes: 2 ** 30, cpus: 0.5 },
    });
    const free = await loadPolicy(`safe_mode: false\n${relaxed}`);
    expect(free).toMatchObject({ requireTests: false, sandbox: { tier: 'rlimits' } });
  });

  it('has a digest of what decides, whatever its number and its spelling', async () => {
    const digestOf = async (text: string, cedar?: string) => (await loadPolicy(text, cedar)).digest;
    const plain = await digestOf(OPEN_POLICY);
    expect(await digestOf(`version: 7\nrestores: 2\n# again\n${OPEN_POLICY}`)).toBe(plain);
    expect(await digestOf(`${OPEN_POLICY}deny_paths: [a]\n`)).not.toBe(plain);
    expect(await digestOf(OPEN_POLICY, '@id("a") forbid(principal, action, resource);')).not.toBe(plain);
  });

  it('shows itself as Cedar', async () => {
    const policy = await loadPolicy(
      `deny_paths: ["a\\"b\\\\u{7d}*"]\n`,
      '@id("mine") permit(principal, action, resource);',
    ).catch(() => undefined);
    expect(policy).toBeUndefined();
    const { cedarText } = await loadPolicy(
      'deny_paths: ["größe \\" x"]\n',
      '@id("mine") permit(principal, action, resource);',
    );
    expect(cedarText).toContain('@id("deny_paths.1")');
    expect(cedarText).toContain('gr\\u{f6}\\u{df}e \\u{22} x');
    expect(cedarText).toContain('@id("mine")');
  });
});
