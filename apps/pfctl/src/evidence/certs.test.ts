import { cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CHECKOUT, temporaryFolders } from '@provability-fabric/command-line/testing';
import { nodeCrypto, openKeyRing } from '@provability-fabric/evidence';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { pfctl } from '../terminal.fixture.ts';
import type { Terminal } from '../terminal.ts';
import { ORIGIN, openFabric, type TestFabric } from './data-folder.fixture.ts';

const folders = temporaryFolders();
let root = '';
let fabric: TestFabric;

/** The verifier from its sources, so that no built one needs to be there. */
const VERIFIER = `
import { spawnSync } from 'node:child_process';
const tsx = ${JSON.stringify(pathToFileURL(join(CHECKOUT, 'node_modules/tsx/dist/loader.mjs')).href)};
const main = ${JSON.stringify(join(CHECKOUT, 'apps/verify/src/main.ts'))};
const args = ['--import', tsx, main, ...process.argv.slice(2)];
process.exit(spawnSync(process.execPath, args, { stdio: 'inherit' }).status ?? 1);
`;

beforeAll(async () => {
  root = folders.make({
    'config/local/fabric.yaml': `data_dir: data\norigin: ${ORIGIN}\nepoch: 7\n`,
    'apps/verify/bin/pf-verify.mjs': VERIFIER,
  });
  await pfctl(['init', 'desk'], { directory: root });
  fabric = await openFabric(join(root, 'data'), join(root, 'bundles/desk'));
  const mail = { tool: 'send_mail', args: { to: 'team@acme.example' } };
  await fabric.call({ session: 's1', ...mail });
  await fabric.call({ session: 's1', tool: 'send_mail', args: { to: 'mallory@evil.example' } });
  await fabric.call({ session: 's2', tool: 'read_text_file', args: { path: 'inbox/1.txt' } });
  await fabric.call({ session: 's1', tenant: 'globex', ...mail });
  await fabric.log.flush();
});
afterAll(async () => {
  await fabric?.close();
  folders.removeAll();
});

const here = (args: readonly string[], more: Partial<Terminal> = {}) =>
  pfctl(args, { directory: root, checkout: root, ...more });

describe('certs list, beside a fabric that runs', () => {
  test('lists what was decided, the newest last', async () => {
    const { code, out, err } = await here(['certs', 'list']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const rows = out
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/ {2,}/));
    expect(rows[0]).toEqual([
      'AT',
      'TENANT',
      'SESSION',
      'SEQ',
      'PRINCIPAL',
      'ACTION',
      'EFFECT',
      'MODE',
      'OUTCOME',
      'REASONS',
      'CERTIFICATE',
    ]);
    expect(rows.slice(1).map((row) => row.slice(1, -1))).toEqual([
      ['acme', 's1', '1', 'agent', 'call send_mail', 'allow', 'enforce', 'done', '-'],
      [
        'acme',
        's1',
        '3',
        'agent',
        'call send_mail',
        'block',
        'enforce',
        '-',
        'UNTRUSTED_ARGUMENT (known-recipients)',
      ],
      ['acme', 's2', '1', 'agent', 'call read_text_file', 'allow', 'enforce', 'done', '-'],
      ['globex', 's1', '1', 'agent', 'call send_mail', 'block', 'enforce', '-', 'CROSS_TENANT'],
    ]);
  });

  test('selects by session, tenant and effect, and counts what it leaves out', async () => {
    const json = async (...more: string[]) => {
      const { out, err } = await here(['certs', 'list', '--format', 'json', ...more]);
      return {
        listed: JSON.parse(out) as { certificate: { session: string; tenant: string; effect: string } }[],
        err,
      };
    };
    const acme = await json('--tenant', 'acme', '--session', 's1');
    expect(acme.listed.map(({ certificate }) => certificate.effect)).toEqual(['allow', 'block']);
    expect((await json('--effect', 'block')).listed).toHaveLength(2);
    expect((await json('--session', 'none')).listed).toEqual([]);
    const newest = await json('--limit', '1');
    expect(newest.listed.map(({ certificate }) => certificate.tenant)).toEqual(['globex']);
    expect(newest.err).toBe('pfctl: the newest 1 of 4; --limit shows more\n');
  });
});

describe('certs verify', () => {
  test('runs every session through pf-verify, beside a fabric that runs, and leaves nothing behind', async () => {
    vi.stubEnv('TMPDIR', folders.make());
    const { code, out, err } = await here(['certs', 'verify', '--format', 'json']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const size = fabric.log.size;
    expect(JSON.parse(out)).toMatchObject({
      verified: true,
      checkpoint: { origin: ORIGIN, size },
      sessions: 3,
      statements: size,
      valid: size,
      invalid: 0,
      failures: [],
    });
    // Node and tsx keep caches of their own there.
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith('pfctl-verify-'))).toEqual([]);
    vi.unstubAllEnvs();
  });

  test('proves that the log only grew since a checkpoint that was kept', async () => {
    const kept = join(root, 'kept');
    writeFileSync(kept, readFileSync(join(root, 'data/log/checkpoint')));
    await fabric.call({ session: 's3', tool: 'read_text_file', args: { path: 'inbox/2.txt' } });
    await fabric.log.flush();
    expect(await here(['certs', 'verify', '--since', 'kept'])).toMatchObject({
      code: 0,
      out: expect.stringMatching(/\nvalid: +\d+ \(\d+ re-derived\)\ninvalid: +0\nverified\n$/),
    });
  });

  test('a log that was put back to an earlier state is found by a checkpoint that was kept', async () => {
    const earlier = folders.make();
    cpSync(join(root, 'data'), join(earlier, 'data'), { recursive: true });
    await fabric.call({ session: 's4', tool: 'read_text_file', args: { path: 'inbox/3.txt' } });
    await fabric.log.flush();
    writeFileSync(join(root, 'later'), readFileSync(join(root, 'data/log/checkpoint')));
    const since = (command: string) =>
      here(`certs ${command} --since later --data`.split(' ').concat(join(earlier, 'data')));
    const verified = await since('verify');
    expect(verified.code).toBe(1);
    expect(verified.out).toContain('CONSISTENCY  expected the log to continue the checkpoint');
    const exported = await since('export --session s2 --output rolled-back.json');
    expect(exported).toMatchObject({ code: 1, out: '' });
    expect(exported.err).toContain('is not a continuation of it');
  });

  test("with another log's keys it cannot be checked", async () => {
    const other = folders.make();
    await openKeyRing(join(other, 'keys'), { origin: ORIGIN, create: true, crypto: nodeCrypto() });
    const { code, out, err } = await here(['certs', 'verify', '--keys', join(other, 'keys')]);
    expect({ code, out }).toEqual({ code: 4, out: '' });
    expect(err).toContain('pfctl: pf-verify ended with 4: ');
  });

  test('a changed certificate is found', async () => {
    const copy = folders.make({ 'config/local/fabric.yaml': `data_dir: data\norigin: ${ORIGIN}\n` });
    cpSync(join(root, 'data'), join(copy, 'data'), { recursive: true });
    const [segment] = readdirSync(join(copy, 'data/journal')).filter((name) => name.endsWith('.seg'));
    const path = join(copy, 'data/journal', segment as string);
    const bytes = readFileSync(path);
    bytes.writeUInt8(bytes.readUInt8(400) ^ 1, 400);
    writeFileSync(path, bytes);
    const { code, err } = await here(['certs', 'verify', '--data', join(copy, 'data')]);
    expect(code).toBe(1);
    expect(err).toMatch(/^pfctl: journal segment `.*` is damaged/);
    const status = await here(['status'], { directory: copy });
    expect(status.code).toBe(1);
    expect(status.out).toMatch(/\nlog: +cannot be read\nfindings: +1\n {2}damaged {2}journal segment `/);
  });

  test('without a log, or without the verifier, there is nothing to say', async () => {
    const empty = folders.make({ 'config/local/fabric.yaml': 'data_dir: data' });
    cpSync(join(root, 'data/keys'), join(empty, 'data/keys'), { recursive: true });
    for (const args of [
      ['certs', 'list'],
      ['certs', 'verify'],
      ['certs', 'export', '--session', 's', '--output', 'x'],
    ]) {
      expect(await here(args, { directory: empty })).toEqual({
        code: 4,
        out: '',
        err: 'pfctl: expected an evidence log in the data folder of config/local, came none; start the fabric, or name its folder with --data\n',
      });
    }
    expect(await here(['certs', 'verify'], { checkout: empty })).toMatchObject({
      code: 4,
      err: expect.stringContaining('run npm ci first'),
    });
  });
});

describe('certs export', () => {
  const exported = (...more: string[]) => here(['certs', 'export', '--output', 'evidence.json', ...more]);

  test('writes one session for its owner alone', async () => {
    const { code, out } = await exported('--session', 's2');
    expect(code).toBe(0);
    expect(out).toMatch(/^wrote evidence\.json: 3 statements under the checkpoint of size \d+\n/);
    expect(statSync(join(root, 'evidence.json')).mode & 0o777).toBe(0o600);
    const evidence = JSON.parse(readFileSync(join(root, 'evidence.json'), 'utf8'));
    expect(evidence.entries).toHaveLength(3);
    expect(evidence.bundles).toHaveLength(1);
    rmSync(join(root, 'evidence.json'));
  });

  test('a session of several tenants is not guessed, and one that is not there is named', async () => {
    expect(await exported('--session', 's1')).toMatchObject({
      code: 3,
      err: 'pfctl: expected --tenant, since acme, globex each have a session `s1`\n',
    });
    expect((await exported('--session', 's1', '--tenant', 'globex')).code).toBe(0);
    for (const more of [
      ['--session', 's9'],
      ['--session', 's2', '--tenant', 'globex'],
    ]) {
      expect(await exported(...more)).toMatchObject({
        code: 3,
        err: expect.stringContaining('expected a session of the log'),
      });
    }
  });

  test('a checkpoint of another log is refused before anything is written', async () => {
    const note = readFileSync(join(root, 'data/log/checkpoint'), 'utf8');
    writeFileSync(join(root, 'forged'), note.replace(/\n\d+\n/, '\n99\n'));
    rmSync(join(root, 'evidence.json'), { force: true });
    const { code } = await exported('--session', 's2', '--since', 'forged');
    expect(code).toBe(3);
    expect(existsSync(join(root, 'evidence.json'))).toBe(false);
    expect((await exported('--session', 's2', '--since', 'nowhere')).code).toBe(3);
  });
});
