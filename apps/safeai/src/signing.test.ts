import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { NOW, temporaryFolders } from '@provability-fabric/command-line/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FakeGovernance, HASH, POLICY, TREE } from './fake-governance.fixture.ts';
import { safeai } from './terminal.fixture.ts';

const folders = temporaryFolders();
afterAll(() => folders.removeAll());

const MANIFEST = JSON.stringify({
  version: '1.0.0',
  targets: ['src/a.ts'],
  edits: [{ path: 'src/a.ts', op: 'insert', start: 0, end: 0, text: 'one\n' }],
  tests: [],
  rationale: 'a line is needed there',
});
const BOUND = ['--base-tree', TREE, '--policy', POLICY.digest, '--policy-version', '4'];

/** A folder with keys of alice, bob and an agent, and a manifest. */
let home: string;
const at = (args: readonly string[], options = {}) => safeai(args, { directory: home, ...options });
const json = (text: string) => JSON.parse(text);
const written = (name: string) => readFileSync(join(home, name), 'utf8');

beforeAll(async () => {
  home = folders.make({ 'manifest.json': MANIFEST });
  await at(['keys', 'generate']);
  await at(['keys', 'generate', '--key-id', 'bob', '--principal', 'Bob']);
  await at(['keys', 'generate', '--key-id', 'bot', '--role', 'agent']);
});

describe('keys', () => {
  it('are never overwritten, and an init container may ask twice', async () => {
    const folder = folders.make();
    const options = { directory: folder };
    expect(await safeai(['keys', 'generate', '--key-id', 'default'], options)).toEqual({
      code: 0,
      out: '✓ Generated keypair: default\n',
      err: '',
    });
    const seed = readFileSync(join(folder, 'data/keys/ed25519.default.sk'), 'utf8');
    expect(statSync(join(folder, 'data/keys/ed25519.default.sk')).mode & 0o777).toBe(0o600);
    const again = await safeai(['keys', 'generate'], options);
    expect(again).toMatchObject({ code: 1, out: '', err: expect.stringContaining('(KEY_EXISTS)') });
    const missing = await safeai(['keys', 'generate', '--if-missing'], options);
    expect(missing).toMatchObject({ code: 0, out: '✓ Keypair is there already: default\n' });
    expect(readFileSync(join(folder, 'data/keys/ed25519.default.sk'), 'utf8')).toBe(seed);
  });

  it('whose id would lead out of the folder are refused', async () => {
    for (const id of ['../x', 'a/b', '', '.', 'x'.repeat(64)]) {
      const { code, err } = await at(['keys', 'generate', '--key-id', id]);
      expect({ id, code }).toEqual({ id, code: 1 });
      expect(err).toContain('(KEY_INVALID)');
    }
  });

  it('are listed with role and state, and rotation leaves one that signs', async () => {
    const folder = folders.make({ 'm.json': MANIFEST });
    const options = { directory: folder };
    await safeai(['keys', 'generate', '--key-id', 'carol'], options);
    const rotated = await safeai(['keys', 'rotate', '--key-id', 'carol', '--json'], options);
    const { key_id } = json(rotated.out);
    expect(rotated.code).toBe(0);
    expect(key_id).toMatch(/^carol-[0-9a-f]{8}$/);
    const listed = json((await safeai(['keys', 'list', '--json'], options)).out);
    expect(listed).toMatchObject([
      { key_id: 'carol', state: 'retired', successor: key_id, role: 'human' },
      { key_id, state: 'active', role: 'human', signs: true },
    ]);
    const table = (await safeai(['keys', 'list'], options)).out.split('\n');
    expect(table[0]).toMatch(/^KEY +ROLE +STATE +SIGNS HERE +PRINCIPAL +PUBLIC KEY$/);
    const signed = await safeai(['sign', '-m', 'm.json', '--key-id', 'carol', ...BOUND], options);
    expect(json(signed.out).signatures[0].keyid).toBe(`ed25519:${key_id}`);
    expect((await safeai(['keys', 'retire', '--key-id', key_id], options)).out).toBe(
      `✓ Retired: ${key_id}\n`,
    );
    expect((await safeai(['sign', '-m', 'm.json', '--key-id', 'carol', ...BOUND], options)).code).toBe(1);
  });

  it('of others are imported as public keys, and sign nothing here', async () => {
    const folder = folders.make();
    const vk = written('data/keys/ed25519.bob.vk');
    const options = { directory: folder, stdin: vk };
    const args = ['keys', 'import', '-', '--key-id', 'bob', '--role', 'human'];
    expect(await safeai(args, options)).toMatchObject({ code: 0, out: '✓ Imported public key: bob\n' });
    expect(json((await safeai(['keys', 'list', '--json'], options)).out)).toMatchObject([
      { key_id: 'bob', signs: false },
    ]);
    const bad = await safeai(args, { ...options, stdin: 'ssh-rsa AAAA' });
    expect(bad).toMatchObject({ code: 1, err: expect.stringContaining('(KEY_INVALID)') });
  });
});

describe('sign', () => {
  it('binds tree, policy, time and key, and says the hash that verify says', async () => {
    const args = ['sign', '-m', 'manifest.json', '-o', 'change.json', ...BOUND];
    const signed = await at([...args, '--idempotency-key', 'k-1', '--expires', '30m']);
    const [, hash] = /^✓ Signed: ([0-9a-f]{64})\n$/.exec(signed.out) ?? [];
    expect(hash).toBeDefined();
    const verified = await at(['verify', '-i', 'change.json', '--json']);
    expect(json(verified.out)).toEqual({
      valid: true,
      manifest_hash: hash,
      targets: ['src/a.ts'],
      rationale: 'a line is needed there',
      signers: [{ keyId: 'default', role: 'human' }],
      expires_at: '2026-03-01T12:30:00.000Z',
    });
    const payload = json(Buffer.from(json(written('change.json')).payload, 'base64').toString());
    expect(payload).toMatchObject({ base_tree: TREE, policy: POLICY, idempotency_key: 'k-1' });
  });

  it('takes what it binds from the governor where it is not said', async () => {
    const governance = new FakeGovernance();
    const { code, out, err } = await at(['sign'], { governance, stdin: MANIFEST });
    expect(code).toBe(0);
    expect(err).toMatch(/^✓ Signed: /);
    const payload = json(Buffer.from(json(out).payload, 'base64').toString());
    expect(payload).toMatchObject({
      base_tree: TREE,
      policy: POLICY,
      expires_at: '2026-03-01T13:00:00.000Z',
    });
    expect(payload.idempotency_key).toMatch(/^[0-9a-f]{32}$/);
    governance.status = { ...governance.status, policy: null, policy_problem: 'no policy file' };
    const none = await at(['sign'], { governance, stdin: MANIFEST });
    expect(none).toMatchObject({ code: 1, out: '', err: expect.stringContaining('no policy file') });
  });

  it('adds a signature to what others signed, and binds nothing anew', async () => {
    await at(['sign', '-m', 'manifest.json', '-o', 'one.json', ...BOUND]);
    const added = await at(['sign', '--add', 'one.json', '--key-id', 'bob', '-o', 'two.json']);
    expect(added.code).toBe(0);
    const { signers } = json((await at(['verify', '-i', 'two.json', '--json'])).out);
    expect(signers).toEqual([
      { keyId: 'default', role: 'human' },
      { keyId: 'bob', role: 'human' },
    ]);
    expect(json(written('two.json')).payload).toBe(json(written('one.json')).payload);
    const bound = await at(['sign', '--add', 'one.json', '--expires', '2h']);
    expect(bound).toMatchObject({ code: 1, err: expect.stringContaining('expected no --expires') });
  });

  it('signs nothing that is no manifest', async () => {
    for (const [stdin, said] of [
      ['{}', 'MANIFEST_INVALID'],
      [MANIFEST.replace('"targets":["src/a.ts"]', '"targets":["src/b.ts"]'), 'MANIFEST_'],
      [MANIFEST.replace('"version"', '"vers\\u001bion"'), 'MANIFEST_INVALID'],
    ] as const) {
      const { code, out, err } = await at(['sign', ...BOUND], { stdin });
      expect({ code, out }).toEqual({ code: 1, out: '' });
      expect(err).toContain(said);
      expect(err).not.toContain('\u001b');
    }
  });
});

describe('verify', () => {
  it('refuses what was changed, has expired, or nobody known has signed', async () => {
    await at(['sign', '-m', 'manifest.json', '-o', 'good.json', ...BOUND]);
    const envelope = json(written('good.json'));
    const payload = Buffer.from(envelope.payload, 'base64').toString();
    const changed = Buffer.from(payload.replace('one', 'two')).toString('base64');
    const unknown = folders.make();
    for (const [document, options, code] of [
      [{ ...envelope, payload: changed }, {}, 'SIGNATURE_INVALID'],
      [{ ...envelope, payloadType: 'text/plain' }, {}, 'ENVELOPE_INVALID'],
      [{ payload_b64: 'x', sig_b64: 'y', pubkey_id: 'default' }, {}, 'ENVELOPE_INVALID'],
      [envelope, { now: () => NOW + 3_600_001 }, 'CHANGE_EXPIRED'],
      [envelope, { directory: unknown }, 'SIGNATURE_INVALID'],
    ] as const) {
      const ran = await at(['verify'], { ...options, stdin: JSON.stringify(document) });
      expect(ran).toMatchObject({ code: 1, out: '' });
      expect(ran.err).toMatch(new RegExp(`^✗ .*\\(${code}\\)\\n$`));
    }
  });

  it('says who signed, without obeying what they wrote', async () => {
    const stdin = MANIFEST.replace('a line is needed there', 'a line\\u001b[2J is needed');
    const signed = await at(['sign', '--key-id', 'bot', ...BOUND], { stdin });
    const { code, out } = await at(['verify'], { stdin: signed.out });
    expect(code).toBe(0);
    expect(out).toMatch(/^✓ Signature valid: [0-9a-f]{64}\n/);
    expect(out).toContain('signed by: bot (agent)\n');
    expect(out).toContain('rationale: a line\\u001b[2J is needed\n');
  });
});

describe('a proposal', () => {
  it('is signed only where it is the one whose hash was typed', async () => {
    const bound = json(
      Buffer.from(
        json((await at(['sign', '-m', 'manifest.json', ...BOUND])).out).payload,
        'base64',
      ).toString(),
    );
    const signed = await at(['sign'], { stdin: JSON.stringify(bound) });
    const [, hash = ''] = /Signed: ([0-9a-f]{64})/.exec(signed.err) ?? [];
    const governance = new FakeGovernance();
    const proposal = {
      manifest: bound,
      envelope: null,
      proposer: 'agent-1',
      at: NOW,
      plan: governance.plan,
      status: 'open',
      outcome: null,
    } as const;
    governance.found = [{ ...proposal, hash: HASH }];
    const other = await at(['proposals', 'approve', HASH, '--key-id', 'bob'], { governance });
    expect(other).toMatchObject({ code: 1, err: expect.stringContaining('nothing was signed') });
    expect(governance.came.filter(({ use }) => use.startsWith('approve'))).toEqual([]);
    governance.found = [{ ...proposal, hash } as never];
    const approved = await at(['proposals', 'approve', hash, '--key-id', 'bob'], { governance });
    expect(approved.code).toBe(0);
    const given = governance.came.at(-1)?.given as { readonly envelope: object };
    const verified = await at(['verify', '--json'], { stdin: JSON.stringify(given.envelope) });
    expect(json(verified.out)).toMatchObject({ manifest_hash: hash, signers: [{ keyId: 'bob' }] });
  });
});

describe('an SSH agent', () => {
  it('is asked only where there is one, for a key that is in the ring', async () => {
    writeFileSync(join(home, 'bob.pub'), written('data/keys/ed25519.bob.vk'));
    const args = ['sign', '-m', 'manifest.json', '--ssh-agent', 'bob.pub', ...BOUND];
    expect((await at(args)).err).toContain('SSH_AUTH_SOCK');
    const settings = { sshAgentSocket: join(home, 'no-agent') };
    expect(await at(args, { settings })).toMatchObject({ code: 1, out: '' });
    const elsewhere = folders.make({ 'manifest.json': MANIFEST, 'bob.pub': written('bob.pub') });
    const { err } = await safeai(args, { directory: elsewhere, settings });
    expect(err).toContain('add it with `safeai keys import`');
    const both = await at([...args, '--key-id', 'bob']);
    expect(both.err).toContain('expected --key-id or --ssh-agent, came both');
  });
});
