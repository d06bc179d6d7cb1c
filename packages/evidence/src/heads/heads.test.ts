import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { asDigest, openEnvelope, parseEnvelope, parseJsonBytes } from '@provability-fabric/kernel';
import {
  decodeLedgerStatement,
  type HeadStatement,
  headsRoot,
  verifyHeads,
} from '@provability-fabric/statements';
import { commitOf } from '@provability-fabric/testkit';
import { afterAll, describe, expect, it } from 'vitest';
import type { FileLog } from '../file-log/file-log.ts';
import type { LedgerEntry } from '../ledger/ports.ts';
import { FaultShim, unsyncedFiles } from '../testing/fault-shim.ts';
import { crypto, openTestLog, temporaryFolders, testKeys } from '../testing/log-fixture.ts';
import { createHeads, type HeadsOptions } from './heads.ts';

const folders = temporaryFolders();
afterAll(() => folders.removeAll());

const START = Date.parse('2026-01-01T00:00:00.000Z');

async function opened(options: Partial<HeadsOptions> = {}) {
  const directory = await folders.make();
  const { log } = await openTestLog(directory, { files: unsyncedFiles() });
  return { directory, log, ...(await reopened(directory, log, options)) };
}

async function reopened(directory: string, log: FileLog, options: Partial<HeadsOptions> = {}) {
  const added: LedgerEntry[] = [];
  const events: string[] = [];
  const { ring } = await testKeys();
  const made = await createHeads({
    log,
    directory,
    crypto,
    signer: ring.evidenceSigner(),
    writer: 'test-log',
    add: (entry) => added.push(entry),
    emit: (event) => events.push(event),
    now: () => START,
    random: (length) => new Uint8Array(length).fill(7),
    files: unsyncedFiles(),
    ...options,
  });
  return { heads: made, added, events };
}

const commit = (log: FileLog, session: string, count = 1) =>
  log.commit(commitOf('acme', session, log.head('acme', session), count));

/** The heads of the file, signatures checked. */
async function headsIn(directory: string): Promise<HeadStatement[]> {
  const { ring } = await testKeys();
  const lines = (await readFile(join(directory, 'log/heads'), 'utf8')).trimEnd().split('\n');
  return lines.map((line) => {
    const envelope = parseEnvelope(parseJsonBytes(Buffer.from(line)));
    const { payload } = openEnvelope(crypto, envelope, ring.evidenceKeys());
    return decodeLedgerStatement(envelope.payloadType, payload) as HeadStatement;
  });
}

describe('heads', () => {
  it('on a full disk are named as failed, and follow later', async () => {
    const disk = new FaultShim();
    disk.broken.add('replace');
    const { log, heads, events } = await opened({ files: disk, everyMs: 5 });
    await commit(log, 's');
    await expect.poll(() => events).toContain('head_failed');
    expect(heads.last()).toBeUndefined();
    disk.broken.clear();
    await expect.poll(() => heads.last()?.log_size).toBe(1);
    await heads.close();
    await log.close();
  });

  it('never go back in time when the clock does, over a restart neither', async () => {
    let clock = START;
    const { directory, log, heads: first } = await opened({ now: () => clock });
    await first.sign();
    clock -= 3_600_000;
    expect((await first.sign()).at).toBe('2026-01-01T00:00:00.000Z');
    await first.close();
    const { heads: second } = await reopened(directory, log, { now: () => clock });
    expect((await second.sign()).at).toBe('2026-01-01T00:00:00.000Z');
    await second.close();
    await log.close();
  });

  it('go on after lines that are none', async () => {
    const { directory, log, heads: first } = await opened();
    await first.sign();
    await first.close();
    await writeFile(join(directory, 'log/heads'), 'no head\n{"payload":1}\n');
    const { heads: second } = await reopened(directory, log);
    await second.sign();
    const lines = (await readFile(join(directory, 'log/heads'), 'utf8')).trimEnd().split('\n');
    expect(lines).toHaveLength(3);
    await second.close();
    await log.close();
  });

  it('say how many sessions end where, for the ledger too, and hold against the log', async () => {
    const { directory, log, heads, added } = await opened();
    await commit(log, 'a', 2);
    await commit(log, 'b');
    const first = await heads.sign();
    const endsAtFirst = [...log.heads()];
    await commit(log, 'b', 3);
    await commit(log, 'c');
    await heads.close();
    const ends = [...log.heads()];
    expect(first).toMatchObject({ count: 2, log_size: 3, root: headsRoot(crypto, endsAtFirst) });
    expect(heads.last()).toMatchObject({ count: 3, log_size: 7, root: headsRoot(crypto, ends) });
    const kept = await headsIn(directory);
    expect(kept).toEqual([first, heads.last()]);
    expect(verifyHeads(crypto, kept, (size) => (size === 3 ? endsAtFirst : ends))).toEqual([]);
    expect(added).toMatchObject([
      { type: 'head', tenant: '-', session: null, seq: null, issuedAt: START, sealedRecord: null },
      { type: 'head' },
    ]);
    await log.close();
  });

  it('know the sessions of earlier processes', async () => {
    const { directory, log, heads } = await opened();
    for (let i = 0; i < 30; i++) await commit(log, `s${i}`);
    await heads.close();
    await log.close();
    const again = (await openTestLog(directory)).log;
    const { heads: second } = await reopened(directory, again);
    await commit(again, 's3');
    expect(await second.sign()).toMatchObject({
      count: 30,
      log_size: 31,
      root: headsRoot(crypto, again.heads()),
    });
    await second.close();
    await again.close();
  });

  it('come by themselves soon after something new, and at times when nothing is', async () => {
    let clock = START;
    const { log, heads, added } = await opened({ now: () => clock, everyMs: 5, idleMs: 1_000 });
    await expect.poll(() => added.length).toBe(1);
    await commit(log, 's');
    await expect.poll(() => heads.last()?.log_size).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 40));
    expect(added).toHaveLength(2);
    clock += 1_000;
    await expect.poll(() => added.length).toBe(3);
    await heads.close();
    expect(added).toHaveLength(3);
    await log.close();
  });

  it('of many sessions let everything else have its turn in between', async () => {
    const digest = asDigest('0'.repeat(64));
    const many = Array.from({ length: 20_000 }, (_, i) => ({
      tenant: 'acme',
      session: `session-${i}`,
      seq: 9,
      digest,
    }));
    const { ring } = await testKeys();
    const large = await createHeads({
      log: { size: 200_000, heads: () => many, onDurable: () => () => undefined },
      directory: await folders.make(),
      crypto,
      signer: ring.evidenceSigner(),
      writer: 'large',
      emit: () => undefined,
      now: () => START,
      random: (length) => new Uint8Array(length),
    });
    let turns = 0;
    let counting = true;
    const count = () => {
      turns++;
      if (counting) setImmediate(count);
    };
    setImmediate(count);
    expect(await large.sign()).toMatchObject({ count: 20_000, root: headsRoot(crypto, many) });
    counting = false;
    expect(turns).toBeGreaterThan(10);
    await large.close();
  });
});
