import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { afterAll, describe, expect, it } from 'vitest';
import { deskBundle } from './bundle.fixture.ts';
import { run } from './command-line.ts';
import {
  bytesOf,
  EVIDENCE_KEY,
  type EvidenceJson,
  LOG_KEY,
  ORIGIN,
  TestLog,
  testKey,
} from './log.fixture.ts';
import { TestSession } from './session.fixture.ts';
import { jsonOf, story } from './story.fixture.ts';

const told = story();
const folder = mkdtempSync(join(tmpdir(), 'pf-verify-'));
afterAll(() => rmSync(folder, { recursive: true }));

function put(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const keys = join(folder, 'keys');
mkdirSync(keys);
put('keys/log.a.vk', `${LOG_KEY.text}\n`);
put('keys/evidence.one.vk', `${EVIDENCE_KEY.text}\n`);
put('keys/evidence.one.sk', 'not to be read');
put('keys/README', 'not a key');
const file = put('evidence.json', bytesOf(told.evidence()));
const altered = structuredClone(told.evidence());
Object.assign(altered.entries[3] as object, { salt: altered.entries[4]?.salt });
const tampered = put('tampered.json', bytesOf(altered));

function pfVerify(...args: string[]) {
  const lines = { out: '', err: '' };
  const code = run(args, { write: (text) => (lines.out += text) }, { write: (text) => (lines.err += text) });
  return { code, ...lines };
}

describe('the exit code', () => {
  it('is 0 where everything verifies', () => {
    const { code, out, err } = pfVerify(file, '--keys', keys);
    expect(err).toBe('');
    expect(out).toContain(`verified: 26 of the 26 entries of ${ORIGIN}`);
    expect(out).toContain('26 re-derived');
    expect(code).toBe(0);
  });

  it('is 1 where something is false, which is named', () => {
    const { code, out } = pfVerify(tampered, '--keys', keys);
    expect(out).toMatch(/^INCLUSION entry 3, session s\d, seq \d: the proof that the entry is in the log/m);
    expect(out).toMatch(/^NOT VERIFIED: 1 failure;/m);
    expect(code).toBe(1);
  });

  it('is 4 where no key signed the checkpoint, and 1 where something is wrong besides', () => {
    const stranger = put('log.stranger.vk', testKey(ORIGIN, 'stranger').text);
    const evidenceKey = join(keys, 'evidence.one.vk');
    const without = pfVerify(file, '--key', evidenceKey, '--key', stranger);
    expect(without.out).toContain('no key given signed this checkpoint');
    expect(without.out).not.toContain('FAILED');
    expect(without.out).toContain('CANNOT BE CHECKED');
    expect(without.code).toBe(4);
    expect(pfVerify(file).code).toBe(4);
    expect(pfVerify(file, '--key', evidenceKey).code).toBe(4);
    expect(pfVerify(file, '--key', join(keys, 'log.a.vk')).out).toContain('ENVELOPE_UNKNOWN_KEY');
    expect(pfVerify(file, '--key', join(keys, 'log.a.vk')).code).toBe(1);
    expect(pfVerify(put('spaced.json', `${Buffer.from(bytesOf(told.evidence()))} `)).code).toBe(1);
  });

  it.each([
    ['no file', [], 'missing required argument'],
    ['two files', [file, file], 'too many arguments'],
    ['a mistyped flag', [file, '--keyz', 'x'], 'Did you mean one of --key, --keys?'],
    ['a format that there is not', [file, '--format', 'xml'], 'Allowed choices are table, json'],
    [
      'a requirement that there is not',
      [file, '--require', 'faith'],
      'expected --require re-derived, complete or head',
    ],
    [
      'a file that is not there',
      ['/no/such/file', '--keys', keys],
      'cannot read evidence file `/no/such/file`: ENOENT',
    ],
    ['a folder', [folder, '--keys', keys], 'to be a file, came a folder'],
    [
      'a folder of keys without keys',
      [file, '--keys', folder.replace(/$/, '/empty')],
      'cannot read key folder',
    ],
    ['a key that is none', [file, '--key', `${LOG_KEY.text.slice(0, -4)}AAA=`], 'the key given with --key'],
    ['a private key file', [file, '--key', join(keys, 'evidence.one.sk')], 'the key file `evidence.one.sk`'],
    ['a kept checkpoint that is none', [file, '--keys', keys, '--since', file], 'the kept checkpoint'],
  ])('is 3 for %s', (_, args, message) => {
    const { code, err, out } = pfVerify(...args);
    expect(err).toContain(message);
    expect(out).toBe('');
    expect(code).toBe(3);
  });

  it('is 3 for keys that contradict each other, and for an empty folder', () => {
    mkdirSync(join(folder, 'more'));
    expect(pfVerify(file, '--keys', join(folder, 'more')).err).toContain('came none');
    put('more/evidence.one.vk', testKey(`${ORIGIN}/evidence`, 'another').text);
    const { code, err } = pfVerify(
      file,
      '--keys',
      keys,
      '--keys',
      keys,
      '--key',
      join(folder, 'more/evidence.one.vk'),
    );
    expect(err).toContain('two different ones');
    expect(code).toBe(3);
  });

  it('is 3 for a file of another kind, not JSON, or beyond the limit, without reading that one', () => {
    expect(pfVerify(put('other.json', '{"a":1}'), '--keys', keys)).toMatchObject({ code: 3 });
    expect(pfVerify(put('no.json', 'no'), '--keys', keys).err).toContain('expected an evidence file in JSON');
    const huge = put('huge.json', '');
    truncateSync(huge, 1024 ** 3);
    const { code, err } = pfVerify(huge, '--keys', keys);
    expect(err).toContain('of at most 134217728 bytes, came 1073741824 bytes');
    expect(code).toBe(3);
  });
});

describe('keys', () => {
  it('may be given as text, the evidence key then under its own hash', () => {
    const log = new TestLog();
    const bundle = deskBundle();
    new TestSession(log, bundle).call('pay', { amount: 1 });
    const evidence = log.export([jsonOf(bundle)]);
    const path = put('one-session.json', bytesOf(evidence));
    // The fixture signs as `evidence.one`; given as text this key is another one by name.
    expect(pfVerify(path, '--key', LOG_KEY.text, '--key', EVIDENCE_KEY.text).out).toContain(
      'ENVELOPE_UNKNOWN_KEY',
    );
    expect(pfVerify(path, '--key', LOG_KEY.text, '--key', join(keys, 'evidence.one.vk')).code).toBe(0);
  });
});

describe('a kept checkpoint', () => {
  const kept = put('kept.note', told.log.checkpoint(5));

  it('must be extended', () => {
    const proving = put('since.json', bytesOf(told.evidence({ since: 5 })));
    expect(pfVerify(proving, '--keys', keys, '--since', kept).code).toBe(0);
    const { code, out } = pfVerify(file, '--keys', keys, '--since', kept);
    expect(out).toContain('CONSISTENCY expected a proof that the log only grew from the kept size 5');
    expect(code).toBe(1);
  });

  it('by an unknown key cannot be checked', () => {
    const strange = put(
      'strange.note',
      told.log.checkpoint(5, [told.log.signer(testKey(ORIGIN, 'stranger'))]),
    );
    expect(pfVerify(file, '--keys', keys, '--since', strange)).toMatchObject({ code: 4, out: '' });
  });
});

describe('the report', () => {
  it('demands more where it is told to', () => {
    const evidence = structuredClone(told.evidence());
    Object.assign(evidence.entries[10] as object, { record: null });
    const path = put('erased.json', bytesOf(evidence));
    expect(pfVerify(path, '--keys', keys).out).toMatch(/facts trusted: the record of seq \d+ was erased/);
    expect(pfVerify(path, '--keys', keys)).toMatchObject({ code: 0 });
    expect(pfVerify(path, '--keys', keys, '--require', 're-derived', '--require', 'complete')).toMatchObject({
      code: 1,
    });
  });

  it('says all of it in JSON too', () => {
    const report = JSON.parse(pfVerify(tampered, '--keys', keys, '--format', 'json').out);
    expect(report).toMatchObject({
      verified: false,
      entries: 26,
      checkpoint: { origin: ORIGIN, size: 26 },
      unchecked_signatures: 0,
    });
    expect(report.failures).toEqual([
      {
        code: 'INCLUSION',
        entry: 3,
        tenant: expect.any(String),
        session: expect.any(String),
        seq: expect.any(Number),
        message: expect.any(String),
      },
    ]);
    expect(report.events).toHaveLength(26);
    expect(report.counts).toEqual({ 're-derived': 25, 'facts trusted': 0, 'signature only': 0, failed: 1 });
  });

  it('lets no control character of the file reach the terminal, and colours only there', () => {
    const hostile = written('\u001b[2Jsession\u009b\u202e\nx', 'tool\u0007\u2028\\');
    const path = put('hostile.json', bytesOf(hostile));
    for (const format of ['table', 'json']) {
      const { out } = pfVerify(path, '--keys', keys, '--format', format);
      expect(out.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    }
    expect(pfVerify(path, '--keys', keys).out).toContain(
      'session \\u{1b}[2Jsession\\u{9b}\\u{202e}\\u{a}x of acme',
    );
    expect(JSON.parse(pfVerify(path, '--keys', keys, '--format', 'json').out).events[0].session).toBe(
      '\u001b[2Jsession\u009b\u202e\nx',
    );
    let out = '';
    run([file, '--keys', keys], { write: (text) => (out += text), isTTY: true }, { write: () => true });
    expect(out).toContain('\u001b[32mverified\u001b[0m');
  });

  it('quotes nothing raw in its errors either', () => {
    const { err } = pfVerify('no\u001b[2Jfile', '--keys', keys);
    expect(err).toBe('pf-verify: cannot read evidence file `no\\u{1b}[2Jfile`: ENOENT\n');
    expect(pfVerify(file, '--\u001b[2J').err).not.toContain('\u001b');
  });

  it('lists the first failures of very many', () => {
    const evidence = structuredClone(told.evidence());
    const many: EvidenceJson = {
      ...evidence,
      entries: Array.from({ length: 60 }, () => evidence.entries[0] as never),
    };
    expect(pfVerify(put('many.json', bytesOf(many)), '--keys', keys).out).toMatch(
      /^and \d+ more; --format json lists all$/m,
    );
  });
});

describe('help', () => {
  it('has examples, and says what is proven and what is not', () => {
    const { code, out } = pfVerify('--help');
    expect(code).toBe(0);
    expect(out).toContain('$ pf-verify evidence.json --keys keys/');
    expect(out).toContain('Not proven at all');
  });
});

describe('the program itself', () => {
  const root = join(import.meta.dirname, '../../..');
  const program = join(folder, 'pf-verify.mjs');
  const banner =
    "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";
  const { metafile } = buildSync({
    entryPoints: [join(import.meta.dirname, 'main.ts')],
    outfile: program,
    absWorkingDir: root,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    banner: { js: banner },
    metafile: true,
  });

  it('is made of the kernel, the statements, the policy, itself, commander and the schema reader', () => {
    const rooms = Object.keys(metafile.inputs).map(
      (path) => /^(?:packages|apps)\/[^/]+|^node_modules\/[^/]+/.exec(path)?.[0] ?? path,
    );
    expect([...new Set(rooms)].sort()).toEqual([
      'apps/verify',
      'node_modules/commander',
      'node_modules/zod',
      'packages/kernel',
      'packages/policy',
      'packages/statements',
    ]);
  });

  it('imports no module that could reach a network', () => {
    const imports = Object.values(metafile.inputs).flatMap((input) => input.imports.map(({ path }) => path));
    const builtin = [...new Set(imports.filter((path) => path.startsWith('node:')))].sort();
    expect(builtin).toContain('node:crypto');
    expect(
      builtin.filter((name) =>
        /^node:(net|http|https|http2|dgram|dns|tls|worker_threads|inspector)/.test(name),
      ),
    ).toEqual([]);
  });

  const mayIsolate = spawnSync('unshare', ['-n', 'true']).status === 0;

  it.skipIf(!mayIsolate)(
    'verifies where there is no network at all (skipped where this user may not take it away)',
    () => {
      const alone = (...args: string[]) =>
        spawnSync('unshare', ['-n', process.execPath, program, ...args], { encoding: 'utf8' });
      const good = alone(file, '--keys', keys);
      expect(good.stdout).toMatch(/^verified: 26 of the 26 entries/m);
      expect(good.status).toBe(0);
      expect(alone(tampered, '--keys', keys).status).toBe(1);
      expect(alone(file, '--kez').status).toBe(3);
      expect(alone(file).status).toBe(4);
    },
  );

  it('reads a file from a pipe', () => {
    const piped = spawnSync('sh', [
      '-c',
      'cat "$1" | "$2" "$3" /dev/stdin --keys "$4"',
      'sh',
      file,
      process.execPath,
      program,
      keys,
    ]);
    expect(piped.status).toBe(0);
  });
});

function written(session: string, tool: string): EvidenceJson {
  const log = new TestLog();
  const bundle = deskBundle();
  new TestSession(log, bundle, session).ask(tool, {});
  return log.export([jsonOf(bundle)]);
}
