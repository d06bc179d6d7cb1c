import { spawn } from 'node:child_process';
import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  nodeCrypto,
  openFileLog,
  openKeyRing,
  openRecordSealer,
  readFileLog,
  readLogId,
} from '@provability-fabric/evidence';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { journalChanges } from './journal-changes.ts';
import { lastRecords } from './view/last-records.ts';
import { verifyAudit } from './view/verify-audit.ts';

const ORIGIN = 'test.example/log';
const crypto = nodeCrypto();
let folder = '';
let program = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pf-governor-audit-'));
  program = join(folder, 'program.mjs');
  const source = fileURLToPath(new URL('../testing/auditing-governor.ts', import.meta.url));
  await build({
    entryPoints: [source],
    outfile: program,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
  });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Run {
  readonly answered: ReadonlyMap<number, string>;
  /** What verifying said while it ran. */
  readonly meanwhile: Awaited<ReturnType<typeof verifyAudit>>;
}

/** Runs the governor, verifies its log from outside, kills it, and says what it answered. */
async function killed(callers: number, afterMs: number): Promise<Run> {
  const child = spawn(process.execPath, [program, folder, ORIGIN, `${callers}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  const ended = new Promise((resolve) => child.on('close', resolve));
  await new Promise<void>((resolve) => {
    child.stdout.on('data', (chunk) => {
      output += chunk;
      resolve();
    });
    child.on('close', () => resolve());
  });
  const meanwhile = await verify();
  await pause(afterMs);
  child.kill('SIGKILL');
  await ended;
  const lines = output.split('\n').slice(0, -1);
  const answered = new Map(
    lines.map((line) => {
      const [, index, root] = line.split(' ');
      return [Number(index), root as string];
    }),
  );
  return { answered, meanwhile };
}

/** From outside, as the command line does: without a lock, as the newest checkpoint has it. */
async function verify() {
  const keys = join(folder, 'keys');
  const ring = await openKeyRing(keys, { origin: ORIGIN, create: false, crypto });
  const reopen = () =>
    readFileLog({
      directory: folder,
      origin: ORIGIN,
      crypto,
      verifiers: ring.logVerifiers(),
      records: openRecordSealer({ directory: keys, emit: () => undefined }),
    });
  const logId = await readLogId(folder);
  const source = journalChanges({ log: await reopen(), logId: logId as string, tenant: 'acme', reopen });
  return verifyAudit({
    path: join(folder, 'audit.log'),
    source,
    crypto,
    tenant: 'acme',
    keys: ring.evidenceKeys(),
    pause: (ms) => pause(ms),
  });
}

/** The next start signs a checkpoint over what the killed one had made durable. */
async function restarted(): Promise<void> {
  const keys = join(folder, 'keys');
  const ring = await openKeyRing(keys, { origin: ORIGIN, create: false, crypto });
  const emit = () => undefined;
  const log = await openFileLog({
    directory: folder,
    origin: ORIGIN,
    crypto,
    signer: ring.logSigner(),
    verifiers: ring.logVerifiers(),
    records: openRecordSealer({ directory: keys, emit }),
    emit,
  });
  await log.close();
}

describe('a governor killed with kill -9 while it keeps its audit log up', () => {
  it('leaves every answered place as it was, and the next one fills up what is missing', async () => {
    const answered = new Map<number, string>();
    for (const [callers, afterMs] of [
      [1, 10],
      [16, 80],
      [4, 3],
    ] as const) {
      const run = await killed(callers, afterMs);
      // It runs on: it may be a little ahead of the file that is read, and is never broken.
      expect(run.meanwhile.problems).toEqual([]);
      for (const [index, root] of run.answered) answered.set(index, root);
      await appendFile(join(folder, 'audit.log'), '{"torn": ');
    }
    expect(answered.size).toBeGreaterThan(20);
    await restarted();
    const { records, problems } = await verify();
    expect(problems).toEqual([]);
    const there = new Map(
      (await lastRecords(crypto, join(folder, 'audit.log'), Math.max(records, 1))).map((record) => [
        record.index,
        record.merkle_root,
      ]),
    );
    expect([...answered].filter(([index, root]) => there.get(index) !== root)).toEqual([]);
    expect((await readFile(join(folder, 'audit.log'), 'utf8')).endsWith('{"torn": ')).toBe(true);
  });
});
