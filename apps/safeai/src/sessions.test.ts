import { temporaryFolders } from '@provability-fabric/command-line/testing';
import { lockDataFolder } from '@provability-fabric/evidence';
import type { Proposal } from '@provability-fabric/governor';
import { afterAll, describe, expect, it } from 'vitest';
import {
  APPLIED,
  FakeGovernance,
  HASH,
  PLAN,
  POLICY,
  ROOT,
  STATUS,
  TREE,
} from './fake-governance.fixture.ts';
import { safeai } from './terminal.fixture.ts';

const folders = temporaryFolders();
afterAll(() => folders.removeAll());

const MANIFEST = '{"version":"1.0.0"}';

describe('plan', () => {
  it('puts what blocks first, says where, and shows no escape sequence of a path', async () => {
    const ran = await safeai(['plan'], { stdin: MANIFEST, governance: new FakeGovernance() });
    expect(ran).toEqual({
      code: 1,
      err: '✗ Blocked by policy version 4 (121212121212): 1 reason\n',
      out:
        '  ✗ deny_paths  expected no path below `config/keys/` [config/keys/a\\u001b[2J]\n' +
        '  ✓ max_files   1 of at most 20 files\n' +
        '  - binary      no binary file\n',
    });
  });

  it('ends with 0 where the policy approves, and is JSON where that is asked for', async () => {
    const governance = new FakeGovernance();
    governance.plan = { ...PLAN, verdict: 'approved', reasons: [] };
    const ran = await safeai(['plan', '--json'], { stdin: MANIFEST, governance });
    expect({ ...ran, out: JSON.parse(ran.out) }).toEqual({ code: 0, err: '', out: governance.plan });
    expect(governance.came).toMatchObject([{ use: 'plan (look)', given: { version: '1.0.0' } }]);
    expect(governance.open_).toBe(0);
  });

  it('refuses what is no JSON, has a member twice, or is too long', async () => {
    const governance = new FakeGovernance();
    for (const stdin of ['', '{', '{"a":1,"a":2}', ' '.repeat(9 * 1024 * 1024)]) {
      const { code, err } = await safeai(['plan'], { stdin, governance });
      expect(code).toBe(1);
      expect(err).toMatch(/^✗ expected a manifest /);
    }
    expect(governance.came).toEqual([]);
  });
});

describe('apply and rollback', () => {
  it('of a folder that a service has say whom to ask', async () => {
    const folder = folders.make();
    const held = await lockDataFolder(folder, { now: Date.now });
    const governance = new FakeGovernance();
    try {
      governance.refusal = await lockDataFolder(folder, { now: Date.now }).then(
        () => new Error('the folder is free'),
        (error: Error) => error,
      );
    } finally {
      await held.release();
    }
    const { code, err } = await safeai(['apply'], { stdin: '{}', governance });
    expect(code).toBe(1);
    expect(err).toMatch(
      /^✗ data folder .* in use by pid .*; stop it, or ask it with --url \(FOLDER_IN_USE\)\n$/,
    );
  });

  it('say which rules block and what the tests wrote, without obeying it', async () => {
    const governance = new FakeGovernance();
    governance.refusal = Object.assign(new Error('expected all 1 tests to pass'), {
      name: 'ChangeRefused',
      code: 'TESTS_FAILED',
      facts: {
        plan: { reasons: ['one\u001b[2J'] },
        sandbox: { rc: 1, stdout: '1 failed\n\ttab\u0007', stderr: '' },
      },
    });
    const { code, out, err } = await safeai(['apply'], { stdin: '{}', governance });
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toBe(
      '✗ expected all 1 tests to pass (TESTS_FAILED)\n' +
        '  - one\\u001b[2J\n' +
        '--- stdout of the tests\n1 failed\n\ttab\\u0007\n',
    );
    expect(governance.open_).toBe(0);
  });

  it('pass on the manifest and the key that have to be the signed ones', async () => {
    const governance = new FakeGovernance();
    const folder = folders.make({ 'change.json': '{"payload":"x"}', 'm.json': MANIFEST });
    const args = ['apply', '-s', 'change.json', '-m', 'm.json', '--idempotency-key', 'k-1'];
    const ran = await safeai([...args, '--project-root', '/src', '--data-dir', '/data'], {
      directory: folder,
      governance,
    });
    expect(ran).toEqual({
      code: 0,
      err: '',
      out: `✓ Applied: ${HASH}\n  audit index: 3\n  merkle root: ${ROOT}\n`,
    });
    expect(governance.came).toMatchObject([
      {
        use: 'apply (change)',
        place: { dataDir: '/data', keysDir: '/data/keys', projectRoot: '/src' },
        given: {
          caller: { principal: 'alice', actor: 'cli' },
          request: {
            signed_envelope: { payload: 'x' },
            manifest: { version: '1.0.0' },
            idempotency_key: 'k-1',
          },
        },
      },
    ]);
  });

  it('take a change back by its hash or its index, and not by both or neither', async () => {
    const governance = new FakeGovernance();
    expect((await safeai(['rollback'], { governance })).err).toContain(
      'expected --hash or --index, came neither',
    );
    const both = await safeai(['rollback', '--hash', HASH, '--index', '0'], { governance });
    expect(both).toMatchObject({ code: 1, err: expect.stringContaining('came both') });
    expect((await safeai(['rollback', '--index', '0'], { governance })).out).toContain(
      `✓ Rolled back: ${HASH}\n`,
    );
    expect((await safeai(['rollback', '--hash', HASH, '--json'], { governance })).code).toBe(0);
    expect(governance.came.map(({ given }) => given)).toEqual([{ audit_index: 0 }, { manifest_hash: HASH }]);
  });
});

describe('audit', () => {
  it('fails where the file lags, where the chain is broken, and where both are so', async () => {
    const governance = new FakeGovernance();
    const finding = { valid: false, error: '3 behind', current_root: ROOT, behind: 3, problems: [] };
    for (const [found, err] of [
      [finding, '✗ Audit chain: 3 behind\n'],
      [{ ...finding, valid: true }, '✗ Audit chain: 3 behind\n'],
      [
        { ...finding, error: 'line 2: forged\u001b[2J', behind: 0 },
        '✗ Audit chain broken: line 2: forged\\u001b[2J\n',
      ],
      [
        { ...finding, error: 'line 2: forged', problems: ['line 2: forged', 'line 3: torn\u0007'] },
        '✗ Audit chain broken: line 2: forged\n  - line 3: torn\\u0007\n  - 3 behind\n',
      ],
      [{ ...finding, error: null, behind: 0, current_root: null }, '✗ Audit chain broken: no reason given\n'],
    ] as const) {
      governance.finding = found;
      expect(await safeai(['audit', '--verify'], { governance })).toEqual({ code: 1, out: '', err });
      const { code, out } = await safeai(['audit', '--verify', '--json'], { governance });
      expect({ code, valid: JSON.parse(out).valid }).toEqual({ code: 1, valid: false });
    }
  });

  it('is valid with its root', async () => {
    const ran = await safeai(['audit', '--verify'], { governance: new FakeGovernance() });
    expect(ran).toEqual({ code: 0, out: `✓ Audit chain valid\n  root: ${ROOT}\n`, err: '' });
  });

  it('is restored from a file, and says what could not be compared', async () => {
    const governance = new FakeGovernance();
    const ran = await safeai(['audit', 'restore', 'backup.log', '--data-dir', '/data'], {
      directory: '/tmp',
      governance,
    });
    expect(ran).toMatchObject({
      code: 0,
      out: `✓ Restored 7 records, and 2 more from the ledger\n  root: ${ROOT}\n`,
    });
    expect(ran.err).toContain('only chain and signatures');
    expect(governance.came).toMatchObject([{ given: '/tmp/backup.log', place: { dataDir: '/data' } }]);
  });
});

describe('kill', () => {
  it('needs a reason, and says what keeps the governor stopped', async () => {
    const governance = new FakeGovernance();
    expect((await safeai(['kill', 'on'], { governance })).err).toBe(
      '✗ expected --reason <text>, came none; --help shows how\n',
    );
    for (const reason of ['bad\u001b[2J', '', ' ', 'x'.repeat(201)])
      expect((await safeai(['kill', 'on', '--reason', reason], { governance })).err).toContain(
        '1 to 200 characters',
      );
    const on = await safeai(['kill', 'on', '--reason', 'bad deploy'], { governance });
    expect(on).toEqual({ code: 0, out: '✓ Kill switch on: bad deploy\n', err: '' });
    expect(await safeai(['kill', 'status'], { governance })).toMatchObject({
      code: 1,
      err: '✗ Kill switch on: bad deploy (sentinel)\n',
    });
    expect(await safeai(['kill', 'off'], { governance })).toMatchObject({
      code: 0,
      out: '✓ Kill switch off\n',
    });
    governance.killed = { ...governance.killed, active: true, env_enabled: false, sources: ['environment'] };
    const still = await safeai(['kill', 'off'], { governance });
    expect(still).toMatchObject({ code: 1, err: '✗ Kill switch still on: no reason given (environment)\n' });
    expect(governance.came.map(({ given }) => given)).toMatchObject([
      { reason: 'bad deploy', by: 'alice', at: 1_772_366_400_000 },
      { by: 'alice' },
      { by: 'alice' },
    ]);
    expect(governance.open_).toBe(0);
  });
});

describe('status, policy and token', () => {
  it('end with 1 where no change could be applied', async () => {
    const governance = new FakeGovernance();
    expect((await safeai(['status'], { governance })).code).toBe(0);
    governance.status = {
      ...STATUS,
      can_apply: false,
      policy: null,
      policy_problem: 'no file',
      problems: ['no policy'],
    };
    const ran = await safeai(['status'], { governance });
    expect(ran).toMatchObject({ code: 1, err: '✗ No change can be applied\n✗   no policy\n' });
    expect(ran.out).toContain('policy:        none: no file\n');
    expect(ran.out).toContain(`tree:          ${TREE} (2 files)\n`);
  });

  it('show the policy in the words of the engine', async () => {
    const { out } = await safeai(['policy', 'show'], { governance: new FakeGovernance() });
    expect(out).toBe(
      `digest:  ${POLICY.digest}\nversion: 4\ntier:    beta, safe mode\n\n` +
        '@id("deny_paths")\nforbid (principal, action, resource);\n',
    );
  });

  it('make a token that stands alone on standard output', async () => {
    const governance = new FakeGovernance();
    const args = ['token', 'create', '--sub', 'alice', '--role', 'operator', '--expires', '5m'];
    expect(await safeai(args, { governance })).toEqual({
      code: 0,
      out: 'a.b.c\n',
      err: 'token T-1 until 2026-03-01T12:05:00.000Z\n',
    });
    expect(governance.came).toMatchObject([
      { given: { subject: 'alice', role: 'operator', lifetimeMs: 300_000 } },
    ]);
  });
});

describe('proposals', () => {
  const proposal: Proposal = {
    hash: HASH,
    manifest: {
      version: '1.0.0',
      targets: ['src/a.ts'],
      edits: [{ path: 'src/a.ts', op: 'insert', start: 0, end: 0, text: 'one\n\u202etwo\n' }],
      diffs: [],
      files: [{ path: 'src/b', base: null, content: { text: 'x' }, mode: '100755' }],
      tests: ['npm test'],
      rationale: 'makes it\u001b[2J better',
      base_tree: TREE,
      policy: POLICY,
      expires_at: '2026-03-01T13:00:00.000Z',
      idempotency_key: 'k',
    },
    envelope: null,
    proposer: 'agent-1',
    at: 1_772_366_400_000,
    plan: PLAN,
    status: 'open',
    outcome: null,
  };

  it('are listed with what they are for, and shown with all that they write', async () => {
    const governance = new FakeGovernance();
    governance.found = [proposal];
    const list = await safeai(['proposals', 'list', '--status', 'open', '--limit', '5'], { governance });
    expect(list.out).toContain(
      `${HASH}  2026-03-01T12:00:00.000Z  agent-1   open    blocked  makes it\\u001b[2J better`,
    );
    const shown = await safeai(['proposals', 'show', HASH], { governance });
    expect(shown.out).toContain('signed by: nobody\n');
    expect(shown.out).toContain('src/a.ts: insert lines 0 to 0\n+ one\n+ \\u202etwo\n');
    expect(shown.out).toContain('src/b: written, mode 100755\n+ x\n');
    expect(governance.came.map(({ use, given }) => [use, given])).toEqual([
      ['proposals (look)', { limit: 5, status: 'open' }],
      ['proposal (look)', HASH],
    ]);
  });

  it('are approved by a hash, with an envelope or a key and not with both', async () => {
    const governance = new FakeGovernance();
    expect((await safeai(['proposals', 'approve', '../x'], { governance })).err).toContain('64 hex digits');
    const both = await safeai(['proposals', 'approve', HASH, '-s', '-', '--key-id', 'a'], { governance });
    expect(both.err).toContain('came both');
    expect(governance.came).toEqual([]);
    const ran = await safeai(['proposals', 'approve', HASH, '-s', '-', '--json'], {
      governance,
      stdin: '{}',
    });
    expect(JSON.parse(ran.out)).toEqual(APPLIED);
    expect(governance.came).toMatchObject([{ use: 'approve (change)', given: { hash: HASH, envelope: {} } }]);
  });
});
