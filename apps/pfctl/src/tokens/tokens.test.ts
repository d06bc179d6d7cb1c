import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { NOW, temporaryFolders } from '@provability-fabric/command-line/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pfctl } from '../terminal.fixture.ts';
import type { Terminal } from '../terminal.ts';
import { checkToken, projectWithKeys } from './tokens.fixture.ts';

const folders = temporaryFolders();
let root = '';

beforeAll(async () => {
  root = await projectWithKeys(folders);
});
afterAll(() => folders.removeAll());

const here = (args: readonly string[], more: Partial<Terminal> = {}) =>
  pfctl(['token', ...args], { directory: root, checkout: root, ...more });

const project = () => projectWithKeys(folders);
const check = (text: string, audience?: string, now?: number) => checkToken(root, text, audience, now);

describe('token create', () => {
  const create = (...more: string[]) =>
    here(['create', '--tenant', 'acme', '--principal', 'agent-1', ...more]);

  test('what must not be asked for', async () => {
    const before = existsSync(join(root, 'data/tokens'));
    for (const more of [
      ['--ttl', '61m'],
      ['--cap', 'send_mail'],
      ['--cap', 'call:'],
      ['--session', 'a b'],
      ['--tenant', ''],
      ['--audience', 'governor'],
      ['--subject', 'a\nb'],
      ['--raw', '--format', 'json'],
    ]) {
      expect(await create(...more), more.join(' ')).toMatchObject({ code: 3, out: '' });
    }
    expect(existsSync(join(root, 'data/tokens'))).toBe(before);
    const empty = folders.make({ 'config/local/fabric.yaml': '' });
    const nowhere = await here(['create', '--tenant', 'a', '--principal', 'b'], { directory: empty });
    expect(nowhere).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringContaining('start the fabric once'),
    });
  });

  test('prints a token that the fabric takes', async () => {
    const { code, out, err } = await create(
      '--role',
      'support',
      '--role',
      'host',
      '--cap',
      'call:x',
      '--session',
      's1',
    );
    expect(code).toBe(0);
    expect(await check(out.trimEnd())).toMatchObject({
      ok: true,
      claims: {
        sub: 'agent-1',
        tenant: 'acme',
        roles: ['support', 'host'],
        org: 'acme',
        caps: ['call:x'],
        sid: 's1',
        epoch: 7,
      },
    });
    expect(await check(out.trimEnd(), 'sidecar-watcher', NOW + 15 * 60_000)).toMatchObject({
      ok: false,
      code: 'CAP_EXPIRED',
    });
    expect(err).toMatch(
      /^pfctl: token [0-9a-f-]{36} until 2026-03-01T12:15:00\.000Z, recorded in .*\.json\n$/,
    );
    const json = JSON.parse((await create('--ttl', '1m', '--format', 'json')).out);
    expect(json.expires_at).toBe(new Date(NOW + 60_000).toISOString());
    expect(await check(json.token)).toMatchObject({ ok: true, claims: { caps: ['*'], jti: json.token_id } });
  });

  test('for the ledger, raw: one line and no remark', async () => {
    const args = ['create', '--audience', 'ledger', '--tenant', 'acme', '--role', 'auditor', '--raw'];
    const { code, out, err } = await here(args);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^[\w.-]+\n$/);
    expect(await check(out.trim(), 'ledger')).toMatchObject({
      ok: true,
      claims: { aud: 'ledger', sub: 'operator', roles: ['auditor'] },
    });
    expect(await check(out.trim())).toMatchObject({ ok: false });
    expect((await here(['create', '--tenant', 'acme'])).err).toContain('expected --subject <id>');
  });

  test('leaves a record for the ledger, for its owner alone and without the token', async () => {
    const args = ['--subject', 'a', '--sid', 's', '--role', 'r', '--format', 'json'];
    const { token, token_id, record } = JSON.parse((await create(...args)).out);
    const text = readFileSync(record, 'utf8');
    expect(JSON.parse(text)).toEqual({
      id: token_id,
      tenant: 'acme',
      subject: 'a',
      session: 's',
      audience: 'sidecar-watcher',
      roles: ['r'],
      capabilities: ['*'],
      epoch: 7,
      issuedAt: NOW,
      expiresAt: NOW + 15 * 60_000,
    });
    for (const part of token.split('.')) expect(text).not.toContain(part);
    expect(statSync(record).mode & 0o777).toBe(0o600);
    expect(statSync(join(root, 'data/tokens')).mode & 0o777).toBe(0o700);
    expect(readdirSync(join(root, 'data/tokens')).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  test('a record that cannot be kept keeps the token back', async () => {
    const elsewhere = await project();
    const outside = folders.make();
    symlinkSync(outside, join(elsewhere, 'data/tokens'));
    const args = ['create', '--tenant', 'acme', '--subject', 'a'];
    expect(await here(args, { directory: elsewhere })).toMatchObject({ code: 3, out: '' });
    expect(readdirSync(outside)).toEqual([]);
    const file = await project();
    writeFileSync(join(file, 'data/tokens'), '');
    expect(await here(args, { directory: file })).toMatchObject({ code: 3, out: '' });
  });
});

describe('token list', () => {
  test('shows what is a record, and is not led astray by what is none', async () => {
    const elsewhere = await project();
    const list = (...more: string[]) => here(['list', ...more], { directory: elsewhere });
    expect(await list()).toEqual({ code: 0, out: 'no tokens\n', err: '' });
    const create = (...more: string[]) =>
      here(['create', '--tenant', 'acme', ...more], { directory: elsewhere });
    await create('--subject', 'short', '--ttl', '1s');
    await create('--subject', 'long', '--role', 'support');
    await create('--tenant', 'globex', '--audience', 'ledger');
    const tokens = join(elsewhere, 'data/tokens');
    const [id = ''] = readdirSync(tokens);
    const record = JSON.parse(readFileSync(join(tokens, id), 'utf8'));
    const hostile = { ...record, id: 'x', subject: 'a\u001b[2J\n', expiresAt: NOW + 1 };
    writeFileSync(join(tokens, 'x.json'), JSON.stringify(hostile));
    writeFileSync(join(tokens, 'y.json'), JSON.stringify(record));
    writeFileSync(join(tokens, 'half.json'), '{"id":"half"');
    writeFileSync(join(tokens, 'huge.json'), ' '.repeat(300_000));
    writeFileSync(join(tokens, 'late.json'), JSON.stringify({ ...record, id: 'late', expiresAt: 9e15 }));
    writeFileSync(join(tokens, 'e\u001b[2J'), '');
    symlinkSync(join(tokens, id), join(tokens, 'link.json'));
    mkdirSync(join(tokens, 'folder.json'));

    const later = { directory: elsewhere, now: () => NOW + 2000 };
    const { code, out, err } = await here(['list'], { ...later, now: () => NOW });
    expect(code).toBe(0);
    expect((out + err).replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
    expect(out.split('\n').filter((line) => / active /.test(line))).toHaveLength(4);
    expect(err).toMatch(/^pfctl: 7 files there are no records: /m);
    const ofTenant = await here(['list', '--tenant', 'globex', '--format', 'json'], later);
    expect(JSON.parse(ofTenant.out)).toMatchObject([
      { status: 'active', audience: 'ledger', subject: 'operator' },
    ]);
    const expired = await here(['list', '--status', 'expired', '--format', 'json'], later);
    expect(
      JSON.parse(expired.out)
        .map(({ subject }: { subject: string }) => subject)
        .sort(),
    ).toEqual(['a\u001b[2J\n', 'short']);
    expect(JSON.parse((await here(['list', '--status', 'all', '--format', 'json'], later)).out)).toHaveLength(
      4,
    );
  });
});
