import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildPrograms, ROOT } from './built-programs.fixture.ts';
import { storyIn } from './evidence-in.fixture.ts';
import {
  call,
  compiledBundle,
  PfRun,
  PfServe,
  pf,
  recordingUpstream,
  refusalIn,
  temporaryFolder,
} from './pf-process.fixture.ts';

beforeAll(buildPrograms);

const ACME = ['--tenant', 'acme', '--role', 'support'];

/** A copy of the quickstart bundle with changes to its sources. */
function changedBundle(change: (yaml: string) => string): string {
  const folder = join(temporaryFolder(), 'bundle');
  cpSync(join(ROOT, 'bundles/quickstart'), folder, { recursive: true });
  const path = join(folder, 'bundle.yaml');
  writeFileSync(path, change(readFileSync(path, 'utf8')));
  return folder;
}

/** Runs `pf run` before an upstream that must not be started, with a data folder that must not be made. */
async function refusedRun(...options: readonly string[]) {
  const upstream = recordingUpstream();
  const data = join(temporaryFolder(), 'data');
  const ended = await pf(['run', '--data', data, ...options, '--', 'touch', `${data}-started`]);
  expect(existsSync(`${data}-started`)).toBe(false);
  expect(upstream.received()).toEqual([]);
  expect(ended.out).toBe('');
  expect(ended.err).not.toMatch(/^\s+at /m);
  return { ...ended, data };
}

describe.concurrent('pf run is not started', () => {
  it('with a bundle that does not compile: every error with file, line, clause and mend', async () => {
    const bundle = changedBundle((yaml) =>
      yaml.replace('max: 6', 'max: six').replace('kind: trace', 'kind: tracing'),
    );
    const { code, err, data } = await refusedRun('--bundle', bundle, ...ACME);
    expect(code).toBe(3);
    expect(err).toContain('does not compile, so nothing was started');
    expect(err).toMatch(
      /^bundle\.yaml:\d+:\d+: clause no-rewriting: expected .*, came `tracing`; mend: .* \[WRONG_VALUE\]$/m,
    );
    expect(err).toMatch(
      /^bundle\.yaml:\d+:\d+: clause few-reads: expected .*, came `six`; mend: .* \[WRONG_VALUE\]$/m,
    );
    expect(existsSync(data)).toBe(false);
  });

  it('with a bundle, tenant, option or prompt that is not there, or is something else', async () => {
    const missing = await refusedRun('--bundle', '/nonexistent/bundle', ...ACME);
    expect(missing).toMatchObject({
      code: 3,
      err: expect.stringContaining('found nothing; `pfctl init NAME` writes one'),
    });
    expect(existsSync(missing.data)).toBe(false);
    const broken = join(temporaryFolder(), 'bundle.json');
    writeFileSync(broken, '{"format":"of another program"}');
    const unreadable = await refusedRun('--bundle', broken, ...ACME);
    expect(unreadable).toMatchObject({
      code: 3,
      err: expect.stringContaining(`expected a compiled bundle in \`${broken}\``),
    });
    const bundle = await compiledBundle('quickstart');
    const tenantless = await refusedRun('--bundle', bundle);
    expect(tenantless).toMatchObject({
      code: 3,
      err: expect.stringContaining('expected --tenant to be one of acme, globex'),
    });
    const mistyped = await refusedRun('--bundel', bundle);
    expect(mistyped).toMatchObject({ code: 3, err: expect.stringContaining('--bundle') });
    const promptless = await refusedRun('--bundle', bundle, ...ACME, '--prompt-file', '/nonexistent/prompt');
    expect(promptless).toMatchObject({ code: 3, err: expect.stringContaining('--prompt-file') });
    expect(existsSync(promptless.data)).toBe(false);
  });

  it('with a lower version of a bundle than was activated before', async () => {
    const higher = changedBundle((yaml) => yaml.replace('version: 1', 'version: 2'));
    const upstream = recordingUpstream();
    const data = temporaryFolder();
    const first = new PfRun(['--bundle', higher, '--data', data, ...ACME], upstream.command);
    await first.ask({ jsonrpc: '2.0', id: 1, method: 'ping' });
    expect((await first.leave()).code).toBe(0);
    const bundle = await compiledBundle('quickstart');
    const second = await refusedRun('--bundle', bundle, '--data', data, ...ACME);
    expect(second.code).toBe(3);
    expect(second.err).toBe(
      'pf: BUNDLE_ROLLBACK: bundle `quickstart` was activated in version 2, which is above 1; publish the content you want as version 3',
    );
  });

  it('before a server that is not there', async () => {
    const upstream = ['/nonexistent/mcp-server'];
    const run = new PfRun(
      ['--bundle', await compiledBundle('quickstart'), '--data', temporaryFolder(), ...ACME],
      upstream,
    );
    expect(await run.ended).toEqual({ code: 1, signal: null });
    expect(run.err.text).toContain(
      'expected the command of a server, got `/nonexistent/mcp-server`, which is not installed or not on PATH',
    );
  });
});

describe('an expired bundle', () => {
  it('starts, refuses every call as BUNDLE_EXPIRED, and says so on record', async () => {
    const bundle = changedBundle((yaml) =>
      yaml.replace('version: 1', 'version: 1\nexpires: 2020-01-01T00:00:00Z'),
    );
    const upstream = recordingUpstream('read_text_file');
    const data = temporaryFolder();
    const run = new PfRun(['--bundle', bundle, '--data', data, ...ACME], upstream.command);
    expect(refusalIn(await run.ask(call(1, 'read_text_file', { path: 'kb/refunds.md' })))).toMatchObject({
      code: 'BUNDLE_EXPIRED',
    });
    expect(upstream.received()).toEqual([]);
    await run.leave();
    expect(await storyIn(data)).toEqual(['read_text_file block BUNDLE_EXPIRED']);
  });
});

describe('a busy port', () => {
  let blocker: Server;
  let port: number;
  beforeAll(async () => {
    blocker = createServer();
    await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve));
    port = (blocker.address() as { port: number }).port;
  });
  afterAll(() => new Promise((resolve) => blocker.close(resolve)));

  it('stops pf run --listen and pf serve with one line that says what to do', async () => {
    const options = ['--bundle', await compiledBundle('quickstart'), '--listen', `127.0.0.1:${port}`];
    const said = `pf: PORT_IN_USE: port ${port} on 127.0.0.1 is in use: stop what listens there or choose another with --listen`;
    const run = await refusedRun(...options, ...ACME);
    expect(run.code).toBe(1);
    expect(run.err.split('\n').at(-1)).toBe(said);
    const serve = await pf(['serve', 'sidecar-watcher', ...options, '--data', temporaryFolder()]);
    expect(serve).toMatchObject({ code: 1, err: said });
  });
});

describe('two fabrics on one data folder', () => {
  it('are one: the second names the first and ends, the first goes on unharmed', async () => {
    const bundle = await compiledBundle('quickstart');
    const upstream = recordingUpstream('read_text_file');
    const data = temporaryFolder();
    const first = new PfRun(['--bundle', bundle, '--data', data, ...ACME], upstream.command);
    await first.ask(call(1, 'read_text_file', { path: 'kb/refunds.md' }));
    const durable = () => ['journal', 'keys', 'bundles'].map((folder) => readdirSync(join(data, folder)));
    const before = durable();
    const refused = await pf(['run', '--bundle', bundle, '--data', data, ...ACME, '--', ...upstream.command]);
    expect(refused.code).toBe(1);
    expect(refused.err).toMatch(
      new RegExp(
        `^pf: FOLDER_IN_USE: data folder \`${data}\` is in use by pid ${first.pid} on .*; stop it or choose another with --data$`,
      ),
    );
    const serve = new PfServe(['--bundle', bundle, '--data', data, '--listen', '127.0.0.1:0']);
    expect(await serve.ended).toEqual({ code: 1, signal: null });
    expect(serve.err.text).toContain(`is in use by pid ${first.pid}`);
    expect(durable()).toEqual(before);
    expect(await first.ask(call(2, 'read_text_file', { path: 'kb/refunds.md' }))).toMatchObject({
      result: { structuredContent: {} },
    });
    await first.leave();
    expect(await storyIn(data)).toEqual([
      'read_text_file allow',
      'read_text_file done',
      'read_text_file allow',
      'read_text_file done',
    ]);
  });
});
