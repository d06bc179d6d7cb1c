import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  asDigest,
  BOTTOM,
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
  sealEnvelope,
  utf8,
  verifyConsistencyForLog,
  verifyInclusion,
} from '@provability-fabric/kernel';
import {
  decodeStatement,
  type EvidenceExport,
  encodeStatement,
  inputRecord,
  inputRoot,
  parseEvidenceExport,
  payloadTypeOf,
  type Statement,
  statementDigest,
} from '@provability-fabric/statements';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exportEvidence } from './export.ts';
import type { FileLog } from './file-log/file-log.ts';
import { recordKeyPath } from './file-log/record-key.ts';
import { crypto, openTestLog, temporaryFolders, testKeys } from './testing/log-fixture.ts';

const folders = temporaryFolders();
afterAll(() => folders.removeAll());

const bundle = { name: 'mail', version: 1 };
const digest = digestJson(crypto, bundle);
const bundles = (asked: Digest): JsonObject => {
  expect(asked).toBe(digest);
  return bundle;
};
const zero = asDigest('0'.repeat(64));

/** One statement more in a session: its opening, then permissions and their outcomes in turn. */
async function addStatement(log: FileLog, tenant: string, session: string): Promise<string> {
  const { ring } = await testKeys();
  const head = log.head(tenant, session);
  const seq = (head?.seq ?? -1) + 1;
  const record = inputRecord(crypto, { kind: 'tick', at: seq }, crypto.sha256(utf8(`${session}${seq}`)));
  const certificateId = digestJson(crypto, [tenant, session, Math.floor((seq + 1) / 2)]);
  const link = {
    tenant,
    session,
    seq,
    previous: head?.digest ?? null,
    state: { before: zero, after: zero },
    input_root: inputRoot(crypto, record),
    issued_at: '2026-01-01T00:00:00.000Z',
  };
  const reference = { ...bundle, digest };
  const statement: Statement =
    seq === 0
      ? { type: 'session-record', ...link, kind: 'open', bundle: reference, epoch: 1, mode: 'enforce' }
      : seq % 2 === 1
        ? {
            type: 'permission-certificate',
            ...link,
            certificate_id: certificateId,
            principal: { id: 'agent-1', roles: [], org: 'acme' },
            action: { kind: 'call', target: 'send', args_digest: zero },
            bundle: reference,
            overlay: null,
            policy_hash: zero,
            automata_hash: zero,
            labeler_hash: zero,
            epoch: 1,
            verdict: 'accept',
            effect: 'allow',
            mode: 'enforce',
            checks: [],
            reasons: [],
            labels: { session: BOTTOM },
            approval: null,
            break_glass: null,
          }
        : {
            type: 'outcome-certificate',
            ...link,
            certificate_id: certificateId,
            outcome: 'done',
            result_digest: zero,
            label: BOTTOM,
            labels: { session: BOTTOM },
          };
  const payload = encodeStatement(statement);
  const envelope = envelopeBytes(sealEnvelope(payloadTypeOf(statement), payload, [ring.evidenceSigner()]));
  const entry = {
    seq,
    digest: statementDigest(crypto, payload),
    envelope,
    salt: crypto.sha256(utf8(`salt ${session} ${seq}`)),
    record: canonicalBytes(record as unknown as JsonObject),
  };
  const result = await log.commit({
    tenant,
    session,
    expectedSeq: seq - 1,
    expectedDigest: head?.digest ?? null,
    entries: [entry],
  });
  expect(result.ok).toBe(true);
  return certificateId;
}

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
});
