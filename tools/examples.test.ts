import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { compileBundle, readBundleFolder } from '@provability-fabric/bundle';
import { nodeCrypto } from '@provability-fabric/evidence';
import { parseJson } from '@provability-fabric/kernel';
import {
  type LoadedBundle,
  loadBundle,
  parseTrace,
  type ReplayedEvent,
  replayTrace,
} from '@provability-fabric/policy';
import { beforeAll, describe, expect, it } from 'vitest';

// Every example runs here, and what comes of it is held against what its page says.

const ROOT = resolve(import.meta.dirname, '..');
const TRACES = join(ROOT, 'examples/traces');
const textOf = (name: string) => readFileSync(join(TRACES, name), 'utf8');

/** What each event of each trace gets: `allow`, or the code and clause that the agent is told. */
const EXPECTED: Readonly<Record<string, readonly string[]>> = {
  'honest-session.json': ['allow', 'allow', 'allow', 'allow', 'allow'],
  'injection.json': [
    'allow',
    'NOT_PERMITTED no-path-outside',
    'UNTRUSTED_ARGUMENT known-recipients',
    'allow',
    'LABEL_FLOW no-exfiltration',
    'LABEL_FLOW no-exfiltration',
    'allow',
  ],
  'cross-tenant.json': [
    'allow',
    'CROSS_TENANT no-path-outside',
    'NOT_PERMITTED no-path-outside',
    'CROSS_TENANT no-path-outside',
    'allow',
  ],
  'limits.json': [
    ...Array<string>(6).fill('allow'),
    'LIMIT_EXCEEDED few-reads',
    'LIMIT_EXCEEDED few-reads',
    'allow',
    'allow',
    'allow',
    'LIMIT_EXCEEDED few-mails',
  ],
  'big-integer.json': ['allow', 'allow'],
};

describe('the traces', () => {
  let bundle: LoadedBundle;
  beforeAll(async () => {
    const crypto = nodeCrypto();
    const compiled = await compileBundle(await readBundleFolder(join(ROOT, 'bundles/quickstart')), crypto);
    if (!compiled.ok) throw new Error(JSON.stringify(compiled.errors));
    bundle = loadBundle(compiled.bundle, crypto);
  });
  const replay = (text: string) => [...replayTrace(bundle, parseTrace(parseJson(text)))];

  it('are all here, and no other', () => {
    expect(readdirSync(TRACES).sort()).toEqual(Object.keys(EXPECTED).sort());
  });

  it.each(Object.entries(EXPECTED))('%s gets what it is there to show', (name, expected) => {
    expect(replay(textOf(name)).map(told)).toEqual(expected);
  });

  it.each(Object.keys(EXPECTED))('%s is listed with what it shows', (name) => {
    expect(readFileSync(join(ROOT, 'examples/README.md'), 'utf8')).toContain(`](traces/${name})`);
  });

  it('tell 2^53 + 1 from 2^53, which a double cannot', () => {
    const text = textOf('big-integer.json');
    const last = (trace: string) => replay(trace).at(-1)?.state.after;
    expect(last(text.replaceAll('9007199254740993', '9007199254740992'))).not.toBe(last(text));
  });
});

/** The first reason is the one that the agent is told. */
function told({ effect, reasons: [first] }: ReplayedEvent): string {
  return effect === 'allow' ? effect : `${first?.code} ${first?.clause}`;
}

describe('verify-in-code', () => {
  const folder = join(ROOT, '.pf/examples');
  const evidence = join(folder, 'evidence.json');
  const keys = join(folder, 'data/keys');
  const run = (...args: string[]) =>
    promisify(execFile)(process.execPath, [join(ROOT, 'examples/verify-in-code/verify.mjs'), ...args]);

  beforeAll(() => {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    const pf = join(ROOT, 'apps/fabric/bin/pf.mjs');
    execFileSync(process.execPath, [pf, 'quickstart', '--directory', folder], { stdio: 'ignore' });
  }, 60_000);

  it('accepts what the quickstart exported', async () => {
    const { stdout } = await run(evidence, keys);
    expect(stdout).toMatch(/^\d+ statements are signed, chained, and in the log of \d+\n$/);
  });

  const lies: readonly (readonly [string, (file: Evidence) => void, RegExp])[] = [
    ['a changed statement', forge, /expected a signature/],
    ['another salt', ({ entries }) => exchange(entries, 'salt'), /expected it to be in the log/],
    ['another proof', ({ entries }) => exchange(entries, 'inclusion'), /expected it to be in the log/],
    ['a statement left out', ({ entries }) => entries.splice(3, 1), /expected it to continue its session/],
    ['two statements in the wrong order', ({ entries }) => swap(entries), /expected it to continue/],
    [
      'another size of the log',
      (file) => (file.checkpoint = file.checkpoint.replace(/\n\d+\n/, '\n999\n')),
      /expected a checkpoint signed by the log/,
    ],
  ];

  it.each(lies)('refuses %s', async (_name, tamper, problem) => {
    const file = JSON.parse(readFileSync(evidence, 'utf8')) as Evidence;
    tamper(file);
    const forged = join(folder, 'forged.json');
    writeFileSync(forged, JSON.stringify(file));
    await expect(run(forged, keys)).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(problem),
    });
  });
});

interface Entry {
  envelope: { payload: string };
  salt: string;
  inclusion: string[];
}

interface Evidence {
  checkpoint: string;
  entries: Entry[];
}

/** Turns a refusal into a permission. */
function forge({ entries }: Evidence): void {
  for (const { envelope } of entries) {
    const statement = Buffer.from(envelope.payload, 'base64').toString();
    const lie = statement.replace('"effect":"block"', '"effect":"allow"');
    envelope.payload = Buffer.from(lie).toString('base64');
  }
}

function exchange<Member extends 'salt' | 'inclusion'>(entries: Entry[], member: Member): void {
  const [one, other] = entries as [Entry, Entry];
  [one[member], other[member]] = [other[member], one[member]];
}

function swap(entries: Entry[]): void {
  const [one, other] = entries as [Entry, Entry];
  entries.splice(0, 2, other, one);
}
