import { createHmac, generateKeyPairSync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { type GovernorRole, issueJwt } from '@provability-fabric/gateway-http';
import { base64, fromBase64, utf8 } from '@provability-fabric/kernel';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildPrograms } from './built-programs.fixture.ts';
import { eventually } from './fabric-services.fixture.ts';
import { filesWith, holds } from './found-in.fixture.ts';
import { change, Governed, type GovernorService, type Signing } from './governed-tree.fixture.ts';
import { GovernorClient, type GovernorReply } from './governor-client.fixture.ts';
import type { Json } from './pf-process.fixture.ts';

// `pf serve governor` as built, with an issuer of its own, and everything that a change may not do.
const ISSUED = { issuer: 'https://issuer.example', audience: 'governor-of-tests', maxLifetimeSeconds: 3600 };
const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
const PUBLIC = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString();
const PRIVATE = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const SAID_BY_TESTS = `said-by-tests-${randomBytes(9).toString('hex')}`;
/** Looks like a credential, and is none. */
const SECRET = `AKIA${randomBytes(16)
  .toString('hex')
  .toUpperCase()
  .replace(/[^A-Z2-7]/g, 'Q')
  .slice(0, 16)}`;

let governed: Governed;
let service: GovernorService;
let url: string;
let admin: GovernorClient;

beforeAll(async () => {
  await buildPrograms();
  governed = new Governed({
    files: { 'src/a.txt': 'one\n', 'reach.sh': 'exec 3<>/dev/tcp/127.0.0.1/"$1"\n' },
    policy: ['sandbox: {tier: rlimits, timeout: 1s}'],
    environment: {
      SAFEAI_JWT_ALGORITHM: 'RS256',
      SAFEAI_JWT_PUBLIC_KEY: PUBLIC,
      SAFEAI_JWT_ISSUER: ISSUED.issuer,
      SAFEAI_JWT_AUDIENCE: ISSUED.audience,
    },
  });
  for (const id of ['default', 'lost']) await governed.key(id);
  service = governed.serve();
  url = await service.url();
  admin = new GovernorClient(url, await jwt());
});
afterAll(() => service.stop());

const claims = (role: GovernorRole = 'admin') => ({
  subject: 'ann',
  role,
  lifetimeSeconds: 600,
  id: 'one',
  now: Date.now(),
});

function jwt(role?: GovernorRole): Promise<string> {
  return issueJwt({ ...ISSUED, algorithm: 'RS256', privateKey: PRIVATE }, claims(role));
}

async function applied(manifest: Json, signing?: Signing, more?: Json): Promise<GovernorReply> {
  const { envelope } = await governed.sign(manifest, await admin.tree(), signing);
  return admin.apply(envelope, more);
}

const write = (path: string, tests: readonly string[] = []) => change({ [path]: 'new\n' }, { tests });
const refused = (status: number, code: string) => ({ status, body: { code } });

describe.sequential('the governor, to those who mean no good', () => {
  it('lets nobody in whose token is of no issuer of its own, whatever it says of itself', async () => {
    const [header, body] = (await jwt()).split('.');
    const encoded = (value: Json) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const confused = (secret: string) => {
      const signed = `${encoded({ alg: 'HS256', typ: 'JWT' })}.${body}`;
      return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
    };
    const tokens = [
      confused(PUBLIC),
      confused(PUBLIC.trim()),
      `${encoded({ alg: 'none', typ: 'JWT' })}.${body}.`,
      `${header}.${body}.${Buffer.alloc(256).toString('base64url')}`,
      await issueJwt({ ...ISSUED, algorithm: 'RS256', privateKey: PRIVATE, audience: 'other' }, claims()),
      '',
    ];
    for (const bearer of tokens)
      expect((await new GovernorClient(url, bearer).ask('GET', '/v1/status')).status).toBe(401);
    const auditor = new GovernorClient(url, await jwt('auditor'));
    expect(await auditor.apply({})).toMatchObject(refused(403, 'GOVERNOR_FORBIDDEN'));
  });

  it('applies a change once, and tells who names its key what came of it', async () => {
    const signed = await governed.sign(write('src/b.txt'), await admin.tree());
    const first = await admin.apply(signed.envelope);
    expect(first).toMatchObject({ status: 200, body: { success: true, manifest_hash: signed.hash } });
    expect(await admin.apply(signed.envelope)).toMatchObject(refused(409, 'CHANGE_REPLAYED'));
    const again = await admin.apply(signed.envelope, { idempotency_key: signed.key });
    expect(again).toMatchObject({ status: 200, body: { audit_index: first.body.audit_index } });
    expect(await applied(write('src/c.txt'), { key: signed.key })).toMatchObject(
      refused(409, 'IDEMPOTENCY_CONFLICT'),
    );
  });

  it('takes no replay of a change that was taken back since, though the tree is as it was', async () => {
    const tree = await admin.tree();
    const signed = await governed.sign(write('src/taken-back.txt'), tree);
    expect(await admin.apply(signed.envelope)).toMatchObject({ status: 200 });
    expect(await admin.ask('POST', '/v1/rollback', { manifest_hash: signed.hash })).toMatchObject({
      status: 200,
    });
    expect((await admin.tree()).tree).toEqual(tree.tree);
    expect(await admin.apply(signed.envelope)).toMatchObject(refused(409, 'CHANGE_REPLAYED'));
    expect(readdirSync(join(governed.tree, 'src'))).toEqual(['a.txt', 'b.txt']);
  });

  it('takes nothing that is too late, meant for elsewhere, or signed by another', async () => {
    const tree = await admin.tree();
    const stranger = new Governed();
    for (const id of ['default', 'unheard-of']) await stranger.key(id);
    const { envelope: strange } = await stranger.sign(write('src/x.txt'), tree, { by: ['unheard-of'] });
    const { envelope: posing } = await stranger.sign(write('src/x.txt'), tree);
    const late = await governed.sign(write('src/x.txt'), tree, { by: ['lost'] });
    expect((await governed.safeai('keys', 'retire', '--key-id', 'lost')).code).toBe(0);
    const { envelope } = await governed.sign(write('src/x.txt'), tree);
    const text = Buffer.from(fromBase64(envelope.payload as string)).toString();
    const retargeted = { ...envelope, payload: base64(utf8(text.replaceAll('src/x.txt', 'src/a.txt'))) };
    for (const forged of [strange, posing, late.envelope, retargeted, { ...envelope, signatures: [] }])
      expect(await admin.apply(forged as Json)).toMatchObject({
        status: 400,
        body: { code: expect.stringMatching(/^(?:SIGNATURE|ENVELOPE)_INVALID$/) },
      });
    expect(await admin.apply(envelope, { manifest: write('src/y.txt') })).toMatchObject(
      refused(400, 'MANIFEST_MISMATCH'),
    );
    const expired = { expires: Date.now() - 1 };
    expect(await applied(write('src/x.txt'), expired)).toMatchObject(refused(403, 'CHANGE_EXPIRED'));
    const elsewhere = { base: '0'.repeat(64) };
    expect(await applied(write('src/x.txt'), elsewhere)).toMatchObject(refused(409, 'STALE_BASE'));
    for (const policy of [{ version: 2 }, { digest: '1'.repeat(64) }])
      expect(await applied(write('src/x.txt'), { policy })).toMatchObject(refused(409, 'POLICY_MISMATCH'));
    expect((await admin.tree()).tree).toEqual(tree.tree);
  });

  it('takes nothing too large', async () => {
    const large = change({ 'src/large.txt': 'x'.repeat(2 ** 16 + 1) });
    await expect(applied(large)).rejects.toMatchObject({ code: 'MANIFEST_INVALID' });
    const { envelope } = await governed.sign(write('src/x.txt'), await admin.tree());
    const grown = { ...envelope, payload: base64(new Uint8Array(2 ** 20)) };
    expect(await admin.apply(grown)).toMatchObject({ status: 400 });
    const huge = { status: 413, body: { code: 'BODY_TOO_LARGE' } };
    const body = JSON.stringify({ signed_envelope: 'x'.repeat(2 ** 23) });
    expect(await admin.ask('POST', '/v1/apply', body).catch(() => huge)).toMatchObject(huge);
  });

  it('applies nothing while it is stopped, and says so to whoever asks', async () => {
    const { envelope } = await governed.sign(write('src/x.txt'), await admin.tree());
    expect(await admin.ask('POST', '/v1/kill', { reason: 'a bad day' })).toMatchObject({ status: 200 });
    expect(await admin.apply(envelope)).toMatchObject(refused(503, 'KILLED'));
    expect(await admin.ask('GET', '/readyz')).toMatchObject({
      status: 503,
      body: { status: 'not_ready', kill_switch: { active: true, reason: 'a bad day' } },
    });
    expect(await admin.ask('GET', '/livez')).toMatchObject({ status: 200 });
    expect(await admin.ask('POST', '/v1/revive', { reason: 'mended' })).toMatchObject({ status: 200 });
    expect(await admin.apply(envelope)).toMatchObject({ status: 200 });
    const kinds = (await admin.audit()).map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === 'killed' || kind === 'revived')).toEqual(['killed', 'revived']);
  });

  it('shows what tests said to who asked for it, and keeps it nowhere', async () => {
    const before = await admin.tree();
    const failed = await applied(write('src/y.txt', [`echo ${SAID_BY_TESTS}; exit 3`.replace('by', 'b""y')]));
    expect(failed).toMatchObject({
      ...refused(422, 'TESTS_FAILED'),
      body: { sandbox_result: { rc: 3, stdout: expect.stringContaining(SAID_BY_TESTS) } },
    });
    expect((await admin.tree()).tree).toEqual(before.tree);
  });

  it('gives tests neither a network, nor what is not theirs, nor longer than the policy does', async () => {
    const before = await admin.tree();
    let connected = 0;
    const server: Server = createServer((socket) => {
      connected += 1;
      socket.destroy();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const reaching = [
      `bash reach.sh ${port}`,
      `cat ${governed.keys}/ed25519.default.sk`,
      `cat ${governed.tree}/src/a.txt`,
      'cat .safeai/journal',
      'env | grep -q SAFEAI',
    ];
    for (const test of reaching)
      expect([test, (await applied(write('src/y.txt', [test]))).body.code]).toEqual([test, 'TESTS_FAILED']);
    server.close();
    expect(connected).toBe(0);
    expect(await applied(write('src/y.txt', ['sleep 30']))).toMatchObject({
      ...refused(422, 'TESTS_FAILED'),
      body: { sandbox_result: { rc: 124, timed_out: true } },
    });
    expect((await admin.tree()).tree).toEqual(before.tree);
  });

  it('leaves alone what is no part of the tree, and leads nowhere else', async () => {
    mkdirSync(join(governed.tree, '.git'), { recursive: true });
    const outside = join(governed.root, 'outside');
    mkdirSync(outside);
    symlinkSync(outside, join(governed.tree, 'src/link'));
    const named = {
      git_folder: ['.git/config', '.GIT/hooks/pre-commit'],
      governor_folder: ['.safeai/journal/x'],
      links: ['src/link/x', 'src/link'],
      path_form: ['con', 'src/x ', 'src/a\\..\\b'],
      collisions: ['SRC/a.txt', 'src/A.txt'],
    };
    for (const [rule, paths] of Object.entries(named))
      for (const path of paths) {
        const { body } = await applied(write(path));
        expect([path, body.code, body.blocked_paths]).toEqual([path, 'CHANGE_BLOCKED', [path]]);
        const plan = (await admin.ask('POST', '/v1/policy/plan', write(path))).body as {
          rules: readonly Json[];
        };
        expect(plan.rules.filter((each) => each.verdict === 'blocked').map((each) => each.rule)).toContain(
          rule,
        );
      }
    for (const path of ['../x', 'src/../../x', '/etc/x', 'src//x', ''])
      expect(await admin.ask('POST', '/v1/policy/plan', write(path))).toMatchObject({ status: 400 });
    expect([readdirSync(outside), readdirSync(join(governed.tree, '.git'))]).toEqual([[], []]);
  });

  it('lets no secret in, and repeats it nowhere', async () => {
    const manifest = change({ 'src/config.ts': `export const accessKey = '${SECRET}';\n` });
    const blocked = await applied(manifest);
    expect(blocked).toMatchObject({ ...refused(403, 'CHANGE_BLOCKED'), body: { verdict: 'blocked' } });
    const planned = await admin.ask('POST', '/v1/policy/plan', manifest);
    expect(planned).toMatchObject({ status: 200, body: { verdict: 'blocked' } });
    for (const { text } of [blocked, planned]) expect(holds(text, SECRET)).toBe(false);
  });

  it('applies nothing under a policy that was there before, until it is mended', async () => {
    const { policy } = await admin.tree();
    governed.policy('version: 2', 'deny_paths: [secret/]');
    expect(await applied(write('src/under-2.txt'))).toMatchObject({ status: 200 });
    const back = [
      ['version: 1'],
      ['version: 2'],
      ['version: 2', 'max_files_per_manifest: 7'],
      ['version: 3'],
    ];
    for (const lines of back) {
      governed.policy(...lines);
      const { envelope } = await governed.sign(write('src/back.txt'), { ...(await admin.tree()), policy });
      expect([lines, (await admin.apply(envelope)).body.code]).toEqual([lines, 'POLICY_ROLLBACK']);
    }
    const tree = await admin.tree();
    expect(tree).toMatchObject({ policy: null, can_apply: false });
    const unfit = await eventually(
      () => admin.ask('GET', '/health'),
      ({ status }) => status === 503,
    );
    expect(unfit.text).toContain('expected a policy after version 2');
    governed.policy('version: 3', 'restores: 1');
    await eventually(
      () => admin.ask('GET', '/health'),
      ({ status }) => status === 200,
    );
    expect(await applied(write('src/restored.txt'))).toMatchObject({ status: 200 });
    const adopted = (await admin.audit()).filter(({ kind }) => kind === 'policy-adopted');
    expect(adopted.map((line) => (line.policy as { version: number }).version)).toEqual([1, 2, 3]);
  });

  it('leaves what it may not keep nowhere, and an audit that holds', async () => {
    expect(await admin.ask('GET', '/v1/audit/verify')).toMatchObject({ body: { valid: true, error: null } });
    const audit = JSON.stringify(await admin.audit());
    const { text: metrics } = await admin.ask('GET', '/metrics');
    expect(metrics).toContain('safeai_policy_blocks_total{reason="secrets"}');
    expect(await service.stop()).toEqual({ code: 0, signal: null });
    for (const value of [SAID_BY_TESTS, SECRET]) {
      expect(filesWith(governed.root, value)).toEqual([]);
      for (const text of [audit, metrics, service.out.text, service.err.text])
        expect(holds(text, value)).toBe(false);
    }
  });
});
