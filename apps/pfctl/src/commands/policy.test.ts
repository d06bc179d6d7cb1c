import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolders } from '@provability-fabric/command-line/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pfctl } from '../terminal.fixture.ts';

const folders = temporaryFolders();
let home = '';
beforeAll(async () => {
  home = folders.make();
  expect((await pfctl(['init', 'desk'], { directory: home })).code).toBe(0);
});
afterAll(() => folders.removeAll());

const here = (args: readonly string[]) => pfctl(args, { directory: home });
const sha256 = (path: string) =>
  createHash('sha256')
    .update(readFileSync(join(home, path)))
    .digest('hex');

/** A copy of the bundle with a change in one file. */
async function broken(name: string, file: string, from: string | RegExp, to: string): Promise<string> {
  await here(['init', name]);
  const path = join(home, 'bundles', name, file);
  writeFileSync(path, readFileSync(path, 'utf8').replace(from, to));
  return `bundles/${name}`;
}

test('init never overwrites, not even an empty folder, and not a file', async () => {
  const before = readFileSync(join(home, 'bundles/desk/bundle.yaml'), 'utf8');
  expect(await here(['init', 'desk'])).toEqual({
    code: 3,
    out: '',
    err: 'pfctl: bundles/desk: expected no such folder yet; choose another name\n',
  });
  expect(readFileSync(join(home, 'bundles/desk/bundle.yaml'), 'utf8')).toBe(before);
  writeFileSync(join(home, 'bundles/taken'), '');
  expect((await here(['init', 'taken'])).code).toBe(3);
});

test.each(['../x', 'Desk', 'a b', '', 'x'.repeat(65), '.', '/etc'])(
  'init takes no name like %j',
  async (name) => {
    const before = readdirSync(join(home, 'bundles'));
    expect((await here(['init', name])).code).toBe(3);
    expect(readdirSync(join(home, 'bundles'))).toEqual(before);
  },
);

test('what init writes compiles, passes its own tests, and says what to do next', async () => {
  const { out } = await here(['init', 'next', '--tenant', 'globex']);
  expect(out).toContain('wrote bundles/next/bundle.yaml\n');
  for (const line of out.split('\n').filter((text) => text.startsWith('  ./pfctl '))) {
    const args = (line.split('  ')[1] as string).split(' ').slice(1);
    expect(await here(args)).toMatchObject({ code: 0, err: '' });
  }
  expect(out).toContain('npx pf run --bundle bundles/next --tenant globex --role assistant -- CMD …');
});

test('a bundle that does not compile is shown with its line, its mark and its mend', async () => {
  const folder = await broken('laundry', 'bundle.yaml', '    kind: limit', '    kind: limt');
  const { code, out, err } = await here(['policy', 'check', folder]);
  expect({ code, err }).toEqual({ code: 3, err: '' });
  expect(out).toMatch(/^error\[[A-Z_]+\]: .*`limt`/);
  expect(out).toMatch(
    /\n {2}--> bundles\/laundry\/bundle\.yaml:\d\d:\d+\n {3}\|\n\d\d \| {5}kind: limt\n {3}\| +\^\n/,
  );
  expect(out).toMatch(/\n {3}= mend: .*limit/);
  expect(out).toMatch(/\ndoes not compile: 1 error, 0 warnings\n$/);
  const json = JSON.parse((await here(['policy', 'check', folder, '--format', 'json'])).out);
  expect(json).toMatchObject({
    bundle: null,
    errors: [{ file: 'bundle.yaml', clause: 'few-mails' }],
    warnings: [],
  });
  for (const args of [
    ['policy', 'compile', folder],
    ['test', folder],
    ['policy', 'explain', folder],
  ]) {
    const other = await here(args);
    expect({ code: other.code, out: other.out }).toEqual({ code: 3, out: '' });
    expect(other.err).toMatch(/^pfctl: the bundle does not compile\nerror\[/);
  }
  expect(readdirSync(join(home, folder))).not.toContain('bundle.json');
});

test('a bundle under review cannot steer the terminal', async () => {
  const folder = await broken('steering', 'bundle.yaml', 'kind: limit', 'kind: "\u0007\u009b2J\u202elimit"');
  for (const args of [
    ['policy', 'check', folder],
    ['policy', 'check', folder, '--format', 'json'],
  ]) {
    const { code, out, err } = await here(args);
    expect(code).toBe(3);
    expect(`${out}${err}`.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
  }
});

test('compiling gives the same bytes each time, and the automata their hash beside them', async () => {
  const first = await here(['policy', 'compile', 'bundles/desk']);
  const digest = sha256('bundles/desk/bundle.json');
  expect(first.out).toContain(`digest:   ${digest}\n`);
  const again = await here([
    'policy',
    'compile',
    'bundles/desk',
    '--output',
    'out/b.json',
    '--format',
    'json',
  ]);
  expect(JSON.parse(again.out)).toMatchObject({
    digest,
    files: ['out/b.json', 'out/artifact/dfa.json', 'out/artifact/dfa.json.sha256'],
  });
  expect(sha256('out/b.json')).toBe(digest);
  const automata = sha256('out/artifact/dfa.json');
  expect(JSON.parse(again.out).hashes.automata).toBe(automata);
  expect(readFileSync(join(home, 'out/artifact/dfa.json.sha256'), 'utf8')).toBe(`${automata}  dfa.json\n`);
  // What was compiled is what the folder's sources say, whatever lies beside them by now.
  expect((await here(['policy', 'check', 'bundles/desk'])).out).toContain(digest);
});

test('explain says each clause in a sentence, and who may call what', async () => {
  const { code, out } = await here(['policy', 'explain', 'bundles/desk']);
  expect(code).toBe(0);
  expect(out).toContain('\n    at most 3 of send_mail per session within 1h\n');
  expect(out).toContain(
    '\n    permits anyone in Role "assistant" to call Tool "send_mail" (policy.cedar line ',
  );
  expect(out).toMatch(/\nTOOL +WITHOUT A ROLE {2}ROLE ASSISTANT\n[\s\S]*\nsend_mail +no {14}yes\n$/);
  const json = JSON.parse((await here(['policy', 'explain', 'bundles/desk', '--format', 'json'])).out);
  expect(json.bundle.name).toBe('desk');
  expect(json.clauses.every(({ sentence }: { sentence: unknown }) => typeof sentence === 'string')).toBe(
    true,
  );
  expect(json.access).toContainEqual({
    tool: 'send_mail',
    may_ever_call: { 'without a role': false, 'role assistant': true },
  });
});

test('explain decides a first action with every check and reason', async () => {
  const ask = (...more: string[]) =>
    here(['policy', 'explain', 'bundles/desk', '--tool', 'send_mail', ...more]);
  const refused = await ask('--role', 'assistant', '--args', '{"to":"x@evil.example"}');
  expect(refused.code).toBe(2);
  expect(refused.out).toContain(
    'send_mail  reject, block (enforce)\n  checks  authority accept, permit accept',
  );
  expect(refused.out).toContain('UNTRUSTED_ARGUMENT by clause known-recipients');
  const asked = await ask(
    '--role',
    'assistant',
    '--args',
    '{"to":"x@y.example"}',
    '--prompt',
    'write to x@y.example',
  );
  expect(asked).toMatchObject({ code: 0, err: '' });
  expect(JSON.parse((await ask('--format', 'json')).out).reasons).toContainEqual(
    expect.objectContaining({ code: 'NOT_PERMITTED', clause: null }),
  );
  expect(await ask('--args', '{"to":1,"to":2}')).toMatchObject({
    code: 3,
    err: expect.stringContaining('--args: '),
  });
  expect(await here(['policy', 'explain', 'bundles/desk', '--role', 'x'])).toMatchObject({
    code: 3,
    err: 'pfctl: expected --tool beside --role, came none\n',
  });
});

test('a case that fails says what was expected and what came', async () => {
  const folder = await broken('failing', 'bundle.yaml', 'max: 3', 'max: 1');
  const { code, out } = await here(['test', folder]);
  expect(code).toBe(1);
  expect(out).toMatch(/\n {2}fail {2}.*\n {8}#\d send_mail \(line \d+\)\n {10}expected allow\n/);
  expect(out).toMatch(/\n {10}came {5}block: LIMIT_EXCEEDED by few-mails\n/);
  expect(out).toMatch(/\n\d+ cases: \d+ passed, \d+ failed\n$/);
  const json = JSON.parse((await here(['test', folder, 'bundles/desk', '--format', 'json'])).out);
  expect(json.failed).toBeGreaterThan(0);
  expect(json.cases.length).toBe(json.passed + json.failed);
});

test('a suite is a file of tests/, and one that is not there is no success', async () => {
  expect(await here(['test', 'bundles/desk', '--suite', 'basic'])).toMatchObject({ code: 0 });
  expect(await here(['test', 'bundles/desk', '--suite', 'bsic'])).toEqual({
    code: 3,
    out: '',
    err: 'pfctl: expected a suite `tests/bsic.yaml`, came none; did you mean `basic`?\n',
  });
});

test("without a folder the environment's bundle is tested", async () => {
  const files = { 'config/local/fabric.yaml': 'bundle: bundles/desk\n', 'config/bare/fabric.yaml': '' };
  const root = folders.make(files);
  await pfctl(['init', 'desk'], { directory: root });
  expect(await pfctl(['test'], { directory: root })).toMatchObject({ code: 0 });
  expect(await pfctl(['test', '--env', 'bare'], { directory: root })).toMatchObject({
    code: 3,
    err: "pfctl: expected a bundle's folder, or `bundle` in config/bare/fabric.yaml; name one of them\n",
  });
});
