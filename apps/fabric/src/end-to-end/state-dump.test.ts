import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, vi } from 'vitest';
import { buildPrograms, PF } from './built-programs.fixture.ts';
import { get, post, token } from './http-client.fixture.ts';
import { itNeeds, lacks } from './only-where.fixture.ts';
import {
  call,
  compiledBundle,
  type Json,
  loggedIn,
  recordingUpstream,
  temporaryFolder,
} from './pf-process.fixture.ts';
import { type Lines, Program } from './program.fixture.ts';

beforeAll(buildPrograms);

const SECRET = 'correct-horse-battery-staple';

/** A folder from which `node x serve` starts: with so short a command line, its title has no room for our name. */
async function shortFolder(): Promise<string> {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'config/local'), { recursive: true });
  const settings = ['bundle: b', 'data_dir: data', 'listen: 127.0.0.1:0', 'database: none', ''];
  writeFileSync(join(folder, 'config/local/fabric.yaml'), settings.join('\n'));
  symlinkSync(PF, join(folder, 'x'));
  copyFileSync(await compiledBundle('quickstart'), join(folder, 'b'));
  writeFileSync(join(folder, 'p'), `You are the support agent. The code is ${SECRET}.`);
  return folder;
}

/** TCP ports on which a process listens. */
function listeningPorts(pid: number): readonly number[] {
  const sockets = readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [/^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1]];
    } catch {
      return []; // closed meanwhile
    }
  });
  return ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter(([, , , state, , , , , , inode]) => state === '0A' && sockets.includes(inode))
      .map(([, local]) => Number.parseInt(local?.split(':')[1] ?? '', 16)),
  );
}

/** The dumps in a data folder, once the log has told of so many. */
async function dumps(log: Lines, data: string, count: number) {
  await vi.waitUntil(() => log.all.filter((line) => line.includes('"state_dump"')).length >= count, {
    timeout: 25_000,
  });
  const paths = readdirSync(data).filter((name) => name.startsWith('state-dump-'));
  return paths
    .map((name) => join(data, name))
    .map((path) => ({ text: readFileSync(path, 'utf8'), mode: statSync(path).mode & 0o777 }));
}

describe('pkill -USR1 sidecar-watcher', () => {
  const test = itNeeds(lacks('pkill', ['--version'], 'pkill (procps) is missing'));

  test('finds pf serve and pf run, however short their command lines, and each dumps its state and no secret', async () => {
    const folder = await shortFolder();
    const upstream = recordingUpstream('read_text_file');
    const [, script = '', record = ''] = upstream.command;
    copyFileSync(script, join(folder, 'u.mjs'));
    const serve = new Program('node', ['x', 'serve'], { cwd: folder });
    const options = ['--bundle', 'b', '--tenant', 'acme', '--role', 'support', '--prompt-file', 'p'];
    const run = new Program('node', ['x', 'run', ...options, '--', 'node', 'u.mjs', record], {
      cwd: folder,
      env: { XDG_STATE_HOME: folder },
    });
    const [serveData, runData] = [join(folder, 'data'), join(folder, 'provability-fabric/quickstart')];

    const url = `http://127.0.0.1:${(await loggedIn(serve.out, 'listening')).port}`;
    const [agent, host] = [await token(serveData), await token(serveData, { roles: ['host'] })];
    const ask = async (path: string, bearer: string, body: Json) => {
      const answer = await post(`${url}${path}`, bearer, body);
      expect(answer).toMatchObject({ status: 200 });
      return answer.body;
    };
    await ask('/v1/sessions/s1/prompt', host, {
      text: `mail ${SECRET}@customer.example`,
      principal: 'agent-1',
    });
    const action = { kind: 'call', tool: 'read_text_file', args: { path: `kb/${SECRET}.md` } };
    const { session, certificate_id } = await ask('/v1/authorize', agent, { request_id: 'r1', action });
    await ask('/v1/outcome', agent, { session, certificate_id, outcome: 'done', result: SECRET });
    await ask('/v1/authorize', agent, { request_id: 'r2', action });

    const send = (message: Json) => run.write(`${JSON.stringify(message)}\n`);
    await send(call(1, 'read_text_file', { path: `kb/${SECRET}.md` }));
    await run.out.first('the result', (line) => (line.includes(SECRET) ? line : undefined));
    await send(call(2, 'read_text_file', { path: `kb/@hang-${SECRET}.md` }));
    await upstream.hasCalls(2);

    const running = [
      { program: serve, log: serve.out, data: serveData },
      { program: run, log: run.err, data: runData },
    ];
    for (const count of [1, 2]) {
      execFileSync('pkill', ['-USR1', '--parent', `${process.pid}`, 'sidecar-watcher']);
      for (const { log, data } of running) expect(await dumps(log, data, count)).toHaveLength(count);
    }
    for (const { program, log, data } of running) {
      const [dump, again] = await dumps(log, data, 2);
      expect([dump?.mode, again?.mode]).toEqual([0o600, 0o600]);
      const { pid, sessions } = JSON.parse(dump?.text ?? '');
      expect(pid).toBe(program.pid);
      expect(sessions).toEqual([
        expect.objectContaining({ tenant: 'acme', label: 'internal {} trusted', prompts: 1, results: 1 }),
      ]);
      expect(sessions[0].pending).toEqual([
        { certificate: expect.stringMatching(/^[0-9a-f]{64}$/), target: 'read_text_file' },
      ]);
      const said = `${dump?.text}${again?.text}${log.text}${program.err.text}`;
      for (const secret of [SECRET, agent, host]) expect(said).not.toContain(secret);
      expect(said).not.toContain('Debugger listening');
    }
    expect(listeningPorts(serve.pid)).toEqual([Number(new URL(url).port)]);
    expect(listeningPorts(run.pid)).toEqual([]);
    expect(await get(`${url}/health`)).toMatchObject({ status: 200 });
  });
});
