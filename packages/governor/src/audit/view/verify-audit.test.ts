import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { base64, canonicalBytes, fromBase64 } from '@provability-fabric/kernel';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  changeEvent,
  crypto,
  forger,
  KEYS,
  pause,
  TENANT,
  type TestTrail,
  trailOn,
} from '../audit.fixture.ts';
import { type AuditRecord, auditLine, rootAfter } from '../audit-record.ts';
import type { ChangeSource } from '../change-source.ts';
import { pythonJson } from '../python-json.ts';
import { openAuditView } from './audit-view.ts';
import { restoreAudit } from './restore-audit.ts';
import { verifyAudit } from './verify-audit.ts';

let folder = '';
let path = '';
let made: TestTrail;
let whole: readonly string[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pf-audit-'));
  path = join(folder, 'audit.log');
  made = trailOn(undefined, { sessionLength: 4 });
  await Promise.all(Array.from({ length: 6 }, () => made.trail.record(changeEvent())));
  whole = await viewOf(made.source, path);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** The lines of a view of that source. */
async function viewOf(source: ChangeSource, at: string): Promise<readonly string[]> {
  const view = await openAuditView({ path: at, source, crypto, tenant: TENANT, keys: () => KEYS, pause });
  await view.catchUp();
  await view.close();
  return (await readFile(at, 'utf8')).split('\n').slice(0, -1);
}

/** `null`: with the ledger gone. */
async function verifying(lines: readonly string[], source: ChangeSource | null = made.source) {
  await writeFile(path, lines.map((line) => `${line}\n`).join(''));
  return verifyAudit({ path, source: source ?? undefined, crypto, tenant: TENANT, keys: KEYS, pause });
}

const recordIn = (line: string): AuditRecord => JSON.parse(line);

/** A chain that somebody without the key made whole again after a change: every root fits the line before. */
function rechained(
  lines: readonly string[],
  change: (record: AuditRecord) => Partial<AuditRecord>,
): string[] {
  let root = recordIn(lines[0] as string).merkle_root;
  return lines.map((line, place) => {
    if (place === 0) return line;
    const given = { ...recordIn(line), prev_root: root };
    const { merkle_root: _, ...rest } = { ...given, ...change(given) };
    root = rootAfter(crypto, root, rest as never);
    return auditLine({ ...rest, merkle_root: root });
  });
}

describe('verifying the audit log', () => {
  it('finds any flipped bit, wherever it is', async () => {
    const bytes = await readFile(path);
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.nat(7), async (at, bit) => {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] as number) ^ (1 << bit);
        await writeFile(path, changed);
        const options = { path, crypto, tenant: TENANT, keys: KEYS, pause };
        expect((await verifyAudit({ ...options, source: made.source })).valid).toBe(false);
      }),
      { numRuns: 100 },
    );
  });

  it('says how far it is behind where lines are cut off, and that it is empty or missing', async () => {
    for (const kept of [1, 3, 6])
      expect(await verifying(whole.slice(0, kept))).toMatchObject({
        valid: false,
        error: `${7 - kept} behind`,
        behind: 7 - kept,
        problems: [],
      });
    await writeFile(path, (await readFile(path, 'utf8')).slice(0, -5));
    expect(await verifying([])).toMatchObject({
      valid: false,
      behind: 6,
      error: expect.stringContaining('empty'),
    });
    await rm(path);
    const options = { path, source: made.source, crypto, tenant: TENANT, keys: KEYS, pause };
    expect(await verifyAudit(options)).toMatchObject({
      valid: false,
      error: expect.stringContaining('there is none'),
    });
  });

  it('counts an incomplete line as not there yet', async () => {
    await verifying(whole.slice(0, 6));
    await appendFile(path, (whole[6] as string).slice(0, 100));
    const options = { path, source: made.source, crypto, tenant: TENANT, keys: KEYS, pause };
    expect(await verifyAudit(options)).toMatchObject({ valid: false, error: '1 behind' });
  });

  it('finds lines that were exchanged, left out, repeated or edited, with and without what is on record', async () => {
    const [genesis, a, b, c, d, e, f] = whole as [string, string, string, string, string, string, string];
    const edited = (line: string, change: Partial<AuditRecord>) =>
      auditLine({ ...recordIn(line), ...change });
    for (const source of [made.source, null]) {
      const problem = async (...lines: string[]) => (await verifying(lines, source)).problems.join('\n');
      expect(await problem(genesis, b, a, c, d, e, f)).toContain('out of order');
      expect(await problem(genesis, a, c, d, e, f)).toContain('expected record 1, came record 2');
      expect(await problem(genesis, a, a, b, c, d, e, f)).toContain('expected record 1, came record 0');
      expect(await problem(genesis, edited(a, { principal: 'mallory' }), b, c, d, e, f)).toContain(
        '`principal`',
      );
      expect(await problem(genesis, edited(a, { applied: false }), b, c, d, e, f)).toContain('`applied`');
      expect(await problem(genesis, edited(a, { merkle_root: '0'.repeat(64) }), b, c, d, e, f)).toContain(
        'root`',
      );
      expect(await problem(genesis, a.replace(': ', ':'), b, c, d, e, f)).toContain('exact bytes');
      expect(await problem(genesis, a, 'nonsense', c, d, e, f)).toContain('line 3: expected one JSON object');
      expect(await problem(a, b, c, d, e, f)).toContain('expected the genesis');
      expect(await problem(genesis.replace('21d2', '21d3'), a, b, c, d, e, f)).toContain('genesis');
      expect(await problem(genesis, genesis, a, b, c, d, e, f)).toContain('one genesis');
    }
  });

  it('finds what was edited with all roots computed anew: the signed statement says otherwise', async () => {
    const found = await verifying(
      rechained(whole, ({ index }) => (index === 2 ? { principal: 'mallory' } : {})),
      null,
    );
    expect(found.problems).toEqual([expect.stringContaining('expected `principal` as the signed statement')]);
    const swapped = [0, 1, 3, 2, 4, 5, 6].map((place) => whole[place] as string);
    let at = -1;
    const renumbered = rechained(swapped, () => ({ index: ++at }));
    expect((await verifying(renumbered, null)).problems.join()).toContain(
      'does not follow the one before it in its chain',
    );
    expect((await verifying(renumbered)).problems.join()).toContain('not what was put on record');
  });

  it('finds a statement that another key signed, or another tenant’s, or another log’s', async () => {
    const forged = trailOn(undefined, { signer: forger });
    await forged.trail.record(changeEvent());
    const lines = await viewOf(forged.source, join(folder, 'forged.log'));
    expect((await verifying(lines, null)).problems.join()).toMatch(/signature|key/i);
    const others = trailOn(undefined, { tenant: 'globex' });
    await others.trail.record(changeEvent());
    expect(
      (await verifying(await viewOf(others.source, join(folder, 'others.log')), null)).problems.join(),
    ).toContain("another's");
    const elsewhere = trailOn(undefined, { logId: 'cd'.repeat(16) });
    await elsewhere.trail.record(changeEvent());
    const foreign = await viewOf(elsewhere.source, join(folder, 'elsewhere.log'));
    expect((await verifying(foreign, null)).problems).toEqual([]);
    expect((await verifying(foreign)).problems.join()).toContain('not what was put on record');
  });

  it('finds a signature that was taken from another line', async () => {
    const envelopeOf = (line: string) =>
      JSON.parse(Buffer.from(fromBase64(recordIn(line).statement)).toString());
    const other = envelopeOf(whole[2] as string).signatures;
    const changed = rechained(whole, (record) =>
      record.index === 0
        ? { statement: base64(canonicalBytes({ ...envelopeOf(auditLine(record)), signatures: other })) }
        : {},
    );
    expect((await verifying(changed, null)).problems).toHaveLength(1);
  });

  it('finds a line more than is on record, once it has looked again for what came meanwhile', async () => {
    let shown = 5;
    const late: ChangeSource = {
      ...made.source,
      async *from(index) {
        for await (const change of made.source.from(index)) if (change.index < shown) yield change;
      },
      count: async () => Math.min(shown, 6),
      refresh: async () => {
        shown += 1;
      },
    };
    expect(await verifying(whole, late)).toMatchObject({ valid: true });
    shown = 5;
    const never = { ...late, refresh: async () => undefined };
    expect((await verifying(whole, never)).problems.join()).toContain('lines more than there may be');
  });

  it('finds nothing where nothing is wrong, also beside several logs in one order', async () => {
    expect(await verifying(whole)).toMatchObject({
      valid: true,
      error: null,
      records: 6,
      behind: 0,
      current_root: recordIn(whole[6] as string).merkle_root,
    });
    const other = trailOn(undefined, { logId: 'cd'.repeat(16), sessionLength: 2 });
    await Promise.all([1, 2, 3].map(() => other.trail.record(changeEvent())));
    const both: { envelope: Uint8Array; record: Uint8Array | null }[] = [];
    for (const entry of [0, 1, 2].flatMap((i) => [made.journal.entries[i], other.journal.entries[i]]))
      if (entry !== undefined) both.push({ envelope: entry.envelope, record: entry.record });
    const merged: ChangeSource = {
      async *from(index) {
        for (const [place, entry] of both.entries()) if (place >= index) yield { index: place, ...entry };
      },
      count: async () => both.length,
      changed: () => () => undefined,
    };
    const lines = await viewOf(merged, join(folder, 'merged.log'));
    expect(await verifying(lines, merged)).toMatchObject({ valid: true, records: 6 });
  });
});

/** The original's check, from its description: each root is over the root before and the record without its own. */
const ORIGINAL = `
import hashlib, json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
root = lines[0]["merkle_root"]
assert root == hashlib.sha256(b"SAFEAI_GENESIS_2025").hexdigest(), "genesis"
for number, record in enumerate(lines[1:]):
    said = record.pop("merkle_root")
    assert record["prev_root"] == root, "prev_root of %d" % number
    root = hashlib.sha256((root + json.dumps(record, sort_keys=True)).encode()).hexdigest()
    assert said == root, "merkle_root of %d" % number
print(len(lines) - 1, root)
`;
const python = spawnSync('python3', ['--version']).status === 0 || process.env.CI === 'true';

describe.skipIf(!python)('the original’s own check in Python (python3 where it is)', () => {
  const check = () => spawnSync('python3', ['-c', ORIGINAL, path], { encoding: 'utf8' });

  it('refuses ours where a line was edited', async () => {
    await writeFile(path, `${whole.join('\n').replace('alice', 'mallory')}\n`);
    expect(check()).toMatchObject({ status: 1, stderr: expect.stringContaining('merkle_root of 0') });
  });

  it('takes ours, whatever names and texts are in it', async () => {
    const odd = '\u00e4\u20ac\u{1F600}"\\/<\u007f\ufffd';
    await made.trail.record(changeEvent({ principal: odd, detail: odd }));
    const lines = await viewOf(made.source, path);
    const { status, stdout } = check();
    expect([status, stdout.trim()]).toEqual([0, `7 ${recordIn(lines[7] as string).merkle_root}`]);
  });

  it('writes JSON as ours does, for any text, number and nesting', () => {
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        { maxDepth: 3 },
        fc.string({ unit: 'binary' }),
        fc.maxSafeInteger(),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie('any'), { maxLength: 4 }),
        fc.dictionary(fc.stringMatching(/^[a-zA-Z_]{1,8}$/), tie('any'), { maxKeys: 4 }),
      ),
    })).any;
    const values = fc.sample(value, { numRuns: 200, seed: 7 });
    const dump = 'import json,sys\nfor v in json.load(sys.stdin): print(json.dumps(v, sort_keys=True))';
    const { stdout } = spawnSync('python3', ['-c', dump], {
      input: JSON.stringify(values),
      encoding: 'utf8',
    });
    expect(values.map((one) => pythonJson(one as never))).toEqual(stdout.split('\n').slice(0, -1));
  });
});

describe('restoring the audit log', () => {
  const restore = (file: string, source: ChangeSource | undefined = made.source) =>
    restoreAudit({ file, path, source, crypto, tenant: TENANT, keys: KEYS, pause });

  async function backup(lines: readonly string[]): Promise<string> {
    const file = join(folder, 'backup');
    await writeFile(file, lines.map((line) => `${line}\n`).join(''));
    return file;
  }

  it('changes nothing for a backup that does not hold, or is of another history', async () => {
    const before = await readFile(path);
    const other = trailOn();
    await other.trail.record(changeEvent());
    const foreign = await viewOf(other.source, join(folder, 'foreign.log'));
    for (const lines of [[], whole.slice(1), [...whole.slice(0, 3), ...whole.slice(4)], foreign])
      await expect(restore(await backup(lines))).rejects.toMatchObject({ code: 'CHANGE_AUDIT_DAMAGED' });
    await expect(restore(join(folder, 'missing'))).rejects.toMatchObject({ code: 'CHANGE_AUDIT_DAMAGED' });
    expect(await readFile(path)).toEqual(before);
  });

  it('puts the backup in place and fills it up from what is on record', async () => {
    const file = await backup(whole.slice(0, 4));
    await appendFile(file, 'cut off');
    await writeFile(path, 'damaged beyond repair\n');
    await writeFile(`${path}.1.gz`, 'and so is this');
    const current_root = recordIn(whole[6] as string).merkle_root;
    expect(await restore(file)).toEqual({ records: 3, added: 3, compared: true, current_root });
    expect(await readFile(path, 'utf8')).toBe(`${whole.join('\n')}\n`);
    expect(await verifying(whole)).toMatchObject({ valid: true });
  });

  it('says that only chain and signatures were checked where nothing is on record here', async () => {
    const current_root = recordIn(whole[3] as string).merkle_root;
    const given = { file: await backup(whole.slice(0, 4)), path, crypto, tenant: TENANT, keys: KEYS, pause };
    const restored = await restoreAudit({ ...given, source: undefined });
    expect(restored).toEqual({ records: 3, added: 0, compared: false, current_root });
  });
});

it('the genesis root is that of the original', () => {
  const root = createHash('sha256').update('SAFEAI_GENESIS_2025').digest('hex');
  expect(recordIn(whole[0] as string).merkle_root).toBe(root);
  expect(root).toMatch(/^21d21549.*e8395$/);
});
