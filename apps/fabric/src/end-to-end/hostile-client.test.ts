import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
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

const MEGABYTE = 1024 * 1024;

/** The most memory that a process ever had, in MB. */
function peakMemory(pid: number): number {
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

describe.concurrent('pf run before a hostile client', () => {
  it('answers what is no message by name, forwards none of it, and stays', async () => {
    const upstream = recordingUpstream('echo');
    const data = temporaryFolder();
    const pf = new PfRun(['--bundle', await compiledBundle('everything'), '--data', data], upstream.command);
    const refused = async (code: string, ...lines: readonly (string | Uint8Array)[]) => {
      const before = pf.out.all.length;
      await pf.send(...lines);
      const said = await pf.out.first(code, (line) =>
        pf.out.all.indexOf(line) >= before && line.includes(code) ? line : undefined,
      );
      return JSON.parse(said);
    };
    expect(await refused('JSON_SYNTAX', '{"jsonrpc":"2.0","id":1,"method":')).toMatchObject({
      id: null,
      error: { code: -32700 },
    });
    expect(await refused('JSON_DEPTH', '['.repeat(100_000))).toMatchObject({ id: null });
    expect(
      await refused('JSON_UTF8', Buffer.from('{"jsonrpc":"2.0","id":2,"method":"ping\xff"}', 'latin1')),
    ).toMatchObject({ error: { code: -32700 } });
    // The second `name` is what a server might act on, the first what a policy might read.
    const twice =
      '{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"echo","name":"other","arguments":{}}}';
    expect(await refused('JSON_DUPLICATE_KEY', twice)).toMatchObject({ id: null, error: { code: -32700 } });
    expect(await refused('BATCH', '[{"jsonrpc":"2.0","id":4,"method":"ping"}]')).toMatchObject({
      error: { code: -32600 },
    });
    expect(await refused('NOT_A_MESSAGE', '{"id":5,"method":"ping"}')).toMatchObject({
      id: 5,
      error: { code: -32600 },
    });
    expect(
      await refused('UNKNOWN_METHOD', '{"jsonrpc":"2.0","id":6,"method":"tools/install"}'),
    ).toMatchObject({ id: 6, error: { code: -32601 } });
    expect(
      await refused('INVALID_PARAMS', '{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":5}}'),
    ).toMatchObject({ id: 7 });
    expect(upstream.received()).toEqual([]);

    expect(await pf.ask(call(8, 'echo', { message: 'hello' }))).toMatchObject({
      result: { structuredContent: { message: 'hello' } },
    });
    expect(upstream.calls()).toHaveLength(1);
    expect(await pf.leave()).toEqual({ code: 0, signal: null });
    expect(await storyIn(data)).toEqual(['echo allow', 'echo done']);
  });

  it('refuses a line of 100 MB in bounded memory, before it has ended, and reads on after it', async () => {
    const upstream = recordingUpstream('echo');
    const pf = new PfRun(
      ['--bundle', await compiledBundle('everything'), '--data', temporaryFolder()],
      upstream.command,
    );
    await pf.ask(call(1, 'echo'));
    const before = peakMemory(pf.pid);
    await pf.write(
      '{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"echo","arguments":{"x":"',
    );
    for (let sent = 0; sent < 100; sent++) await pf.write('x'.repeat(MEGABYTE));
    expect(await pf.answer(null)).toMatchObject({
      error: { data: { code: 'MESSAGE_TOO_LARGE', limit: 16 * MEGABYTE } },
    });
    await pf.write('"}}}\n');
    expect(await pf.ask(call(3, 'echo'))).toMatchObject({ result: {} });
    expect(peakMemory(pf.pid) - before).toBeLessThan(100);
    expect(upstream.calls()).toHaveLength(2);
    await pf.leave();
  });

  it('passes integers beyond 2^53 on byte for byte in both directions, and decides on what they are', async () => {
    const upstream = recordingUpstream('echo');
    const data = temporaryFolder();
    const pf = new PfRun(['--bundle', await compiledBundle('everything'), '--data', data], upstream.command);
    const line =
      '{"jsonrpc":"2.0", "id":9007199254740993,"method":"tools/call","params":{"name":"echo","arguments":{"n":9007199254740993,"m":-123456789012345678901234567890,"f":1.50}}}';
    await pf.send(line);
    await pf.out.first('the numbers', (said) =>
      said.includes('"n":9007199254740993,"m":-123456789012345678901234567890,"f":1.50') ? true : undefined,
    );
    expect(upstream.received()).toEqual([line]);
    expect(await pf.leave()).toEqual({ code: 0, signal: null });
    expect(await verify(data, 'local')).toMatchObject({ exitCode: 0 });
  });

  it('that never reads the log is served all the same', async () => {
    const upstream = recordingUpstream('echo');
    const options = ['--bundle', await compiledBundle('everything'), '--data', temporaryFolder()];
    const pf = new PfRun(options, upstream.command, { ignoreLog: true });
    const calls = Array.from({ length: 300 }, (_, at) => call(at + 1, 'echo'));
    await pf.send(...calls);
    expect(await pf.answer(300)).toMatchObject({ result: {} });
    expect(pf.out.all).toHaveLength(300);
    pf.closeInput();
    expect(await pf.exited).toEqual({ code: 0, signal: null });
  });

  it('refuses a tool that the bundle does not know, and records that', async () => {
    const upstream = recordingUpstream('read_text_file');
    const data = temporaryFolder();
    const options = ['--bundle', await compiledBundle('quickstart'), '--tenant', 'acme', '--role', 'support'];
    const pf = new PfRun([...options, '--data', data], upstream.command);
    const answer = await pf.ask(call(1, 'format_disk', { path: 'tickets/4711.txt' }));
    expect(answer).toMatchObject({ result: { isError: true } });
    expect(refusalIn(answer)).toMatchObject({ code: 'NOT_PERMITTED', effect: 'block' });
    expect(upstream.received()).toEqual([]);
    await pf.leave();
    expect(await storyIn(data)).toEqual(['format_disk block NOT_PERMITTED']);
  });

  it('who only claims to have been told: mail goes to whom the prompt file names, and to nobody else', async () => {
    const upstream = recordingUpstream('send_mail');
    const [data, prompt] = [temporaryFolder(), join(temporaryFolder(), 'prompt')];
    writeFileSync(prompt, 'Answer the ticket of maria@customer.example');
    const options = ['--bundle', await compiledBundle('quickstart'), '--tenant', 'acme', '--role', 'support'];
    const pf = new PfRun([...options, '--data', data, '--prompt-file', prompt], upstream.command);
    const mail = (id: number, to: string) =>
      pf.ask(call(id, 'send_mail', { to, subject: 'Your refund', body: 'soon' }));
    expect(refusalIn(await mail(1, 'audit@evil.example'))).toMatchObject({
      code: 'UNTRUSTED_ARGUMENT',
      clause: 'known-recipients',
    });
    expect(await mail(2, 'maria@customer.example')).toMatchObject({ result: { structuredContent: {} } });
    await pf.leave();
    expect(upstream.calls()).toHaveLength(1);
    expect(await storyIn(data)).toEqual([
      'send_mail block UNTRUSTED_ARGUMENT',
      'send_mail allow',
      'send_mail done',
    ]);
    expect(await verify(data, 'acme')).toMatchObject({ exitCode: 0 });
  });
});
