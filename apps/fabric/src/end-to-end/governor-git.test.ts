import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromBase64 } from '@provability-fabric/kernel';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildPrograms } from './built-programs.fixture.ts';
import { Governed, type GovernorService } from './governed-tree.fixture.ts';
import type { GovernorClient } from './governor-client.fixture.ts';
import { itNeeds, lacks } from './only-where.fixture.ts';
import type { Json } from './pf-process.fixture.ts';

// A real git repository, governed by `safeai` alone and then by `pf serve governor`: sign, plan, apply, roll back, verify.
const WAS = 'one\ntwo\nthree\n';
const MANIFEST = {
  targets: ['src/a.txt'],
  edits: [{ path: 'src/a.txt', op: 'replace', start: 1, end: 1, text: 'TWO' }],
  tests: ['sh test.sh'],
  rationale: 'the second line is louder now',
  version: '1.0.0',
};

let governed: Governed;
let service: GovernorService | undefined;

beforeAll(async () => {
  await buildPrograms();
  governed = new Governed({
    files: { 'src/a.txt': WAS, 'test.sh': 'grep -q TWO src/a.txt || ! grep -q loud src/a.txt\n' },
    policy: ['autonomy_tier: beta', 'require_tests: true', 'git: {commit: true, sign: true}'],
  });
  git('init', '--quiet', '--initial-branch=main');
  git('add', '--all');
  git('commit', '--quiet', '--message=by a person');
  writeFileSync(join(governed.root, 'manifest.json'), JSON.stringify(MANIFEST));
});
afterAll(() => service?.stop());

function git(...args: readonly string[]): string {
  const who = ['-c', 'user.name=Person', '-c', 'user.email=person@example.test'];
  const env = { PATH: process.env.PATH, HOME: governed.root, GIT_CONFIG_NOSYSTEM: '1' };
  const stdio = ['ignore', 'pipe', 'pipe'] as ['ignore', 'pipe', 'pipe'];
  return execFileSync('git', [...who, ...args], { cwd: governed.tree, encoding: 'utf8', env, stdio }).trim();
}

function auditLines(): readonly Json[] {
  const text = readFileSync(join(governed.data, 'audit.log'), 'utf8').trimEnd();
  return text.split('\n').map((line) => JSON.parse(line) as Json);
}

/** As whoever clones it checks a commit: by the governor's public key, and nothing of ours. */
function verifyCommit(commit: string): void {
  const raw = fromBase64(readFileSync(join(governed.keys, 'ed25519.default.vk'), 'utf8').trim());
  const part = (bytes: Uint8Array) => Buffer.concat([Buffer.from([0, 0, 0, bytes.length]), bytes]);
  const key = Buffer.concat([part(Buffer.from('ssh-ed25519')), part(raw)]).toString('base64');
  const allowed = join(governed.root, 'allowed-signers');
  writeFileSync(allowed, `* namespaces="git" ssh-ed25519 ${key}\n`);
  git('-c', `gpg.ssh.allowedSignersFile=${allowed}`, 'verify-commit', commit);
}

describe.sequential('a change of a git repository', () => {
  const hashes: string[] = [];
  const needsKeygen = itNeeds(lacks('sh', ['-c', 'command -v ssh-keygen'], 'ssh-keygen is not installed'));

  it('goes the whole way with safeai', async () => {
    expect(await governed.safeai('keys', 'generate')).toMatchObject({ code: 0 });
    const signed = await governed.safeai('sign', '-m', 'manifest.json', '-o', 'signed.json');
    expect(signed).toMatchObject({ code: 0 });
    expect(await governed.said('verify', '-i', 'signed.json')).toMatchObject({ valid: true });
    expect(await governed.said('plan', '-m', 'manifest.json')).toMatchObject({ verdict: 'approved' });
    const applied = await governed.said('apply', '-s', 'signed.json');
    expect(applied).toMatchObject({ success: true, commit: git('rev-parse', 'HEAD') });
    expect(governed.read('src/a.txt')).toBe('one\nTWO\nthree\n');
    const back = await governed.said('rollback', '--hash', `${applied.manifest_hash}`);
    expect(back).toMatchObject({ success: true, commit: git('rev-parse', 'HEAD') });
    expect(governed.read('src/a.txt')).toBe(WAS);
    expect(git('diff', 'HEAD~2', 'HEAD', '--stat')).toBe('');
    expect(git('status', '--porcelain')).toBe('');
    hashes.push(`${applied.manifest_hash}`);
  });

  it('is stopped and let go on from the command line, on record where no service runs', async () => {
    const by = { actor: 'cli', principal: 'tester' };
    expect(await governed.said('kill', 'on', '--reason', 'a bad day')).toMatchObject({ active: true });
    const refused = await governed.safeai('apply', '-s', 'signed.json');
    expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('KILLED')]);
    expect(await governed.said('kill', 'off', '--reason', 'mended')).toMatchObject({ active: false });
    expect(auditLines().slice(-2)).toMatchObject([
      { kind: 'killed', ...by },
      { kind: 'revived', ...by },
    ]);
  });

  it('goes the whole way over HTTP', async () => {
    service = governed.serve();
    const admin: GovernorClient = await service.client();
    const { envelope, hash } = await governed.sign(MANIFEST, await admin.tree());
    expect(await admin.ask('POST', '/v1/verify', envelope)).toMatchObject({ body: { valid: true } });
    expect(await admin.ask('POST', '/v1/policy/plan', MANIFEST)).toMatchObject({
      body: { verdict: 'approved' },
    });
    const applied = await admin.apply(envelope);
    expect(applied).toMatchObject({ status: 200, body: { commit: git('rev-parse', 'HEAD') } });
    expect(git('log', '-1', '--format=%B')).toContain(`Change-Manifest: ${hash}`);
    const back = await admin.ask('POST', '/v1/rollback', { audit_index: applied.body.audit_index as number });
    expect(back).toMatchObject({ status: 200, body: { reverted_hash: hash } });
    expect(governed.read('src/a.txt')).toBe(WAS);
    hashes.push(hash);
    const kinds = (await admin.audit()).map(({ kind }) => kind);
    const whole = ['change-started', 'change-applied', 'rollback-started', 'rollback-applied'];
    expect(kinds).toEqual(['policy-adopted', ...whole, 'killed', 'revived', ...whole]);
    expect(new Set(hashes).size).toBe(2);
  });

  needsKeygen('leaves commits that git verifies by the public key', async () => {
    const commits = git('log', '--format=%H', 'HEAD~4..HEAD').split('\n');
    expect(commits).toHaveLength(4);
    for (const commit of commits) verifyCommit(commit);
    expect(() => verifyCommit('HEAD~4')).toThrow();
  });

  it('leaves an audit that the original’s checker takes, and safeai only as it was written', async () => {
    const path = join(governed.data, 'audit.log');
    const said = await governed.said('audit', '--verify');
    const checker = join(import.meta.dirname, 'original-checker.fixture.py');
    const check = () => execFileSync('python3', [checker, path], { encoding: 'utf8', stdio: 'pipe' }).trim();
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
    expect(check()).toBe(`${lines.length} ${said.current_root}`);
    await service?.stop();
    const forged = lines.map((line) => line.replace('"approved"', '"blocked"'));
    for (const text of [forged, lines.slice(0, -1)]) {
      writeFileSync(path, `${text.join('\n')}\n`);
      const { code, out } = await governed.safeai('audit', '--verify', '--json');
      expect([code, (JSON.parse(out) as Json).valid]).toEqual([1, false]);
    }
    writeFileSync(path, `${lines.join('\n')}\n`);
    expect(await governed.said('audit', '--verify')).toMatchObject({ valid: true });
  });
});
