import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CHECKOUT, temporaryFolders } from '@provability-fabric/command-line/testing';
import { createHeads, nodeCrypto, openKeyRing } from '@provability-fabric/evidence';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pfctl } from '../terminal.fixture.ts';
import { ORIGIN, openFabric } from './data-folder.fixture.ts';

const folders = temporaryFolders();
afterAll(() => folders.removeAll());

const VERIFIER = [
  '--import',
  pathToFileURL(join(CHECKOUT, 'node_modules/tsx/dist/loader.mjs')).href,
  join(CHECKOUT, 'apps/verify/src/main.ts'),
];
/** The verifier from its sources, so that no built one needs to be there. */
const PROGRAM = `
import { spawnSync } from 'node:child_process';
const args = [...${JSON.stringify(VERIFIER)}, ...process.argv.slice(2)];
process.exit(spawnSync(process.execPath, args, { stdio: 'inherit' }).status ?? 1);
`;
let root = '';
const here = (args: readonly string[]) => pfctl(args, { directory: root, checkout: root });

/** A fabric on a folder with keys of its own or given ones: a call of each session, and a head after each round. */
async function write(data: string, rounds: readonly (readonly string[])[], keys?: string): Promise<void> {
  if (keys !== undefined) cpSync(keys, join(data, 'keys'), { recursive: true });
  const fabric = await openFabric(data, join(root, 'bundles/desk'));
  const ring = await openKeyRing(join(data, 'keys'), { origin: ORIGIN, create: false, crypto: nodeCrypto() });
  const heads = await createHeads({
    log: fabric.log,
    directory: data,
    crypto: nodeCrypto(),
    signer: ring.evidenceSigner(),
    writer: fabric.log.id,
    emit: () => undefined,
    now: Date.now,
    random: (length) => new Uint8Array(randomBytes(length)),
  });
  for (const sessions of rounds) {
    for (const session of sessions)
      await fabric.call({ session, tool: 'read_text_file', args: { path: 'inbox/1.txt' } });
    await heads.sign();
  }
  await heads.close();
  await fabric.close();
}

const lines = (data: string) => readFileSync(join(data, 'log/heads'), 'utf8').trimEnd().split('\n');
const putHeads = (data: string, heads: readonly string[]) =>
  writeFileSync(join(data, 'log/heads'), `${heads.join('\n')}\n`);

function copyOf(data: string): string {
  const copy = join(folders.make(), 'data');
  cpSync(data, copy, { recursive: true });
  return copy;
}

async function verified(data: string) {
  const { code, out } = await here(['certs', 'verify', '--format', 'json', '--data', data]);
  const report = JSON.parse(out);
  const failures = report.failures.map(({ code: name, message }: Record<string, string>) => {
    return `${name} ${message}`;
  });
  return { code, failures, heads: report.heads };
}

let honest = '';
beforeAll(async () => {
  root = folders.make({
    'config/local/fabric.yaml': `data_dir: data\norigin: ${ORIGIN}\n`,
    'apps/verify/bin/pf-verify.mjs': PROGRAM,
  });
  await here(['init', 'desk']);
  honest = join(root, 'data');
  await write(honest, [['s1', 's2'], ['s1'], ['s3', 's1']]);
});

describe('certs verify, with heads in the data folder', () => {
  test('names a log that was put back to an earlier state, tail and session gone', async () => {
    const earlier = join(folders.make(), 'data');
    await write(earlier, [['s1', 's2'], ['s1']], join(honest, 'keys'));
    putHeads(earlier, lines(honest));
    const { code, failures } = await verified(earlier);
    expect(code).toBe(1);
    expect(failures).toContainEqual(
      expect.stringMatching(/^HEAD expected the 13 entries that the head of .* counts, came 8: the log was/),
    );
  });

  test.each([
    [[['s1', 's1'], ['s1'], ['s1', 's1', 's1']], /counts, came 1: a whole session is missing$/],
    [[['s1', 's2'], ['s1'], ['s2', 's3']], /came another end: a tail was dropped or exchanged$/],
    [[['s1', 's2', 's4'], ['s3', 's1'], ['s2']], /sessions that the head of .* counts, came 4$/],
  ])('names another history of the same keys: %j', async (rounds, said) => {
    const other = join(folders.make(), 'data');
    await write(other, rounds, join(honest, 'keys'));
    putHeads(other, lines(honest));
    const { code, failures } = await verified(other);
    expect(code).toBe(1);
    expect(failures).toContainEqual(expect.stringMatching(said));
  });

  test('names a head of another writer, although the same key signed it', async () => {
    const other = join(folders.make(), 'data');
    await write(other, [['s1', 's2'], ['s1'], ['s3', 's1']], join(honest, 'keys'));
    const copy = copyOf(honest);
    putHeads(copy, [...lines(honest), lines(other).at(-1) ?? '']);
    const { code, failures } = await verified(copy);
    expect(code).toBe(1);
    expect(failures).toContainEqual(
      expect.stringMatching(/^HEAD the head of .* is of the writer [0-9a-f]{32}, /),
    );
  });

  test('leaves aside what the log signed before it lost its id, and nothing later', async () => {
    const copy = copyOf(honest);
    const id = 'f'.repeat(32);
    writeFileSync(join(copy, 'journal/id'), `${id}\n`);
    const none = await verified(copy);
    expect(none).toMatchObject({ code: 0, heads: { checked: 3, earlier: 0 } });
    await write(copy, [['s9']]);
    expect(await verified(copy)).toMatchObject({
      code: 0,
      failures: [],
      heads: { checked: 1, earlier: 3, newest: { log_size: 16 } },
    });
  });

  test('names a head that was changed, exchanged or is none', async () => {
    const [first = '', second = '', third = ''] = lines(honest);
    const envelope = JSON.parse(third);
    const statement = JSON.parse(Buffer.from(envelope.payload, 'base64').toString());
    const lying = Buffer.from(JSON.stringify({ ...statement, count: 2 })).toString('base64');
    for (const [heads, said] of [
      [[first, second, JSON.stringify({ ...envelope, payload: lying })], /^ENVELOPE_SIGNATURE line 3 of /],
      [[first, 'no head', third], /^STATEMENT line 2 of log\/heads: expected a signed head$/],
      [[first, third, second], /^HEAD the head of .*: its (count|log_size) went back from /],
    ] as const) {
      const copy = copyOf(honest);
      putHeads(copy, heads);
      const { code, failures } = await verified(copy);
      expect(code).toBe(1);
      expect(failures).toContainEqual(expect.stringMatching(said));
    }
  });

  test('holds the newest one against an honest log, which may have gone on, and does without any', async () => {
    const { code, failures, heads } = await verified(honest);
    expect({ code, failures }).toEqual({ code: 0, failures: [] });
    expect(heads).toEqual({ checked: 3, earlier: 0, newest: { at: expect.any(String), log_size: 13 } });
    const copy = copyOf(honest);
    putHeads(copy, lines(honest).slice(0, 2));
    expect(await verified(copy)).toMatchObject({ code: 0, heads: { checked: 2, newest: { log_size: 8 } } });
    rmSync(join(copy, 'log/heads'));
    expect(await verified(copy)).toMatchObject({ code: 0, heads: { checked: 0, newest: null } });
  });
});

describe('certs export, with heads in the data folder', () => {
  const pfVerify = (file: string, ...more: string[]) => {
    const args = [...VERIFIER, file, '--keys', join(honest, 'keys'), ...more];
    const { status, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    return { status, stdout };
  };

  async function exported(data: string): Promise<string> {
    const file = join(root, 'evidence.json');
    const args = ['certs', 'export', '--session', 's1', '--output', file, '--data', data];
    expect((await here(args)).code).toBe(0);
    return file;
  }

  test('gives along that the session goes no further, and a statement left off is named', async () => {
    const file = await exported(honest);
    const { status, stdout } = pfVerify(file, '--require', 'head');
    expect({ status, stdout }).toMatchObject({ status: 0 });
    expect(stdout).toMatch(/^head of 20.*Z, over 13 entries: 1 session ends where it says$/m);
    const evidence = JSON.parse(readFileSync(file, 'utf8'));
    evidence.entries.pop();
    writeFileSync(file, JSON.stringify(evidence));
    const dropped = pfVerify(file);
    expect(dropped.status).toBe(1);
    expect(dropped.stdout).toMatch(/^HEAD entry \d+, session s1, seq 5: expected the session to end where/m);
  });

  test('says what is newer than the head, and where there is none', async () => {
    const copy = copyOf(honest);
    putHeads(copy, lines(honest).slice(0, 2));
    const newer = pfVerify(await exported(copy));
    expect(newer.stdout).toMatch(
      /^head of .*, over 8 entries: 1 session ends where it says; 2 entries are newer/m,
    );
    expect(pfVerify(await exported(copy), '--require', 'head').status).toBe(1);
    rmSync(join(copy, 'log/heads'));
    const none = pfVerify(await exported(copy));
    expect(none).toMatchObject({ status: 0, stdout: expect.stringContaining('note: no head in the file: ') });
  });
});
