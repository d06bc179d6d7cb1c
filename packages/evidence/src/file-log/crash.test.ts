import { join } from 'node:path';
import {
  type Checkpoint,
  leafHash,
  openNote,
  parseCheckpoint,
  verifyConsistencyForLog,
  verifyInclusion,
} from '@provability-fabric/kernel';
import { afterAll, describe, expect, it } from 'vitest';
import { openKeyRing } from '../keys/key-ring.ts';
import { bundleProgram, runProgram } from '../testing/child-program.ts';
import { crypto, ORIGIN, openTestLog, temporaryFolders } from '../testing/log-fixture.ts';
import { leafData } from './journal-reader.ts';

const folders = temporaryFolders();
afterAll(() => folders.removeAll());

/** More with PF_CRASHES, for a long run by hand. */
const CRASHES = Number(process.env.PF_CRASHES ?? 12);

describe('a process killed with kill -9 while it commits', () => {
  it('leaves every answered commit, no gap, and a log that continues every checkpoint ever read', async () => {
    const directory = await folders.make();
    const program = await bundleProgram(
      new URL('../testing/committing-program.ts', import.meta.url),
      await folders.make(),
    );
    const checkpoints: Checkpoint[] = [];
    let acked = 0;
    let cut = 0;
    for (let crash = 0; crash < CRASHES; crash++) {
      const child = runProgram(program, [directory, ORIGIN, `${1 + (crash % 3) * 8}`]);
      await child.line('acked');
      await new Promise((resolve) => setTimeout(resolve, (crash * 37) % 90));
      child.kill();
      await child.ended;

      const ring = await openKeyRing(join(directory, 'keys'), { origin: ORIGIN, create: false, crypto });
      const verifiers = ring.logVerifiers();
      const promised = new Map<string, number>();
      for (const line of child.lines()) {
        const [kind, session = '', seq, index] = line.split(' ');
        if (kind === 'event') expect(line).toMatch(/^event journal_torn_tail/);
        if (kind === 'acked') {
          promised.set(session, Number(seq));
          acked = Math.max(acked, Number(index) + 1);
        }
        if (kind === 'checkpoint') {
          const note: string = JSON.parse(line.slice('checkpoint '.length));
          checkpoints.push(parseCheckpoint(openNote(crypto, note, verifiers).text));
        }
      }

      const { log, events } = await openTestLog(directory, { signer: ring.logSigner(), verifiers });
      cut += events.filter(({ event }) => event === 'journal_torn_tail').length;
      expect(log.size).toBeGreaterThanOrEqual(acked);
      for (const [session, seq] of promised) {
        expect(log.head('acme', session)?.seq).toBeGreaterThanOrEqual(seq);
      }
      const { size, root } = log.checkpoint();
      expect(size).toBe(log.size);
      for (const old of checkpoints) {
        const proof = log.consistencyProof(old.size, size);
        const claim = { oldSize: old.size, newSize: size, oldRoot: old.root, newRoot: root, proof };
        expect(old.size === 0 ? { ok: true } : verifyConsistencyForLog(crypto, claim)).toEqual({ ok: true });
      }
      const seqs = new Map<string, number>();
      for await (const { index, session, seq, envelope, salt } of log.scan()) {
        expect(seq).toBe((seqs.get(session) ?? -1) + 1);
        seqs.set(session, seq);
        expect(Buffer.from(envelope).toString()).toBe(`${session}/${seq}`);
        if (index % 97 !== 0) continue;
        const leaf = leafHash(crypto, leafData(crypto, { envelope, salt }));
        const proof = log.inclusionProof(index, size);
        expect(verifyInclusion(crypto, { index, size, leaf, proof, root })).toEqual({ ok: true });
      }
      for (const { session, seq } of log.heads()) {
        expect(seqs.get(session)).toBe(seq);
        let next = 0;
        for await (const stored of log.readSession('acme', session)) {
          expect(stored.seq).toBe(next++);
          expect(Buffer.from(stored.record ?? []).toString()).toBe(`${session}/${stored.seq}`);
        }
      }
      expect(await log.audit()).toBe(size);
      await log.close();
    }
    expect(checkpoints.length).toBeGreaterThanOrEqual(CRASHES);
    console.info(
      `${CRASHES} kills, ${acked} answered entries, ${checkpoints.length} checkpoints, ${cut} torn tails`,
    );
  });
});
