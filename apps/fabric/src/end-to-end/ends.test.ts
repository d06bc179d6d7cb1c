import { beforeAll, describe, expect, it } from 'vitest';
import { buildPrograms } from './built-programs.fixture.ts';
import { checkpointSize, statementsIn, storyIn, verify } from './evidence-in.fixture.ts';
import {
  call,
  compiledBundle,
  PfRun,
  recordingUpstream,
  refusalIn,
  temporaryFolder,
} from './pf-process.fixture.ts';

let upstream: ReturnType<typeof recordingUpstream>;
let bundle: string;
beforeAll(async () => {
  await buildPrograms();
  upstream = recordingUpstream('read_text_file', 'send_mail');
  bundle = await compiledBundle('quickstart');
});

const start = (data: string) =>
  new PfRun(['--bundle', bundle, '--data', data, '--tenant', 'acme', '--role', 'support'], upstream.command);
const read = (id: number, path: string) => call(id, 'read_text_file', { path });
const mail = (id: number) => call(id, 'send_mail', { to: 'desk@acme.example', subject: 'x', body: 'x' });

describe('pf run', () => {
  it('killed in the middle of a call goes on with the session: what was read still binds, the open call is ambiguous', async () => {
    const data = temporaryFolder();
    const killed = start(data);
    expect(await killed.ask(mail(1))).toMatchObject({ result: { structuredContent: {} } });
    expect(await killed.ask(read(2, 'tenants/acme/customers.csv'))).toMatchObject({
      result: { structuredContent: {} },
    });
    await killed.send(read(3, 'kb/@hang.md'));
    await upstream.hasCalls(3);
    killed.kill('SIGKILL');
    expect(await killed.ended).toEqual({ code: null, signal: 'SIGKILL' });

    const restarted = start(data);
    expect(refusalIn(await restarted.ask(mail(1)))).toMatchObject({
      code: 'LABEL_FLOW',
      clause: 'no-exfiltration',
    });
    expect(await restarted.leave()).toEqual({ code: 0, signal: null });
    expect(upstream.calls()).toHaveLength(3);
    expect(await storyIn(data)).toEqual([
      'send_mail allow',
      'send_mail done',
      'read_text_file allow',
      'read_text_file done',
      'read_text_file allow',
      'read_text_file ambiguous',
      'send_mail block LABEL_FLOW',
    ]);
    const statements = await statementsIn(data);
    expect(new Set(statements.map(({ session }) => session)).size).toBe(1);
    expect(statements.map(({ seq }) => seq)).toEqual([...statements.keys()]);
    expect(await verify(data, 'acme')).toMatchObject({ exitCode: 0 });
  });

  it('does not send a mail again whose sending was cut off, since it may have gone out', async () => {
    const data = temporaryFolder();
    const killed = start(data);
    const before = upstream.calls().length;
    await killed.send(call(1, 'send_mail', { to: 'desk@acme.example', subject: '@hang', body: 'x' }));
    await upstream.hasCalls(before + 1);
    killed.kill('SIGKILL');
    await killed.ended;
    const restarted = start(data);
    expect(refusalIn(await restarted.ask(mail(2)))).toMatchObject({
      code: 'OUTCOME_AMBIGUOUS',
      effect: 'block',
    });
    await restarted.leave();
    expect(upstream.calls()).toHaveLength(before + 1);
  });

  it('told to end answers what waits, loses nothing, and leaves a checkpoint over everything', async () => {
    const data = temporaryFolder();
    const run = start(data);
    await run.ask(read(1, 'kb/refunds.md'));
    const before = upstream.calls().length;
    await run.send(read(2, 'kb/@hang.md'));
    await upstream.hasCalls(before + 1);
    run.kill('SIGTERM');
    expect(refusalIn(await run.answer(2))).toMatchObject({ code: 'OUTCOME_AMBIGUOUS' });
    expect(await run.ended).toEqual({ code: 0, signal: null });
    const covered = checkpointSize(data);
    expect(await storyIn(data)).toEqual([
      'read_text_file allow',
      'read_text_file done',
      'read_text_file allow',
      'read_text_file ambiguous',
    ]);
    expect(covered).toBe((await statementsIn(data)).length);
    expect(await verify(data, 'acme')).toMatchObject({ exitCode: 0 });
  });
});
