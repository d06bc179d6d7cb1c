import { beforeAll, describe, expect, it } from 'vitest';
import { buildPrograms } from './built-programs.fixture.ts';
import { storyIn, verify } from './evidence-in.fixture.ts';
import {
  call,
  compiledBundle,
  PfRun,
  recordingUpstream,
  refusalIn,
  temporaryFolder,
} from './pf-process.fixture.ts';

beforeAll(buildPrograms);

async function start(...options: readonly string[]) {
  const upstream = recordingUpstream('echo', 'send');
  const data = temporaryFolder();
  const pf = new PfRun(
    ['--bundle', await compiledBundle('everything'), '--data', data, ...options],
    upstream.command,
  );
  expect(await pf.ask(call(1, 'echo', { message: 'before' }))).toMatchObject({
    result: { structuredContent: {} },
  });
  return { pf, upstream, data };
}

const BEFORE = ['echo allow', 'echo done'];

describe.concurrent('an MCP server behind pf run', () => {
  it('that dies in the middle of a call leaves an ambiguous outcome, a clear answer and exit 1', async () => {
    const { pf, data } = await start();
    const answer = await pf.ask(call(2, 'send', { message: '@die' }));
    expect(answer).toMatchObject({ result: { isError: true } });
    expect(refusalIn(answer)).toMatchObject({ code: 'OUTCOME_AMBIGUOUS', effect: 'allow' });
    expect(JSON.stringify(answer)).toContain('the server has gone; whether it took effect is unknown');
    expect(await pf.ended).toEqual({ code: 1, signal: null });
    expect(await pf.logged('upstream_ended')).toMatchObject({
      level: 'error',
      reason: 'upstream-exited',
      code: 7,
    });
    expect(await storyIn(data)).toEqual([...BEFORE, 'send allow', 'send ambiguous']);
    expect(await verify(data, 'local')).toMatchObject({ exitCode: 0 });
  });

  it('that hangs is answered for when its time is up, and the other calls go on', async () => {
    const { pf, data } = await start('--upstream-timeout', '500ms');
    const asked = performance.now();
    await pf.send(call(2, 'send', { message: '@hang' }));
    expect(await pf.ask(call(3, 'echo'))).toMatchObject({ result: { structuredContent: {} } });
    expect(refusalIn(await pf.answer(2))).toMatchObject({ code: 'OUTCOME_AMBIGUOUS' });
    const waited = performance.now() - asked;
    expect(waited).toBeGreaterThan(450);
    expect(waited).toBeLessThan(10_000);
    expect(await pf.ask(call(4, 'echo'))).toMatchObject({ result: { structuredContent: {} } });
    expect(await pf.leave()).toEqual({ code: 0, signal: null });
    const story = await storyIn(data);
    expect(story.slice(0, 3)).toEqual([...BEFORE, 'send allow']);
    expect([...story.slice(3)].sort()).toEqual([
      'echo allow',
      'echo allow',
      'echo done',
      'echo done',
      'send ambiguous',
    ]);
    expect(await verify(data, 'local')).toMatchObject({ exitCode: 0 });
  });

  it('that babbles is heard only where it answers', async () => {
    const { pf, data } = await start();
    expect(await pf.ask(call(2, 'echo', { message: '@babble' }))).toEqual({
      jsonrpc: '2.0',
      id: 2,
      result: { content: [] },
    });
    expect(pf.out.all).toHaveLength(2);
    await pf.leave();
    expect(await storyIn(data)).toEqual([...BEFORE, 'echo allow', 'echo done']);
  });

  it('that floods is ended, with a clear answer and exit 1', async () => {
    const { pf, data } = await start();
    expect(refusalIn(await pf.ask(call(2, 'send', { message: '@flood' })))).toMatchObject({
      code: 'OUTCOME_AMBIGUOUS',
    });
    expect(await pf.ended).toEqual({ code: 1, signal: null });
    expect(await pf.logged('upstream_ended')).toMatchObject({ reason: 'upstream-line-too-long' });
    expect(await storyIn(data)).toEqual([...BEFORE, 'send allow', 'send ambiguous']);
  });
});
