import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeCrypto, openKeyRing, signCheckpoint } from '@provability-fabric/evidence';
import { leafHash, treeRoot } from '@provability-fabric/kernel';
import type { Database } from '@provability-fabric/storage';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ORIGIN } from '../evidence/data-folder.fixture.ts';
import { LEDGER, startTestLedger, type TestLedger } from './ledger.fixture.ts';
import { requireLedgerKeys } from './ledger-keys.ts';
import { type LedgerVerification, verifyLedger } from './verify-ledger.ts';

let ledger: TestLedger;
beforeAll(async () => {
  ledger = await startTestLedger();
});
afterAll(() => ledger?.stop());

interface Verified extends LedgerVerification {
  readonly verified: boolean;
}

async function verify(...options: string[]): Promise<{ code: number; said: Verified }> {
  const { code, out, err } = await ledger.pfctl(['ledger', 'verify', '--format', 'json', ...options]);
  if (out === '') throw new Error(err);
  return { code, said: JSON.parse(out) };
}

describe('ledger verify', () => {
  test('finds nothing wrong with what a fabric shipped', async () => {
    const { code, said } = await verify('--heads');
    expect(said).toMatchObject({ verified: true, origin: LEDGER, erased: 0, sessions: 10, findings: [] });
    expect(said.size).toBeGreaterThan(300);
    expect(said.statements).toBe(said.size);
    expect(said.heads).toBeGreaterThanOrEqual(2);
    expect(said.unchecked).toEqual([]);
    expect(code).toBe(0);
    const { out } = await ledger.pfctl(['ledger', 'verify']);
    expect(out).toMatch(/^checkpoint: +test\.example\/log\/ledger, size \d+, root [0-9a-f]{64}\n/);
    expect(out).toMatch(/\nheads: +not checked \(--heads\)\nverified\n$/);
  });
});

describe('ledger verify, of a database that somebody wrote to', () => {
  afterEach(() => ledger.restore());

  const statement = 'log_index = 17';
  const changed = `set_byte(envelope, 30, get_byte(envelope, 30) # 1)`;

  test.each([
    ['a changed envelope', `update pf.statements set envelope = ${changed} where ${statement}`],
    [
      'a changed salt',
      `update pf.statements set salt = set_byte(salt, 0, get_byte(salt, 0) # 1) where ${statement}`,
    ],
    ['a deleted row', `delete from pf.statements where ${statement}`],
    [
      'two rows that changed places',
      `
       update pf.statements set log_index = -5 where log_index = 17;
       update pf.statements set log_index = 17 where log_index = 18;
       update pf.statements set log_index = 18 where log_index = -5`,
    ],
    ...['tenant', 'session', 'type', 'principal', 'id', 'verdict'].map((column) => [
      `a row with another ${column}`,
      `update pf.statements set ${column} = 'other' where log_index =
         (select log_index from pf.statements where verdict is not null and seq > 1 order by 1 limit 1 offset 5)`,
    ]),
    [
      'a principal that is not found any more',
      `update pf.statements set principal = null where log_index =
        (select log_index from pf.statements where principal is not null order by 1 limit 1)`,
    ],
    ['a row with another time', `update pf.statements set issued_at = issued_at + 1 where ${statement}`],
  ])('names the statement: %s', async (_, tampering) => {
    await ledger.tamper(tampering);
    const { code, said } = await verify();
    expect(code).toBe(1);
    expect(said.verified).toBe(false);
    expect(said.findings.filter(({ code }) => code === 'STATEMENT')).not.toEqual([]);
    expect(said.findings.filter(({ code }) => code === 'ROOT' || code === 'TILE')).toEqual([]);
  });

  test('says which statement it is, and whose', async () => {
    await ledger.tamper(`update pf.statements set envelope = ${changed} where ${statement}`);
    const { out, code } = await ledger.pfctl(['ledger', 'verify']);
    expect(code).toBe(1);
    expect(out).toMatch(
      /\nSTATEMENT {2}entry 17 \((acme|globex)\/s\d seq \d+\): it is not the statement that was logged/,
    );
    expect(out).toMatch(/\nverified false\n$/);
  });

  const flipped = 'hashes = set_byte(hashes, 40, get_byte(hashes, 40) # 1)';
  test.each([
    ['tile entries/0', `update pf.tiles set ${flipped} where level = -1 and tile = 0`],
    ['tile entries/1', `update pf.tiles set hashes = substring(hashes for 32) where level = -1 and tile = 1`],
    ['tile 0/0', `update pf.tiles set ${flipped} where level = 0 and tile = 0`],
    ['tile 0/1', `delete from pf.tiles where level = 0 and tile = 1`],
    [
      'tile 1/0',
      `update pf.tiles set hashes = set_byte(hashes, 3, get_byte(hashes, 3) # 1) where level = 1 and tile = 0`,
    ],
    ['tile 1/0', `delete from pf.tiles where level = 1`],
  ])('names the tile: %s', async (tile, tampering) => {
    await ledger.tamper(tampering);
    const { code, said } = await verify();
    expect(code).toBe(1);
    expect(said.findings).toEqual([expect.objectContaining({ code: 'TILE', where: tile })]);
  });

  test('a statement exchanged together with its tiles leads to another root than was signed', async () => {
    await ledger.tamper(`
      with kept as (select salt, envelope from pf.statements where log_index = 18)
      update pf.statements s set salt = kept.salt, envelope = kept.envelope from kept where s.log_index = 17;
      update pf.tiles set hashes = overlay(hashes placing substring(hashes from 18 * 32 + 1 for 32) from 17 * 32 + 1)
        where tile = 0 and level in (-1, 0)`);
    const { said } = await verify();
    expect(said.findings.map(({ code, where }) => `${code} ${where.slice(0, 9)}`).sort()).toEqual([
      'ROOT checkpoin',
      'STATEMENT entry 17 ',
      'TILE tile 1/0',
    ]);
  });

  test('a note by another key, another size or root beside it, and rows that nobody signed for are named', async () => {
    for (const [tampering, wrong] of [
      [
        `update pf.log_state set checkpoint = replace(checkpoint, '${LEDGER}', 'other.example/ledger')`,
        'CHECKPOINT',
      ],
      [
        'update pf.log_state set checkpoint = overlay(checkpoint placing $$AAAA$$ from length(checkpoint) - 9)',
        'CHECKPOINT',
      ],
      ['update pf.log_state set size = size - 1', 'CHECKPOINT'],
      [`update pf.log_state set root = sha256(root)`, 'CHECKPOINT'],
      [`update pf.log_state set origin = 'other'`, 'CHECKPOINT'],
      [
        `insert into pf.statements (log_index, digest, tenant, type, issued_at, writer)
           values (100000, sha256('x'), 'acme', 'head', 1, 'w')`,
        'STATEMENT',
      ],
    ] as const) {
      await ledger.tamper(tampering);
      const { code, said } = await verify();
      expect({ code, findings: said.findings.map(({ code }) => code) }, tampering).toEqual({
        code: 1,
        findings: [wrong],
      });
      expect((await ledger.pfctl(['ledger', 'status'])).code, tampering).toBe(1);
      await ledger.restore();
    }
  });

  test('everything taken away leaves the checkpoint, and is named as one gap', async () => {
    await ledger.tamper('delete from pf.statements; delete from pf.tiles');
    const { code, said } = await verify();
    expect(code).toBe(1);
    const whole = { code: 'STATEMENT', where: `entries 0 to ${said.size - 1}`, message: 'they are missing' };
    expect(said.findings).toContainEqual(whole);
    expect(said.findings.map(({ code }) => code)).toContain('ROOT');
    // A size that nobody signed is nobody's reason to read for ever.
    await ledger.tamper(`update pf.log_state set size = 9007199254740991, checkpoint = 'none'`);
    expect((await verify()).said).toMatchObject({ size: 0, verified: false });
  });

  test.each([
    ['that ends early', `seq = seq - 1`],
    ['that ends late', `seq = seq + 1`],
    ['with another end', `digest = sha256(digest)`],
  ])("the ledger's record of a session %s is named", async (_, change) => {
    await ledger.tamper(`update pf.sessions set ${change} where tenant = 'acme' and session = 's1'`);
    const { code, said } = await verify();
    expect(code).toBe(1);
    expect(said.findings).toEqual([expect.objectContaining({ code: 'SESSION', where: 'session acme/s1' })]);
  });

  test('a session without its record, and a record without its session, are named', async () => {
    await ledger.tamper(`
      delete from pf.sessions where tenant = 'acme' and session = 's1';
      insert into pf.sessions (tenant, session, seq, digest) values ('acme', 'made-up', 3, sha256('x'))`);
    const { said } = await verify();
    expect(said.findings.map(({ where }) => where).sort()).toEqual([
      'session acme/made-up',
      'session acme/s1',
    ]);
  });

  test("a writer's position beyond what is there is named", async () => {
    await ledger.tamper('update pf.writers set position = position + 1');
    const { said } = await verify();
    expect(said.findings).toEqual([expect.objectContaining({ code: 'WRITER' })]);
  });

  test('what was erased by its rules is counted, and is no finding', async () => {
    await ledger.tamper(`alter table pf.statements enable trigger refuse_rewriting`);
    expect(
      (await ledger.pfctl(['ledger', 'erase', '--tenant', 'globex', '--statements', '--yes'])).code,
    ).toBe(0);
    const { code, said } = await verify('--heads');
    await ledger.tamper(`alter table pf.statements disable trigger refuse_rewriting`);
    expect({ code, findings: said.findings }).toEqual({ code: 0, findings: [] });
    expect(said.erased).toBeGreaterThan(50);
  });
});

describe('ledger verify against what was kept', () => {
  afterEach(() => ledger.restore());

  test('a ledger that went back, or has another past, does not continue what was kept', async () => {
    const keep = async (size: number, root?: Uint8Array) => {
      const { ring, leaves } = await past();
      const tree = { origin: LEDGER, size, root: root ?? treeRoot(nodeCrypto(), leaves.slice(0, size)) };
      const path = join(ledger.root, 'kept-checkpoint');
      writeFileSync(path, signCheckpoint(ring.ledgerSigner(), tree));
      return path;
    };
    const { size } = (await verify()).said;
    for (const kept of [0, 1, 256, 300, size])
      expect((await verify('--since', await keep(kept))).code, `${kept}`).toBe(0);
    for (const [kept, root] of [
      [size + 1, new Uint8Array(32)],
      [300, new Uint8Array(32)],
      [size, new Uint8Array(32)],
    ] as const) {
      const { code, said } = await verify('--since', await keep(kept, root));
      expect({ code, findings: said.findings.map(({ code }) => code) }).toEqual({
        code: 1,
        findings: ['SINCE'],
      });
    }
    const path = join(ledger.root, 'kept-checkpoint');
    writeFileSync(path, 'none');
    const refused = await ledger.pfctl(['ledger', 'verify', '--since', path]);
    expect(refused).toMatchObject({ code: 3, out: '' });
    expect(refused.err).toMatch(/expected a checkpoint of test\.example\/log\/ledger with --since/);
  });

  test('what is appended while it reads is no finding', async () => {
    const keys = await requireLedgerKeys(nodeCrypto(), join(ledger.data, 'keys'));
    let transactions = 0;
    const growing: Database = {
      ...ledger.database,
      async transaction(...call) {
        const answer = await ledger.database.transaction(...call);
        if (++transactions === 2) await ledger.append(['s1', 'a-new-one']);
        return answer as never;
      },
    };
    const { size } = (await verify()).said;
    const result = await verifyLedger({
      database: growing,
      keys,
      heads: true,
      progress: () => ({ at: () => undefined, done: () => undefined }),
    });
    expect(result).toMatchObject({ size, findings: [], unchecked: [] });
    expect((await verify('--heads')).said).toMatchObject({ size: size + 2, findings: [] });
    // By now in more than one batch.
    await ledger.append(Array.from({ length: 2_500 }, (_, n) => `batch-${n}`));
    const { said } = await verify();
    expect(said).toMatchObject({ size: size + 2_502, sessions: 2_511, findings: [] });
    await ledger.tamper('delete from pf.statements where log_index in (2047, 2048)');
    const gap = expect.objectContaining({ where: 'entries 2047 to 2048', message: 'they are missing' });
    expect((await verify()).said.findings).toContainEqual(gap);
  });

  test('keys of another ledger do not do, and without any it cannot be checked', async () => {
    const { code, err } = await ledger.pfctl(['ledger', 'verify', '--keys', ledger.root]);
    expect(code).toBe(4);
    expect(err).toMatch(/expected the ledger's verifier key/);
    const other = await otherKeys();
    expect((await verify('--keys', other)).said.findings[0]).toMatchObject({ code: 'CHECKPOINT' });
    rmSync(other, { recursive: true });
  });

  test('heads show a session of which the ledger got nothing, by the key that signed them', async () => {
    const session = `tenant = 'acme' and session = 's4'`;
    // The sequencer that drops a session signs for what is left: only the heads still count it.
    const { said } = await verify('--heads');
    expect(said.heads).toBeGreaterThanOrEqual(2);
    await ledger.tamper(`update pf.statements set session = null, seq = null where ${session};
      delete from pf.sessions where ${session}`);
    const { code, said: now } = await verify('--heads');
    expect(code).toBe(1);
    expect(now.findings.filter(({ code }) => code === 'HEAD').map(({ message }) => message)).toEqual([
      expect.stringMatching(/^it counts \d+ statements of [0-9a-f]{32}, the ledger has \d+ before it$/),
      'it counts 10 sessions, the ledger has 9 of them',
    ]);
  });

  test('heads by a key that is not at hand, and none at all, cannot be checked', async () => {
    const folder = await otherKeys('without evidence keys');
    const { code, said } = await verify('--heads', '--keys', folder);
    expect({ code, findings: said.findings }).toEqual({ code: 4, findings: [] });
    expect(said.unchecked).toEqual([
      { what: 'heads: signed by a key that is not at hand', count: expect.any(Number) },
    ]);
    rmSync(folder, { recursive: true });
  });
});

async function past() {
  const ring = await openKeyRing(join(ledger.data, 'keys'), { origin: ORIGIN, create: false });
  const rows = await ledger.database.transaction('pf_auditor', (tx) =>
    tx.query<{ leaf: Buffer }>(
      'select sha256(salt || envelope) as leaf from pf.statements order by log_index',
    ),
  );
  return { ring, leaves: rows.map(({ leaf }) => leafHash(nodeCrypto(), new Uint8Array(leaf))) };
}

/** A folder with keys: of another ledger, or of this one without those of its fabrics. */
async function otherKeys(kind: 'of another' | 'without evidence keys' = 'of another'): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'pfctl-keys-'));
  if (kind === 'of another') {
    await openKeyRing(folder, { origin: ORIGIN, create: true });
    return folder;
  }
  for (const name of readdirSync(join(ledger.data, 'keys')).filter((file) => /^ledger\..+\.vk$/.test(file)))
    writeFileSync(join(folder, name), readFileSync(join(ledger.data, 'keys', name)));
  return folder;
}
