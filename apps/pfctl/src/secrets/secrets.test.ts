import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolders } from '@provability-fabric/command-line/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pfctl, type RunOptions } from '../terminal.fixture.ts';
import { startSecretsService } from './secrets-service.fixture.ts';

const CANARY = 'canary-8c1f0e5b7a';
const folders = temporaryFolders();
const root = folders.make({
  'config/local/fabric.yaml': 'data_dir: data\n',
  'token.txt': CANARY,
  '.env': `DB_HOST=db.internal\nDB_PASSWORD="${CANARY} two"\n`,
  'vault.json': JSON.stringify({
    'secret/data/old/a': { data: { data: { v: CANARY }, metadata: {} } },
    'secret/data/old/b': { data: { data: { v: 'other' }, metadata: {} } },
  }),
  'bad.json': `{"a": ["${CANARY}"]}`,
});
let service: Awaited<ReturnType<typeof startSecretsService>>;
const tokens: Record<string, string> = {};

beforeAll(async () => {
  service = await startSecretsService(root);
  for (const role of ['secrets-admin', 'secrets-viewer', 'auditor']) tokens[role] = await service.token(role);
});
afterAll(async () => {
  await service.close();
  folders.removeAll();
});

async function run(args: readonly string[], role = 'secrets-admin', options: RunOptions = {}) {
  const here = { directory: root, checkout: root, secretsToken: tokens[role] };
  return pfctl(['secrets', ...args, '--url', service.url], { ...here, ...options });
}

async function ok(...args: readonly string[]): Promise<string> {
  const { code, out, err } = await run(args);
  expect([code, err]).toEqual([0, '']);
  return out;
}

describe('pfctl secrets', () => {
  it('takes no value from the command line, and repeats none of what was typed', async () => {
    for (const args of [
      ['write', 'db/x', `password=${CANARY}`],
      ['write', 'db/x', CANARY],
      ['write', 'db/x', '--json', 'bad.json'],
      ['write', 'db/x'],
      ['write', 'db/x', 'a=-', 'b=-'],
      ['write', 'db/x', 'a=@token.txt', 'a=@token.txt'],
      ['write', 'db/x', 'a=@token.txt', '--json', 'bad.json'],
      ['import', 'bad.json', '--from', 'vault'],
      ['import', 'bad.json', '--from', 'aws'],
    ]) {
      const { code, out, err } = await run(args);
      expect([code, out], args.join(' ')).toEqual([3, '']);
      expect(err).not.toContain(CANARY);
    }
    expect(service.accesses).toEqual([]);
  });

  it('says what is refused, with 2, and that a token is missing, with 1', async () => {
    expect(await run(['write', 'db/x', 'a=@token.txt'], 'secrets-viewer')).toMatchObject({
      code: 2,
      out: '',
    });
    expect(await run(['read', 'not/there'])).toMatchObject({ code: 2 });
    const { code, err } = await run(['list'], '', { secretsToken: undefined });
    expect([code, err]).toEqual([1, expect.stringContaining('pfctl token create --audience secrets')]);
    const other = await service.token('secrets-admin', 'globex');
    expect(await run(['read', 'db/x', '--tenant', 'acme'], '', { secretsToken: other })).toMatchObject({
      code: 2,
    });
  });

  it('writes from files and standard input, and reads one field as it is', async () => {
    expect(await ok('write', 'db/primary', 'password=@token.txt', '--cas', '0')).toMatch(
      /^db\/primary: version 1 \(v\d+-/,
    );
    const piped = await run(['write', 'db/primary', 'password=-'], 'secrets-admin', { stdin: 'second\n' });
    expect(piped).toMatchObject({ code: 0, out: expect.stringContaining('version 2') });
    expect(await ok('read', 'db/primary', '--field', 'password')).toBe('second');
    expect(await ok('read', 'db/primary', '--field', 'password', '--version', '1')).toBe(CANARY);
    const stale = await run(['write', 'db/primary', 'password=@token.txt', '--cas', '1']);
    expect(stale).toMatchObject({ code: 2, err: expect.stringContaining('SECRET_CONFLICT') });
  });

  it('shows versions and which fields differ without a character of a value', async () => {
    const versions = await ok('versions', 'db/primary');
    expect(versions).toContain('current');
    const compared = await ok('compare', 'db/primary', '1', '2');
    expect(compared).toContain('modified');
    expect(versions + compared).not.toContain('second');
  });

  it('goes back, deletes, brings back, destroys and removes', async () => {
    expect(await ok('rollback', 'db/primary', '1')).toContain('version 3');
    expect(await ok('read', 'db/primary', '--field', 'password')).toBe(CANARY);
    expect(await ok('delete', 'db/primary')).toBe('db/primary: deleted\n');
    expect(await run(['read', 'db/primary'])).toMatchObject({ code: 2 });
    expect(await ok('undelete', 'db/primary', '3')).toBe('db/primary: undeleted\n');
    expect(await ok('read', 'db/primary', '--field', 'password')).toBe(CANARY);
    expect(await ok('destroy', 'db/primary', '1,2')).toBe('db/primary: destroyed\n');
    expect(await run(['remove', 'db/primary', '--confirm', 'db'])).toMatchObject({ code: 3 });
    expect(await ok('remove', 'db/primary', '--confirm', 'db/primary')).toBe('db/primary: removed\n');
  });

  it('brings in what is elsewhere, once, and says beforehand what it would do', async () => {
    expect(await ok('import', '.env', '--as', 'app', '--dry-run')).toBe('app: would be written\n');
    expect(await ok('import', '.env', '--as', 'app')).toBe('app: written\n');
    expect(await ok('read', 'app', '--field', 'DB_PASSWORD')).toBe(`${CANARY} two`);
    expect(await ok('import', '.env', '--as', 'app')).toBe('app: left as it is\n');
    const vault = [
      'import',
      'vault.json',
      '--from',
      'vault',
      '--strip',
      'secret/data/old/',
      '--prefix',
      'new/',
    ];
    expect(await ok(...vault)).toBe('new/a: written\nnew/b: written\n');
    expect(await ok('list', '--prefix', 'new/')).toBe('new/a\nnew/b\n');
  });

  it('lists all names, page by page', async () => {
    for (let number = 10; number < 25; number += 1) await run(['write', `many/${number}`, 'a=@token.txt']);
    const all = await ok('list', '--prefix', 'many/');
    expect(all.split('\n')).toHaveLength(16);
    const some = await run(['list', '--prefix', 'many/', '--limit', '4']);
    expect(some).toMatchObject({ code: 0, out: 'many/10\nmany/11\nmany/12\nmany/13\n' });
    expect(some.err).toContain('there are more');
  });

  it('rotates, and plans it: a step of days in a cron line is read as days, with a warning', async () => {
    await ok('demo');
    const rotated = await run(['rotate', 'test_secret', '--format', 'json']);
    expect([rotated.code, rotated.err]).toEqual([0, '']);
    const { rotation_id: id } = JSON.parse(rotated.out) as { rotation_id: string };
    expect(await ok('rotation', id)).toContain('done');
    const planned = await run(['schedule', 'test_secret', '--cron', '0 2 */90 * *']);
    expect([planned.code, planned.err]).toEqual([0, expect.stringContaining('every 90 days')]);
    expect(await ok('schedule', 'test_secret')).toContain('90');
    expect(await ok('unschedule', 'test_secret')).toBe('test_secret: unscheduled\n');
    expect(await run(['schedule', 'test_secret', '--grace', 'soon'])).toMatchObject({ code: 3 });
  });

  it('shows who did what, and whether a statement attests it', async () => {
    const { out } = await run(['audit', '--secret', 'test_secret'], 'auditor');
    expect(out).toContain('ROTATE');
    expect(out).toContain('yes');
    expect(await run(['read', 'test'], 'auditor')).toMatchObject({ code: 2 });
  });

  it('changes metadata and keeps the rest', async () => {
    await ok('metadata', 'app', '--tag', 'team=payments', '--sensitivity', 'high');
    expect(await ok('metadata', 'app', '--max-versions', '3', '--format', 'json')).toContain(
      '"team":"payments"',
    );
    expect(await run(['metadata', 'app'])).toMatchObject({ code: 3 });
  });

  it('erases a tenant that is named twice', async () => {
    expect(await run(['erase', '--confirm', 'globex'])).toMatchObject({ code: 3 });
    expect(await ok('erase', '--confirm', 'acme')).toBe('acme: erased\n');
    expect(await ok('list')).toBe('there are none\n');
  });

  it('makes a root key that only its owner can read, and never over another', async () => {
    const create = () =>
      pfctl(['secrets', 'create-root-key', 'root.key'], { directory: root, checkout: root });
    expect(await create()).toEqual({ code: 0, out: 'root.key: written\n', err: '' });
    const before = readFileSync(join(root, 'root.key'));
    expect(statSync(join(root, 'root.key')).mode & 0o777).toBe(0o600);
    expect(await create()).toMatchObject({ code: 3 });
    expect(readFileSync(join(root, 'root.key'))).toEqual(before);
  });
});
