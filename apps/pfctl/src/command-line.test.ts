import { OutputClosedError } from '@provability-fabric/command-line';
import { CHECKOUT, NOW } from '@provability-fabric/command-line/testing';
import type { Command } from 'commander';
import { expect, test } from 'vitest';
import { buildProgram } from './program.ts';
import { run } from './run.ts';
import { pfctl } from './terminal.fixture.ts';

test.each([
  [['polcy', 'check', 'x'], "pfctl: unknown command 'polcy'\n(Did you mean policy?)\n"],
  [['policy', 'chek', 'x'], "pfctl: unknown command 'chek'\n(Did you mean check?)\n"],
  [['replay', '--bundel', 'x'], "pfctl: unknown option '--bundel'\n(Did you mean --bundle?)\n"],
  [['certs', 'list', '--sesion', 'x'], "pfctl: unknown option '--sesion'\n(Did you mean --session?)\n"],
  [['status', '--format', 'jsn'], /invalid\. Expected one of table, json\.\n\(Did you mean json\?\)\n/],
  [['certs', 'list', '--effect', 'blok'], /Expected one of allow, hold, block\.\n\(Did you mean block\?\)/],
  [['certs', 'list', '--limit', '0'], /Expected a whole number from 1/],
  [['certs', 'list', '--limit', '1e3'], /Expected a whole number from 1/],
  [['token', 'create', '--ttl', '15'], /Expected a duration with its unit/],
  [
    ['token', 'create', '--audience', 'leger'],
    /Expected one of .*ledger, secrets\.\n\(Did you mean ledger\?\)/,
  ],
  [['token', 'create', '--tenat', 'x'], /unknown option '--tenat'\n\(Did you mean --tenant\?\)/],
  [['ledger', 'verfy'], "pfctl: unknown command 'verfy'\n(Did you mean verify?)\n"],
  [['ledger', 'erase', '--record'], "pfctl: unknown option '--record'\n(Did you mean --records?)\n"],
  [['ledger', 'login', 'create'], 'pfctl: expected --tenant <tenant>, came none; --help shows how\n'],
  [['token', 'revoke'], /missing required argument 'id'/],
  [['token', 'revoke', 'x'], 'pfctl: expected --reason <text>, came none; --help shows how\n'],
  [['certs', 'show'], /missing required argument 'certificate'/],
  [['config', 'validte'], "pfctl: unknown command 'validte'\n(Did you mean validate?)\n"],
  [['config', 'set', 'log_level'], /missing required argument 'value'/],
  [['stats', '--untill', 'now'], "pfctl: unknown option '--untill'\n(Did you mean --until?)\n"],
  [['status', 'now'], /too many arguments/],
  [['status', '--env'], /argument missing/],
  [['policy', 'check'], /missing required argument 'folder'/],
  [['replay', '--trace', 'x'], 'pfctl: expected --bundle <path>, came none; --help shows how\n'],
  [['token', 'create', '--tenant', 'acme'], 'pfctl: expected --subject <id>, came none; --help shows how\n'],
  [['certs', 'export', '--session', 'x'], 'pfctl: expected --output <file>, came none; --help shows how\n'],
  [['status', '--env', '../../etc'], /expected an environment name of lowercase letters/],
  [
    ['status', '--env', 'producton'],
    'pfctl: config/producton: no such environment; did you mean `production`?\n',
  ],
])('%j is invalid input, and says how it was meant', async (args, said) => {
  const { code, out, err } = await pfctl(args);
  expect({ code, out }).toEqual({ code: 3, out: '' });
  if (typeof said === 'string') expect(err).toBe(said);
  else expect(err).toMatch(said);
});

test('what was typed cannot steer the terminal through an error message', async () => {
  for (const args of [
    ['\u001b[2J\u009b31m'],
    ['status', '--env', '\u001b[2J'],
    ['policy', 'check', '/\u202e\n\u001b'],
  ]) {
    const { code, err } = await pfctl(args);
    expect(code).toBe(3);
    expect(err.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
  }
});

test('without a command it is invalid input, with the help', async () => {
  for (const args of [
    [],
    ['policy'],
    ['certs'],
    ['config'],
    ['token'],
    ['approvals'],
    ['ledger'],
    ['ledger', 'login'],
  ]) {
    const { code, out, err } = await pfctl(args);
    expect({ code, out }).toEqual({ code: 3, out: '' });
    expect(err).toContain('Usage: pfctl');
  }
});

test('every command has a help with an example that names it', async () => {
  const commands = (parent: Command, path: readonly string[]): (readonly string[])[] => [
    path,
    ...parent.commands.flatMap((child) => commands(child, [...path, child.name()])),
  ];
  const terminal = { directory: CHECKOUT, checkout: CHECKOUT, colour: false } as Parameters<
    typeof buildProgram
  >[0];
  const all = commands(
    buildProgram(terminal, () => {}),
    [],
  );
  expect(all.map((path) => path.join(' '))).toEqual([
    '',
    'status',
    'stats',
    'init',
    'bundle',
    'bundle draft',
    'policy',
    'policy check',
    'policy compile',
    'policy explain',
    'validate',
    'replay',
    'explain',
    'test',
    'certs',
    'certs list',
    'certs show',
    'certs verify',
    'certs export',
    'config',
    'config show',
    'config validate',
    'config set',
    'config diff',
    'token',
    'token create',
    'token list',
    'token revoke',
    'approvals',
    'approvals list',
    'approvals show',
    'approvals approve',
    'approvals deny',
    'secrets',
    'secrets list',
    'secrets read',
    'secrets write',
    'secrets import',
    'secrets demo',
    'secrets versions',
    'secrets compare',
    'secrets rollback',
    'secrets delete',
    'secrets undelete',
    'secrets destroy',
    'secrets remove',
    'secrets metadata',
    'secrets rotate',
    'secrets rotation',
    'secrets schedule',
    'secrets unschedule',
    'secrets audit',
    'secrets create-root-key',
    'secrets change-root-key',
    'secrets rekey',
    'secrets erase',
    'ledger',
    'ledger status',
    'ledger verify',
    'ledger login',
    'ledger login create',
    'ledger login drop',
    'ledger declare-lost',
    'ledger erase',
    'continuity',
    'continuity check',
  ]);
  for (const path of all) {
    const { code, out } = await pfctl([...path, '--help']);
    expect(code).toBe(0);
    expect(out).toContain(`\nExample:\n  $ pfctl ${path.join(' ')}`);
  }
});

test('an unexpected error is one line without a stack, unless asked for', async () => {
  const notes: string[] = [];
  const terminal = {
    write: async () => {
      throw new TypeError('first\nsecond');
    },
    note: (text: string) => void notes.push(text),
    input: (async function* () {})(),
    watched: false,
    colour: false,
    columns: 120,
    directory: CHECKOUT,
    checkout: CHECKOUT,
    ledgerToken: undefined,
    approverToken: undefined,
    secretsToken: undefined,
    databaseUrl: undefined,
    now: () => NOW,
  };
  const args = ['policy', 'explain', 'apps', '--tool', 'x'];
  const { code } = await pfctl(args);
  expect(code).toBe(3);
  const template = ['init', 'x', '--directory', '/dev/null/x'];
  expect((await pfctl(template)).code).toBe(3);
  const status = ['status', '--data', '/nowhere'];
  expect(await run(status, terminal)).toBe(1);
  expect(notes).toEqual(['pfctl: unexpected error: first second (PFCTL_DEBUG=1 shows more)\n']);
  expect(await run(status, terminal, { debug: true })).toBe(1);
  expect(notes.at(-1)).toContain('command-line.test.ts');
});

test('a reader that goes away is told nothing', async () => {
  const write = async () => {
    throw new OutputClosedError();
  };
  expect(await pfctl(['status', '--data', '/nowhere'], { write })).toMatchObject({ code: 1, err: '' });
});
