import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nodeCrypto, openFileLog, openKeyRing, openRecordSealer } from '@provability-fabric/evidence';
import { fromBase64, parseEnvelope, parseJsonBytes } from '@provability-fabric/kernel';
import { decodeChained, type SecretAccessStatement } from '@provability-fabric/statements';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ORIGIN = 'test.example/log';
let folder = '';
let program = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pf-audit-'));
  program = join(folder, 'program.mjs');
  const source = fileURLToPath(new URL('../testing/auditing-program.ts', import.meta.url));
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

/** Runs the program, kills it a while after its first answer, and says what it answered. */
async function killed(callers: number, afterMs: number): Promise<readonly string[]> {
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
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  child.kill('SIGKILL');
  await ended;
  return output
    .split('\n')
    .slice(0, -1)
    .map((line) => line.split(' ')[1] as string);
}

async function statements(): Promise<ReadonlyMap<string, SecretAccessStatement>> {
  const crypto = nodeCrypto();
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
  const found = new Map<string, SecretAccessStatement>();
  for await (const { envelope, digest } of log.scan()) {
    const { payloadType, payload } = parseEnvelope(parseJsonBytes(envelope));
    found.set(digest, decodeChained(payloadType, fromBase64(payload)) as SecretAccessStatement);
  }
  await log.close();
  return found;
}

describe('a service killed with kill -9 while accesses are recorded', () => {
  it('leaves both halves of every access that it answered, no row without its statement, and goes on with the chain', async () => {
    const answered: string[] = [];
    for (const [callers, afterMs] of [
      [1, 20],
      [32, 60],
      [8, 5],
    ] as const)
      answered.push(...(await killed(callers, afterMs)));
    expect(answered.length).toBeGreaterThan(20);
    const rows = (await readFile(join(folder, 'rows'), 'utf8')).split('\n').slice(0, -1);
    const named = new Map(rows.map((row) => row.split(' ') as [string, string]));
    const there = await statements();
    expect(answered.filter((id) => !named.has(id))).toEqual([]);
    expect([...named].filter(([id, digest]) => there.get(digest)?.access_id !== id)).toEqual([]);
    const sessions = new Set([...there.values()].map(({ tenant, session }) => `${tenant} ${session}`));
    expect(sessions.size).toBeGreaterThan(2);
  });
});
