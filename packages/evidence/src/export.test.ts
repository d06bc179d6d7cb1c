import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  asDigest,
  canonicalBytes,
  type Digest,
  digestJson,
  envelopeBytes,
  fromBase64,
  type JsonObject,
  leafHash,
  openEnvelope,
  openNote,
  parseCheckpoint,
  parseJsonBytes,
  utf8,
  verifyConsistencyForLog,
  verifyInclusion,
} from '@provability-fabric/kernel';
import {
  decodeStatement,
  type EvidenceExport,
  inputRoot,
  parseEvidenceExport,
  type Statement,
} from '@provability-fabric/statements';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exportEvidence } from './export.ts';
import type { FileLog } from './file-log/file-log.ts';
import { recordKeyPath } from './file-log/record-key.ts';
import { addAccess, addStatement, bundle } from './testing/add-statement.ts';
import { crypto, openTestLog, temporaryFolders, testKeys } from './testing/log-fixture.ts';

const folders = temporaryFolders();
afterAll(() => folders.removeAll());

const digest = digestJson(crypto, bundle);
const bundles = (asked: Digest): JsonObject => {
  expect(asked).toBe(digest);
  return bundle;
};
const zero = asDigest('0'.repeat(64));

/** What a verifier does, and nothing that the log says by itself. */
async function verifyExport(
  bytes: Uint8Array,
): Promise<{ evidence: EvidenceExport; statements: Statement[] }> {
  const { ring } = await testKeys();
  const evidence = parseEvidenceExport(parseJsonBytes(bytes));
  const { size, root } = parseCheckpoint(openNote(crypto, evidence.checkpoint, ring.logVerifiers()).text);
  const statements = evidence.entries.map(({ index, envelope, salt, inclusion, record }) => {
    const { payload } = openEnvelope(crypto, envelope, ring.evidenceKeys());
    const data = crypto.sha256(Buffer.concat([fromBase64(salt), envelopeBytes(envelope)]));
    const proof = inclusion.map(fromBase64);
    expect(verifyInclusion(crypto, { index, size, leaf: leafHash(crypto, data), proof, root })).toEqual({
      ok: true,
    });
    const statement = decodeStatement(envelope.payloadType, payload);
    if (record !== null) expect(inputRoot(crypto, record)).toBe(statement.input_root);
    return statement;
  });
  if (evidence.consistency !== null) {
    const old = parseCheckpoint(
      openNote(crypto, evidence.consistency.old_checkpoint, ring.logVerifiers()).text,
    );
    const proof = evidence.consistency.proof.map(fromBase64);
    const claim = { oldSize: old.size, newSize: size, oldRoot: old.root, newRoot: root, proof };
    expect(verifyConsistencyForLog(crypto, claim)).toEqual({ ok: true });
  }
  return { evidence, statements };
}

describe('an evidence export', () => {
  let directory: string;
  let log: FileLog;
  let old: string;
  let certificate: string;

  beforeAll(async () => {
    directory = await folders.make();
    ({ log } = await openTestLog(directory));
    const sessions = [
      ['acme', 's1'],
      ['globex', 's1'],
      ['acme', 's2'],
    ] as const;
    for (let round = 0; round < 7; round++) {
      for (const [tenant, session] of sessions) {
        const id = await addStatement(log, tenant, session);
        if (round === 3 && session === 's2') certificate = id;
      }
      if (round === 3) old = (await log.flush()).note;
    }
  });
  afterAll(() => log.close());

  it.each([
    ['a session that never was', { tenant: 'acme', session: 'none' }],
    ["another tenant's session", { tenant: 'initech', session: 's1' }],
    ['a tenant without statements', { tenant: 'initech' }],
    ['a certificate that never was', { tenant: 'acme', certificates: ['0'.repeat(64)] }],
  ])('of %s is refused', async (_, selection) => {
    await expect(exportEvidence(log, selection, { bundles })).rejects.toMatchObject({ code: 'NOT_IN_LOG' });
  });

  it("does not give out another tenant's certificate", async () => {
    const selection = { tenant: 'globex', certificates: [certificate] };
    await expect(exportEvidence(log, selection, { bundles })).rejects.toMatchObject({ code: 'NOT_IN_LOG' });
  });

  it('is refused for an old checkpoint of another log, of nothing, or with another signature', async () => {
    const { log: other } = await openTestLog(await folders.make());
    const empty = other.checkpoint().note;
    await addStatement(other, 'acme', 's9');
    const foreign = (await other.flush()).note;
    await other.close();
    for (const oldCheckpoint of [empty, foreign]) {
      const exporting = exportEvidence(log, { tenant: 'acme' }, { bundles, oldCheckpoint });
      await expect(exporting).rejects.toMatchObject({ code: 'NOT_IN_LOG' });
    }
    const forged = old.replace(/\n(\d+)\n/, '\n1\n');
    const exporting = exportEvidence(log, { tenant: 'acme' }, { bundles, oldCheckpoint: forged });
    await expect(exporting).rejects.toMatchObject({ code: 'NOTE_BAD_SIGNATURE' });
  });

  it('of a session holds all of it under one checkpoint, and each bundle once', async () => {
    const { bytes } = await exportEvidence(
      log,
      { tenant: 'acme', session: 's1' },
      { bundles, oldCheckpoint: old },
    );
    const { evidence, statements } = await verifyExport(bytes);
    expect(statements.map(({ seq }) => seq)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(statements.every(({ tenant, session }) => tenant === 'acme' && session === 's1')).toBe(true);
    expect(evidence.bundles).toEqual([bundle]);
    expect(evidence.entries.every(({ record }) => record !== null)).toBe(true);
    expect(evidence.consistency?.old_checkpoint).toBe(old);
    expect(canonicalBytes(parseJsonBytes(bytes))).toEqual(bytes);
  });

  it('of a tenant holds all its sessions in log order and nobody else', async () => {
    const { bytes } = await exportEvidence(log, { tenant: 'acme' }, { bundles });
    const { evidence, statements } = await verifyExport(bytes);
    expect(statements.map(({ tenant }) => tenant)).toEqual(Array(14).fill('acme'));
    expect(evidence.entries.map(({ index }) => index % 3)).toEqual(Array(7).fill([0, 2]).flat());
    expect(evidence.consistency).toBeNull();
  });

  it('of a certificate holds the session that it is in', async () => {
    const { bytes } = await exportEvidence(log, { tenant: 'acme', certificates: [certificate] }, { bundles });
    const { statements } = await verifyExport(bytes);
    expect(statements).toHaveLength(7);
    expect(statements.every(({ session }) => session === 's2')).toBe(true);
  });

  it('covers what was committed a moment ago', async () => {
    await addStatement(log, 'fresh', 's1');
    const { bytes } = await exportEvidence(log, { tenant: 'fresh' }, { bundles });
    expect((await verifyExport(bytes)).statements).toHaveLength(1);
  });

  it('says null for erased records, and still proves everything else', async () => {
    await rm(recordKeyPath(join(directory, 'keys'), 'globex'));
    const { bytes } = await exportEvidence(log, { tenant: 'globex' }, { bundles });
    const { evidence } = await verifyExport(bytes);
    expect(evidence.entries.map(({ record }) => record)).toEqual(Array(7).fill(null));
  });

  it('of a session that another fabric decided in part is refused: its proofs are in the ledger', async () => {
    const { log } = await openTestLog(await folders.make(), {
      archive: {
        async *session() {
          yield { seq: 0, envelope: utf8('{}'), salt: new Uint8Array(32), sealedRecord: null };
        },
      },
    });
    log.continueFrom({ tenant: 'acme', session: 'elsewhere', seq: 0, digest: zero });
    await addStatement(log, 'acme', 'elsewhere');
    await expect(
      exportEvidence(log, { tenant: 'acme', session: 'elsewhere' }, { bundles }),
    ).rejects.toMatchObject({ code: 'NOT_IN_LOG', message: expect.stringContaining('the ledger') });
    await log.close();
  });

  it('of an access to a secret has its session, and the next one where what came of it is there', async () => {
    const { log } = await openTestLog(await folders.make());
    const [one, two] = ['00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000002'];
    await addStatement(log, 'acme', 's1');
    await addAccess(log, 'acme', 0, one);
    await addAccess(log, 'acme', 0, two);
    await addAccess(log, 'acme', 1, two);
    await addAccess(log, 'globex', 0, two);
    const exported = async (...certificates: string[]) =>
      (await exportEvidence(log, { tenant: 'acme', certificates }, { bundles })).evidence;
    expect((await exported(one)).entries.map(({ index }) => index)).toEqual([1, 2]);
    const both = await exported(two);
    expect(both.entries.map(({ index }) => index)).toEqual([1, 2, 3]);
    expect(both.bundles).toEqual([]);
    await expect(exported('00000000-0000-4000-8000-000000000003')).rejects.toMatchObject({
      code: 'NOT_IN_LOG',
    });
    await log.close();
  });
});
