import {
  appendFileSync,
  cpSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildPrograms } from './built-programs.fixture.ts';
import { checkpointSize, storyIn, verify } from './evidence-in.fixture.ts';
import { call, compiledBundle, PfRun, recordingUpstream, temporaryFolder } from './pf-process.fixture.ts';

let upstream: ReturnType<typeof recordingUpstream>;
let bundle: string;
beforeAll(async () => {
  await buildPrograms();
  upstream = recordingUpstream('echo');
  bundle = await compiledBundle('everything');
});

const start = (data: string) => new PfRun(['--bundle', bundle, '--data', data], upstream.command);
const CALLED = ['echo allow', 'echo done'];

/** Makes calls, one after the other, in a run of their own. */
async function work(data: string, calls: number): Promise<PfRun> {
  const run = start(data);
  for (let id = 1; id <= calls; id++)
    expect(await run.ask(call(id, 'echo', { id }))).toMatchObject({ result: {} });
  expect(await run.leave()).toEqual({ code: 0, signal: null });
  return run;
}

function segmentIn(data: string): string {
  const [name = ''] = readdirSync(join(data, 'journal')).filter((file) => file.endsWith('.seg'));
  return join(data, 'journal', name);
}

/** Everything in a folder but the lock, by name. */
function contentsOf(folder: string) {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    statSync(join(folder, name)).isFile(),
  );
  return files.map((name) => [name, readFileSync(join(folder, name), 'hex')]);
}

describe.concurrent('a damaged journal', () => {
  it('with garbage at its end goes on without it, names the torn tail and keeps it aside', async () => {
    const data = temporaryFolder();
    await work(data, 2);
    appendFileSync(segmentIn(data), 'half a write');
    const run = await work(data, 1);
    expect(await run.logged('journal_torn_tail')).toMatchObject({
      level: 'warn',
      index: 5,
      bytes: 12,
      kept: 'torn-5-0.bin',
    });
    expect(readFileSync(join(data, 'journal/torn-5-0.bin'), 'utf8')).toBe('half a write');
    expect(await storyIn(data)).toEqual([...CALLED, ...CALLED, ...CALLED]);
    expect(await verify(data, 'local')).toMatchObject({ exitCode: 0 });
  });

  it('whose last write was cut off by a crash, no checkpoint covering it, goes on with that outcome ambiguous', async () => {
    const data = temporaryFolder();
    await work(data, 1);
    const kept = join(temporaryFolder(), 'log');
    cpSync(join(data, 'log'), kept, { recursive: true });
    await work(data, 1);
    rmSync(join(data, 'log'), { recursive: true });
    cpSync(kept, join(data, 'log'), { recursive: true });
    truncateSync(segmentIn(data), statSync(segmentIn(data)).size - 10);
    const run = await work(data, 1);
    expect(await run.logged('journal_torn_tail')).toMatchObject({ index: 4 });
    expect(await storyIn(data)).toEqual([...CALLED, 'echo allow', 'echo ambiguous', ...CALLED]);
    expect(await verify(data, 'local')).toMatchObject({ exitCode: 0 });
  });

  it('in its middle, or cut below its checkpoint, is refused by name with exit 1, and not a byte is changed', async () => {
    const data = temporaryFolder();
    await work(data, 2);
    const segment = segmentIn(data);
    const whole = readFileSync(segment);
    const flipped = Buffer.from(whole);
    flipped[Math.floor(whole.length / 2)] = (whole[Math.floor(whole.length / 2)] as number) ^ 1;
    for (const damaged of [flipped, whole.subarray(0, -10)]) {
      writeFileSync(segment, damaged);
      const before = contentsOf(data);
      const run = start(data);
      expect(await run.ended).toEqual({ code: 1, signal: null });
      expect(run.err.text).toContain(segment);
      expect(run.err.text).toMatch(/which the checkpoint covers/);
      expect(run.err.text).not.toMatch(/^\s+at /m);
      expect(contentsOf(data)).toEqual(before);
    }
    writeFileSync(segment, whole);
    await work(data, 1);
    expect(checkpointSize(data)).toBe(7);
    expect(await verify(data, 'local')).toMatchObject({ exitCode: 0 });
  });
});
