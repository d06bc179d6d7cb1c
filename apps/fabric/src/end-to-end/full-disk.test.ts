import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmdirSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { buildPrograms } from './built-programs.fixture.ts';
import { storyIn, verify } from './evidence-in.fixture.ts';
import { itNeeds, lacks } from './only-where.fixture.ts';
import { call, compiledBundle, PfRun, recordingUpstream, refusalIn } from './pf-process.fixture.ts';

const probe = `folder=$(mktemp -d) && mount -t tmpfs tmpfs "$folder" && umount "$folder"; code=$?; rmdir "$folder"; exit $code`;
const lacking = lacks('sh', ['-c', probe], 'a small file system cannot be mounted');

let disk: string;
beforeAll(async () => {
  await buildPrograms();
  disk = mkdtempSync(join(tmpdir(), 'pf-small-disk-'));
  if (lacking === undefined) execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', disk]);
});
afterAll(() => {
  if (lacking === undefined) execFileSync('umount', ['--lazy', disk]);
  rmdirSync(disk);
});

/** Writes until nothing more fits. */
function fill(path: string): void {
  const file = openSync(path, 'w');
  try {
    for (const size of [65_536, 4096, 1]) {
      try {
        for (;;) writeSync(file, Buffer.alloc(size));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      }
    }
  } finally {
    closeSync(file);
  }
}

describe('a full disk', () => {
  const test = itNeeds(lacking);

  test('refuses as EVIDENCE_UNAVAILABLE and forwards nothing, says so in /health, and is over when there is space', async () => {
    const upstream = recordingUpstream('echo');
    const data = join(disk, 'data');
    const options = [
      '--bundle',
      await compiledBundle('everything'),
      '--data',
      data,
      '--listen',
      '127.0.0.1:0',
    ];
    const pf = new PfRun(options, upstream.command);
    const url = `http://127.0.0.1:${(await pf.logged('listening')).port}`;
    const health = async () => {
      const response = await fetch(`${url}/health`);
      return { status: response.status, body: await response.json() };
    };
    // More than the last page of the journal can have left.
    const ask = (id: number) => pf.ask(call(id, 'echo', { text: 'x'.repeat(20_000) }));
    const filler = join(disk, 'filler');
    const refusedWhileFull = async (...ids: readonly number[]) => {
      expect(await health()).toMatchObject({ status: 200, body: { status: 'healthy' } });
      fill(filler);
      for (const id of ids) {
        const answer = await ask(id);
        expect(answer).toMatchObject({ result: { isError: true } });
        expect(refusalIn(answer)).toEqual({ code: 'EVIDENCE_UNAVAILABLE', effect: 'block' });
      }
      const problem = 'evidence cannot be made durable; actions are refused';
      const unhealthy = { status: 'unhealthy', problems: [{ component: 'evidence', problem }] };
      expect(await health()).toMatchObject({ status: 503, body: unhealthy });
      rmSync(filler);
    };
    await refusedWhileFull(1); // nothing was recorded for this tenant yet: not even its key can be
    expect(await ask(2)).toMatchObject({ result: { structuredContent: {} } });
    await refusedWhileFull(3, 4);
    expect(await ask(5)).toMatchObject({ result: { structuredContent: {} } });
    expect(await health()).toMatchObject({ status: 200, body: { status: 'healthy' } });
    expect(await pf.logged('journal_write_failed')).toMatchObject({ error: 'ENOSPC' });
    expect(await pf.logged('evidence_unavailable')).toMatchObject({
      level: 'error',
      tags: ['ERROR', 'REJECT'],
    });
    expect(await pf.leave()).toEqual({ code: 0, signal: null });
    expect(upstream.calls()).toHaveLength(2);
    expect(await storyIn(data)).toEqual(['echo allow', 'echo done', 'echo allow', 'echo done']);
    expect(await verify(data, 'local')).toMatchObject({ exitCode: 0 });
  });

  test('from the start on keeps pf run from starting, with one line that says why', async () => {
    const upstream = recordingUpstream('echo');
    rmSync(join(disk, 'data'), { recursive: true, force: true });
    fill(join(disk, 'filler'));
    const pf = new PfRun(
      ['--bundle', await compiledBundle('everything'), '--data', join(disk, 'data')],
      upstream.command,
    );
    expect(await pf.ended).toEqual({ code: 1, signal: null });
    expect(pf.err.text).toMatch(/^pf: .*no space left/i);
    rmSync(join(disk, 'filler'));
    const again = new PfRun(
      ['--bundle', await compiledBundle('everything'), '--data', join(disk, 'data')],
      upstream.command,
    );
    expect(await again.ask(call(1, 'echo'))).toMatchObject({ result: { structuredContent: {} } });
    await again.leave();
  });
});
