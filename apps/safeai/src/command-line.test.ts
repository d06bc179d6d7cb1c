import { OutputClosedError } from '@provability-fabric/command-line';
import { temporaryFolders } from '@provability-fabric/command-line/testing';
import type { Command } from 'commander';
import { afterAll, expect, test } from 'vitest';
import { FakeGovernance } from './fake-governance.fixture.ts';
import { buildProgram } from './program.ts';
import { safeai } from './terminal.fixture.ts';

const folders = temporaryFolders();
afterAll(() => folders.removeAll());

test.each([
  [['aply'], "✗ unknown command 'aply'\n(Did you mean apply?)\n"],
  [['keys', 'genrate'], "✗ unknown command 'genrate'\n(Did you mean generate?)\n"],
  [['sign', '--manifset', 'x'], "✗ unknown option '--manifset'\n(Did you mean --manifest?)\n"],
  [['apply', '--sined', 'x'], "✗ unknown option '--sined'\n(Did you mean --signed?)\n"],
  [['audit', '--verfy'], "✗ unknown option '--verfy'\n(Did you mean --verify?)\n"],
  [['audit', '--tail', '0'], /Expected a whole number from 1/],
  [['audit', 'restore'], /missing required argument 'file'/],
  [
    ['keys', 'generate', '--role', 'humen'],
    /Expected one of human, agent, service\.\n\(Did you mean human\?\)/,
  ],
  [['sign', '--expires', '15'], /Expected a duration with its unit/],
  [['plan', '--format', 'jsn'], /\(Did you mean json\?\)/],
  [
    ['sandbox', 'run', '--timout', '5s', '--', 'ls'],
    /unknown option '--timout'\n\(Did you mean --timeout\?\)/,
  ],
  [['sandbox', 'run', '--memory', '1t', '--', 'ls'], /Expected a size such as 512m or 2g/],
  [['sandbox', 'run'], '✗ expected a command, came none; try `safeai sandbox run -- ls`\n'],
  [['sandbox'], '✗ expected a command, came none; try `safeai sandbox run -- ls`\n'],
  [['token', 'create', '--role', 'operator'], '✗ expected --sub <id>, came none; --help shows how\n'],
  [['rollback', '--index', '-1'], /Expected a whole number from 0/],
  [['plan', '--token-file', 'x'], '✗ expected --url (or SAFEAI_URL) beside --token-file, came none\n'],
  [['plan', '--url', 'http://localhost:8000', '--data-dir', 'x'], /expected either --url or --data-dir/],
  [['plan', '-m', '/no/such/file'], '✗ expected a manifest in /no/such/file, came nothing there\n'],
  [['sign', '-m', 'x', '--add', 'y'], '✗ expected --manifest or --add, came both; leave one out\n'],
])('%j fails, and says how it was meant', async (args, said) => {
  const { code, out, err } = await safeai(args, { stdin: '{}', governance: new FakeGovernance() });
  expect({ code, out }).toEqual({ code: 1, out: '' });
  if (typeof said === 'string') expect(err).toBe(said);
  else expect(err).toMatch(said);
});

test('what was typed cannot steer the terminal through an error message', async () => {
  for (const args of [
    ['\u001b[2J'],
    ['plan', '-m', '/\u202e\u001b'],
    ['keys', 'generate', '--role', '\u001b[2J'],
  ]) {
    const { code, err } = await safeai(args);
    expect(code).toBe(1);
    expect(err.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
  }
});

test('without a command it fails, with the help', async () => {
  for (const args of [[], ['keys'], ['kill'], ['proposals'], ['policy'], ['token']]) {
    const { code, out, err } = await safeai(args);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toContain('Usage: safeai');
  }
});

test('every command has a help with an example that names it', async () => {
  const commands = (parent: Command, path: readonly string[]): (readonly string[])[] => [
    path,
    ...parent.commands.flatMap((child) => commands(child, [...path, child.name()])),
  ];
  const { terminal } = await captured();
  const program = buildProgram(
    terminal,
    () => Promise.reject(new Error('not here')),
    () => undefined,
  );
  const all = commands(program, []);
  expect(all.length).toBeGreaterThan(25);
  for (const path of all) {
    const { code, out, err } = await safeai([...path, '--help']);
    expect({ path, code, err }).toEqual({ path, code: 0, err: '' });
    const example = out.split(/\nExamples?:\n/)[1] ?? '';
    expect(example, path.join(' ')).toContain(['safeai', ...path].join(' '));
  }
});

test('help says what is taken where nothing is said, as it would be typed', async () => {
  const said = async (path: readonly string[]) => (await safeai([...path, '--help'])).out;
  for (const path of [['sandbox'], ['sandbox', 'run']])
    expect(await said(path)).toMatch(/\(default: 5m\)[\s\S]*\(default:\s+512m\)/);
  expect(await said(['token', 'create'])).toContain('(default: 15m)');
});

test('it says its version', async () => {
  expect(await safeai(['--version'])).toEqual({ code: 0, out: '1.0.0\n', err: '' });
});

test('an error that nobody foresaw is one line', async () => {
  const { code, err } = await safeai(['status']);
  expect(code).toBe(1);
  expect(err).toBe('✗ unexpected error: this test has no governor (SAFEAI_DEBUG=1 shows more)\n');
});

test('a reader that goes away is nothing to tell', async () => {
  const write = async () => {
    throw new OutputClosedError();
  };
  const ran = await safeai(['status'], { write, governance: new FakeGovernance() });
  expect(ran).toEqual({ code: 1, out: '', err: '' });
});

test('a service is asked with the token of a file, which no message repeats', async () => {
  const directory = folders.make({ token: 'a.b.c\n', bad: 'two\nlines', empty: '' });
  const settings = { url: 'http://127.0.0.1:9' };
  const none = await safeai(['status'], { directory, settings });
  expect(none.err).toMatch(/^✗ expected a token for the service, came none; /);
  for (const file of ['bad', 'empty']) {
    const { err } = await safeai(['status', '--token-file', file], { directory, settings });
    expect(err).toBe(`✗ expected a token of one line in ${file}, came something else\n`);
  }
  const { code, err } = await safeai(['plan', '--token-file', 'token'], { directory, settings, stdin: '{}' });
  expect(code).toBe(1);
  expect(err).toMatch(
    /^✗ expected the fabric to answer, and it cannot be reached.* \(SERVICE_UNREACHABLE\)\n$/,
  );
  expect(err).not.toContain('a.b.c');
});

test('a folder that was typed counts for more than the service of the environment', async () => {
  const governance = new FakeGovernance();
  const settings = { url: 'http://127.0.0.1:9', dataDir: '/elsewhere', policyFile: 'p.yaml' };
  const { code } = await safeai(['status', '--project-root', 'src'], {
    settings,
    governance,
    directory: '/w',
  });
  expect(code).toBe(0);
  await safeai(['plan', '--project-root', '/src'], { settings, governance, directory: '/w', stdin: '{}' });
  expect(governance.came[0]?.place).toEqual({
    dataDir: '/elsewhere',
    keysDir: '/elsewhere/keys',
    projectRoot: '/src',
    policyFile: '/w/p.yaml',
  });
});

async function captured() {
  const { processTerminal } = await import('./terminal.ts');
  const { processSettings } = await import('./config.ts');
  return { terminal: processTerminal(processSettings()) };
}
