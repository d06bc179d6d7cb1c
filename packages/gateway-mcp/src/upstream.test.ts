import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { LineReader } from './line-reader.ts';
import { call, Peer, refusalIn, ScriptedDecider } from './relay.fixture.ts';
import { startRelay } from './relay.ts';
import { spawnUpstream } from './upstream.ts';

const options = { cwd: process.cwd(), env: { PATH: process.env.PATH } };
const node = (script: string, more = {}) =>
  spawnUpstream(process.execPath, ['-e', script], { ...options, ...more });

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe('spawnUpstream', () => {
  it('says which command is missing, which folder, and what cannot be run', async () => {
    await expect(spawnUpstream('no-such-server-here', [], options)).rejects.toMatchObject({
      name: 'UpstreamError',
      code: 'UPSTREAM_NOT_FOUND',
      message: expect.stringContaining('`no-such-server-here`, which is not installed'),
    });
    await expect(spawnUpstream('node', [], { ...options, cwd: '/no/such/folder' })).rejects.toMatchObject({
      code: 'UPSTREAM_NOT_STARTED',
      message: expect.stringContaining('`/no/such/folder`'),
    });
    await expect(spawnUpstream('/dev/null', [], options)).rejects.toMatchObject({
      code: 'UPSTREAM_NOT_STARTED',
      message: expect.stringContaining('EACCES'),
    });
  });

  it('gives the server its environment and no other', async () => {
    const server = await node('process.stdout.write(JSON.stringify(process.env) + "\\n")', {
      env: { ONLY: 'this' },
    });
    const line = await new LineReader(server.output, 10_000).next();
    expect(line?.kind === 'line' && JSON.parse(line.bytes.toString())).toEqual({ ONLY: 'this' });
    expect(await server.done).toEqual({ code: 0, signal: null });
  });

  it('kills a server that ignores SIGTERM, and what it started', async () => {
    const stubborn = 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000);';
    const server = await node(
      `const c = require("child_process").spawn(process.execPath, ["-e", ${JSON.stringify(`${stubborn}console.log("up")`)}]);
       c.stdout.once("data", () => console.log(c.pid)); ${stubborn}`,
      { killGraceMs: 100 },
    );
    const line = await new LineReader(server.output, 100).next();
    const grandchild = line?.kind === 'line' ? Number(line.bytes.toString()) : 0;
    expect([isAlive(server.pid), isAlive(grandchild)]).toEqual([true, true]);
    await server.stop();
    expect(await server.done).toEqual({ code: null, signal: 'SIGKILL' });
    for (let tries = 0; tries < 100 && isRunning(grandchild); tries++) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(isRunning(grandchild)).toBe(false);
    await server.stop(); // again: nothing left, nothing said
  });

  it('ends what a server leaves behind when it exits', async () => {
    const server = await node(
      `const c = require("child_process").spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
       console.log(c.pid); c.unref(); process.exitCode = 3;`,
      { killGraceMs: 200 },
    );
    const line = await new LineReader(server.output, 100).next();
    const orphan = line?.kind === 'line' ? Number(line.bytes.toString()) : 0;
    expect(await server.done).toEqual({ code: 3, signal: null });
    await server.stop();
    expect(isRunning(orphan)).toBe(false);
  });

  it("sends the server's stderr where it is told to", async () => {
    const stderr = new PassThrough();
    await node('console.error("a warning")', { stderr });
    const [chunk] = (await once(stderr, 'data')) as [Buffer];
    expect(chunk.toString()).toBe('a warning\n');
  });

  it('relays to a real process that dies in the middle of a call', async () => {
    const upstream = await node('process.stdin.once("data", () => process.exit(7))');
    const [input, output] = [new PassThrough(), new PassThrough()];
    const decider = new ScriptedDecider();
    const client = new Peer(input, output);
    const relay = startRelay({
      client: { input, output },
      upstream,
      decider,
      events: { emit: () => {} },
      newRequestId: () => 'r',
    });
    client.send(call(1));
    expect(refusalIn(await client.answer(1))).toMatchObject({ code: 'OUTCOME_AMBIGUOUS' });
    expect(await relay.closed).toEqual({ reason: 'upstream-exited', upstream: { code: 7, signal: null } });
    expect(decider.outcomes()).toEqual(['cert-r ambiguous']);
  });
});

/** Alive and no zombie: where nobody reaps orphans, a killed process keeps its entry. */
function isRunning(pid: number): boolean {
  if (!isAlive(pid)) return false;
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
