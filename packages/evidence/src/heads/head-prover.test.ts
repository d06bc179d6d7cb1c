import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openEnvelope, parseJsonBytes } from '@provability-fabric/kernel';
import { decodeStatement, headsRoot, statementDigest, verifyHeadPath } from '@provability-fabric/statements';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { exportEvidence } from '../export.ts';
import type { FileLog } from '../file-log/file-log.ts';
import { addStatement, bundle } from '../testing/add-statement.ts';
import { unsyncedFiles } from '../testing/fault-shim.ts';
import { crypto, openTestLog, temporaryFolders, testKeys } from '../testing/log-fixture.ts';
import { openHeadProver } from './head-prover.ts';
import { createHeads, type Heads } from './heads.ts';
import { readKeptHeads } from './kept-heads.ts';
import { sessionEndsAt } from './session-ends.ts';

const folders = temporaryFolders();
afterAll(() => folders.removeAll());

interface Opened {
  readonly directory: string;
  readonly log: FileLog;
  readonly heads: Heads;
}

async function opened(): Promise<Opened> {
  const directory = await folders.make();
  const { log } = await openTestLog(directory, { files: unsyncedFiles() });
  const { ring } = await testKeys();
  const heads = await createHeads({
    log,
    directory,
    crypto,
    signer: ring.evidenceSigner(),
    writer: log.id,
    emit: () => undefined,
    now: () => Date.parse('2026-01-01T00:00:00.000Z'),
    random: (length) => new Uint8Array(length),
    everyMs: 3_600_000,
    files: unsyncedFiles(),
  });
  return { directory, log, heads };
}

async function close({ heads, log }: Opened): Promise<void> {
  await heads.close();
  await log.close();
}

const proverOf = async ({ directory, log }: Opened) =>
  openHeadProver(crypto, log, await readKeptHeads(directory));

describe('a head prover', () => {
  it('does without a head that is over more than the log has, or that is none', async () => {
    const fabric = await opened();
    await addStatement(fabric.log, 'acme', 's1');
    expect(await proverOf(fabric)).toBeUndefined();
    await fabric.heads.sign();
    await addStatement(fabric.log, 'acme', 's2');
    await fabric.heads.sign();
    await appendFile(join(fabric.directory, 'log/heads'), 'no head\n');
    const kept = await readKeptHeads(fabric.directory);
    expect(kept.map((one) => one?.head.log_size)).toEqual([1, 2, undefined]);
    const cut = {
      size: 1,
      freed: 0,
      heads: () => [...fabric.log.heads()].slice(0, 1),
      entries: (from: number, limit: Parameters<FileLog['entries']>[1]) => fabric.log.entries(from, limit),
    };
    expect((await openHeadProver(crypto, cut, kept))?.head.log_size).toBe(1);
    expect((await openHeadProver(crypto, fabric.log, kept))?.head.log_size).toBe(2);
    await close(fabric);
  });

  it('cannot tell where a session ended that another fabric had since, or that was freed', async () => {
    const fabric = await opened();
    await addStatement(fabric.log, 'acme', 's1');
    await addStatement(fabric.log, 'acme', 's2');
    await fabric.heads.sign();
    const head = fabric.log.head('acme', 's1');
    fabric.log.continueFrom({ tenant: 'acme', session: 's1', seq: 4, digest: head?.digest ?? ('' as never) });
    await addStatement(fabric.log, 'acme', 's2');
    expect(await proverOf(fabric)).toBeDefined();
    await addStatement(fabric.log, 'acme', 's1');
    expect(await proverOf(fabric)).toBeUndefined();
    expect(await sessionEndsAt({ ...fabric.log, freed: 3, size: 4 }, 2)).toBeUndefined();
    await fabric.heads.sign();
    expect((await proverOf(fabric))?.head.log_size).toBe(4);
    await close(fabric);
  });

  it('proves of every session where it ended at the newest head, whatever came since', async () => {
    const name = fc.constantFrom('s1', 's2', 's3', 's4', 's5', 's6');
    await fc.assert(
      fc.asyncProperty(
        fc.array(name, { maxLength: 25 }),
        fc.array(name, { maxLength: 10 }),
        async (before, since) => {
          const fabric = await opened();
          const { log, heads } = fabric;
          for (const session of before) await addStatement(log, 'acme', session);
          const { root, log_size: size } = await heads.sign();
          const ends = [...log.heads()];
          for (const session of since) await addStatement(log, 'acme', session);
          const told = await sessionEndsAt(log, size);
          expect(headsRoot(crypto, told ?? [])).toBe(root);
          const head = await proverOf(fabric);
          if (log.size > 0 && head !== undefined) {
            const { evidence } = await exportEvidence(
              log,
              { tenant: 'acme' },
              { bundles: () => bundle, head },
            );
            expect(evidence.head?.paths).toHaveLength(ends.length);
            const order = new Map(
              evidence.entries
                .filter(({ index }) => index < size)
                .map(({ envelope: { payloadType, payload } }) => {
                  const bytes = Buffer.from(payload, 'base64');
                  const { tenant, session, seq } = decodeStatement(payloadType, bytes);
                  const end = { tenant, session, seq, digest: statementDigest(crypto, bytes) };
                  return [session, end] as const;
                }),
            );
            for (const [position, end] of [...order.values()].entries()) {
              const path = evidence.head?.paths[position];
              if (path === undefined) throw new Error('expected a path');
              expect(verifyHeadPath(crypto, root, end, path)).toEqual({ ok: true });
              const shorter = { ...end, seq: end.seq - 1 };
              expect(verifyHeadPath(crypto, root, shorter, path)).toMatchObject({ ok: false });
            }
          }
          await close(fabric);
        },
      ),
      { numRuns: 12 },
    );
  });

  it('gives the head as it was signed', async () => {
    const fabric = await opened();
    await addStatement(fabric.log, 'acme', 's1');
    const signed = await fabric.heads.sign();
    const prover = await proverOf(fabric);
    const { envelope } = prover?.prove([]) ?? { envelope: undefined };
    const { ring } = await testKeys();
    const { payload } = openEnvelope(crypto, envelope as never, ring.evidenceKeys());
    expect(parseJsonBytes(payload)).toEqual(signed);
    await close(fabric);
  });
});
