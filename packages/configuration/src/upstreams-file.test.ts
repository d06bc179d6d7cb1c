import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatProblem, readEffectiveValues, readEnvironment, type Settings } from './index.ts';

async function read(text: string): Promise<{ directory: string; problems: string; settings?: Settings }> {
  const directory = mkdtempSync(join(tmpdir(), 'pf-upstreams-'));
  mkdirSync(join(directory, 'config/local'), { recursive: true });
  writeFileSync(join(directory, 'config/local/upstreams.yaml'), text);
  const result = await readEnvironment(directory, 'local');
  return result.ok
    ? { directory, problems: '', settings: result.settings }
    : { directory, problems: result.problems.map(formatProblem).join('\n') };
}

const exchange = (more: string) =>
  `x:\n  url: https://t.example/mcp\n  authorization: exchange\n  token_endpoint: https://i.example/t\n${more}`;

describe('an upstream is refused', () => {
  test.each([
    ['all: { command: a }', ':1:1: expected another name than `all`'],
    ['Files: { command: a }', 'of 1 to 32 lowercase letters, digits and `-`, came `Files`'],
    [`${'a'.repeat(33)}: { command: a }`, 'of 1 to 32 lowercase'],
    ['../x: { command: a }', 'of 1 to 32 lowercase'],
    ['? [a]\n: { command: a }', 'of 1 to 32 lowercase letters, digits and `-`, came nothing'],
    ['x: npx', ':1:4: `x`: expected a mapping with `command` or `url`'],
    ['x:', '`x`: expected a mapping'],
    ['x: {}', ':1:1: `x`: expected either `command` or `url`, came neither'],
    ['x: { command: a, url: "https://t.example" }', 'came both'],
    ['x: { comand: a }', ':1:6: `x`: unknown key `comand`; did you mean `command`?'],
    ['x: { __proto__: a, command: b }', 'unknown key `__proto__`'],
    ['x: { command: "" }', '`x.command`: expected a path, came nothing'],
    ['x: { command: "a\\u001b[2J" }', 'expected a path'],
    ['x: { command: a, args: b }', '`x.args`: expected a list of texts'],
    ['x: { command: a, args: [b, 8080] }', 'expected texts, which argument 2 is not; put a number in quotes'],
    ['x: { command: a, args: ["\\0"] }', 'which argument 1 is not'],
    ['x: { command: a, env: { "A B": c } }', 'expected names of letters, digits and `_`, came `A B`'],
    ['x: { command: a, env: { A: 1 } }', 'which the value of `A` is not; put a number in quotes'],
    ['x: { command: a, authorization: pass }', 'expected `authorization` only beside `url`; take it out'],
    ['x: { url: "https://t.example", args: [a] }', 'expected `args` only beside `command`'],
    ['x: { url: t.example }', '`x.url`: expected an address such as'],
    ['x: { url: "file:///etc/passwd" }', 'expected an address such as'],
    ['x: { url: "http://t.example/mcp" }', 'expected https, since `t.example` is not this machine'],
    ['x: { url: "http://localhost.evil.example/" }', 'expected https'],
    ['x: { url: "http://127.0.0.1.evil.example/" }', 'expected https'],
    ['x: { url: "https://t.example/#a" }', 'without `#…`'],
    ['x: { url: "https://t.example", scope: a }', 'expected `scope` only beside `authorization: exchange`'],
    ['x: { url: "https://t.example", authorization: all }', 'expected one of none, pass, exchange'],
    [
      exchange('  client_id: a\n'),
      'expected `client_secret_file` beside `authorization: exchange`, came none',
    ],
    [exchange('  client_id: 7\n  client_secret_file: s\n'), '`x.client_id`: expected 1 to 256 characters'],
    ['x: { url: "https://t.example", prefix: "a b" }', 'expected 1 to 64 letters, digits'],
    ['x: &a { command: b }\ny: *a', '`y`: expected a mapping'],
    ['x: { command: a }\nx: { command: b }', 'map keys must be unique'],
    ['- x', 'expected a mapping of keys to values'],
  ])('%j', async (text, said) => {
    expect((await read(text)).problems).toContain(said);
  });

  test.each([
    'x: { url: "https://me:hunter2@t.example" }',
    'x: { url: "http://t.example/?key=hunter2" }',
    'x: { command: a, args: [--key, hunter2, 1] }',
    'x: { command: a, env: { KEY: hunter2, OTHER: 1 } }',
    'x: { url: "https://t.example", authorization: exchange, client_secret: hunter2 }',
  ])('%j, without repeating what may be a secret', async (text) => {
    const { problems } = await read(text);
    expect(problems).not.toBe('');
    expect(problems).not.toContain('hunter2');
  });

  test('with all that is wrong at once, each in its place', async () => {
    const { problems } = await read('x:\n  comand: a\n  url: 1\ny:\n  command: b\n  cwd: 3\n');
    expect(problems.split('\n').map((line) => line.split(': ')[0])).toEqual([
      'config/local/upstreams.yaml:2:3',
      'config/local/upstreams.yaml:3:8',
      'config/local/upstreams.yaml:6:8',
    ]);
  });

  test('beyond 64 of them, or 64 KiB', async () => {
    const many = Array.from({ length: 65 }, (_, at) => `u${at}: { command: a }`).join('\n');
    expect((await read(many)).problems).toContain('expected at most 64 upstreams, came `65`');
    expect((await read(`# ${' '.repeat(70_000)}`)).problems).toContain('at most 65536 bytes');
  });
});

test('both kinds are read, with their defaults, and paths from the root', async () => {
  const { directory, settings } = await read(
    'files:\n  command: npx\n  args: [server, "8080", ""]\n  cwd: work\n  env: { KEY: "a\\nb" }\n  prefix: fs.\n' +
      'plain: { command: ./server }\nlocal: { url: "http://[::1]:9/mcp" }\n' +
      'passed: { url: "https://t.example/mcp?x=1", authorization: pass }\n' +
      exchange('  client_id: pf\n  client_secret_file: secrets/pf\n  audience: t\n  scope: read write\n'),
  );
  expect(Object.fromEntries(settings?.upstreams ?? [])).toEqual({
    files: {
      kind: 'stdio',
      command: 'npx',
      args: ['server', '8080', ''],
      cwd: join(directory, 'work'),
      env: { KEY: 'a\nb' },
      prefix: 'fs.',
    },
    plain: { kind: 'stdio', command: './server', args: [], cwd: null, env: {}, prefix: '' },
    local: { kind: 'http', url: 'http://[::1]:9/mcp', authorization: 'none', prefix: '' },
    passed: { kind: 'http', url: 'https://t.example/mcp?x=1', authorization: 'pass', prefix: '' },
    x: {
      kind: 'http',
      url: 'https://t.example/mcp',
      authorization: {
        tokenEndpoint: 'https://i.example/t',
        clientId: 'pf',
        clientSecretFile: join(directory, 'secrets/pf'),
        audience: 't',
        scope: 'read write',
      },
      prefix: '',
    },
  });
});

test('the example of the reference page is valid', async () => {
  const page = readFileSync(resolve(import.meta.dirname, '../../../docs/reference/config.md'), 'utf8');
  const [, example = ''] = /```yaml\n([\s\S]*?)```/.exec(page) ?? [];
  const { problems, settings } = await read(example);
  expect(problems).toBe('');
  expect([...(settings?.upstreams.keys() ?? [])]).toEqual(['files', 'search']);
});

test('a name that every object has is a name like any other', async () => {
  const { settings } = await read('constructor: { command: a, env: { __proto__: b } }');
  const upstream = settings?.upstreams.get('constructor');
  expect(upstream?.kind === 'stdio' && Object.entries(upstream.env)).toEqual([['__proto__', 'b']]);
  expect(settings?.upstreams.get('to-string')).toBeUndefined();
});

test('what is shown holds no argument, variable or query, and still tells two apart', async () => {
  const shown = async (text: string) => {
    const { directory } = await read(text);
    const values = await readEffectiveValues(directory, 'local');
    return values.ok ? values.values.filter(({ where }) => where === 'upstreams.yaml') : [];
  };
  const text = (secret: string) =>
    `a: { command: c, args: [k, ${secret}], env: { K: ${secret} } }\nb: { url: "https://t.example/?k=${secret}" }`;
  const before = await shown(text('hunter2'));
  const after = await shown(text('hunter3'));
  expect(before.map(({ key, value }) => [key, value])).toEqual([
    ['upstreams.a.command', 'c'],
    ['upstreams.a.args', '2, not shown'],
    ['upstreams.a.cwd', null],
    ['upstreams.a.env', 'K (values not shown)'],
    ['upstreams.a.prefix', null],
    ['upstreams.b.url', 'https://t.example/?…'],
    ['upstreams.b.authorization', 'none'],
    ['upstreams.b.prefix', null],
  ]);
  expect(JSON.stringify(before)).not.toContain('hunter2');
  const differing = before.filter(({ digest }, at) => digest !== after[at]?.digest).map(({ key }) => key);
  expect(differing).toEqual(['upstreams.a.args', 'upstreams.a.env', 'upstreams.b.url']);
});

test('whatever is in the file, it is read or refused with a place', async () => {
  await fc.assert(
    fc.asyncProperty(fc.jsonValue({ maxDepth: 4 }), async (value) => {
      const { problems, settings } = await read(JSON.stringify(value));
      expect(settings === undefined ? problems : 'config/local/upstreams.yaml').toContain(
        'config/local/upstreams.yaml',
      );
    }),
    { numRuns: 200 },
  );
});
