import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { allow, call, Peer, refusalIn, request, ScriptedDecider } from './relay.fixture.ts';
import { startRelay } from './relay.ts';
import { comparable, playFixedList, SERVER_EVERYTHING, serverFolder } from './transparency.fixture.ts';
import { spawnUpstream } from './upstream.ts';

async function relayTo(command: string, args: readonly string[]) {
  const stderr = new PassThrough().resume();
  const upstream = await spawnUpstream(command, args, {
    cwd: process.cwd(),
    env: { ...process.env },
    stderr,
  });
  const [input, output] = [new PassThrough(), new PassThrough()];
  const decider = new ScriptedDecider();
  const events: string[] = [];
  let requests = 0;
  const relay = startRelay({
    client: { input, output },
    upstream,
    decider,
    events: { emit: (event) => events.push(event) },
    limits: { graceMs: 300 }, // server-everything does not end with its input
    newRequestId: () => `${++requests}`,
  });
  return { relay, decider, events, input, output };
}

describe('with real servers', () => {
  it('the fixed list of calls to server-everything looks the same with and without the relay', async () => {
    const [command, ...args] = SERVER_EVERYTHING;
    const stderr = new PassThrough().resume();
    const direct = await spawnUpstream(command, args, {
      cwd: process.cwd(),
      env: { ...process.env },
      stderr,
    });
    const relayed = await relayTo(command, args);
    const [without, with_] = await Promise.all([
      playFixedList({ input: direct.input, output: direct.output }),
      playFixedList({ input: relayed.input, output: relayed.output }),
    ]);
    await Promise.all([direct.stop(), relayed.relay.close()]);

    expect(comparable(with_)).toEqual(comparable(without));
    expect(without.length).toBeGreaterThan(90);
    expect(comparable(without)).not.toEqual(without); // there was something to mask
    expect(relayed.decider.asked.length).toBeGreaterThan(40);
    // Each decided request has exactly one outcome; that of the cancelled one is ambiguous.
    const { settled, asked } = relayed.decider;
    expect(settled.filter(({ outcome }) => outcome.outcome === 'ambiguous')).toHaveLength(1);
    expect(new Set(settled.map(({ certificateId }) => certificateId)).size).toBe(asked.length);
    expect(settled).toHaveLength(asked.length);
    expect(relayed.events).toEqual(['mcp.relay-ending']);
  });

  it('server-filesystem does honest work, and a refused call neither happens nor ends the connection', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'pf-relay-'));
    try {
      writeFileSync(join(folder, 'note.txt'), 'twelve bytes');
      const server = join(serverFolder('@modelcontextprotocol/server-filesystem'), 'dist/index.js');
      const { relay, decider, input, output } = await relayTo(process.execPath, [server, folder]);
      decider.hidden = ['move_file'];
      decider.decideBy = ({ requestId, target }) =>
        target === 'write_file'
          ? { effect: 'block', certificateId: 'c', code: 'FORBIDDEN', clause: 'read-only' }
          : allow(requestId);
      const client = new Peer(input, output);
      const clientInfo = { name: 'test', version: '1' };
      client.send(request(0, 'initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo }));
      await client.answer(0);
      client.send({ jsonrpc: '2.0', method: 'notifications/initialized' }, request(1, 'tools/list'));
      const list = (await client.answer(1)) as { result: { tools: { name: string }[] } };
      const names = list.result.tools.map(({ name }) => name);
      expect(names).toContain('read_text_file');
      expect(names).not.toContain('move_file');

      const path = join(folder, 'note.txt');
      client.send(call(2, 'write_file', { arguments: { path, content: 'changed' } }));
      expect(refusalIn(await client.answer(2))).toMatchObject({ code: 'FORBIDDEN', clause: 'read-only' });
      client.send(call(3, 'read_text_file', { arguments: { path } }));
      expect(JSON.stringify(await client.answer(3))).toContain('twelve bytes');
      expect(readFileSync(path, 'utf8')).toBe('twelve bytes');
      input.end();
      expect((await relay.closed).reason).toBe('client-closed');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
