import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CHECKOUT, temporaryFolders } from '@provability-fabric/command-line/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ORIGIN, openFabric, type TestFabric } from '../evidence/data-folder.fixture.ts';
import { pfctl } from '../terminal.fixture.ts';

const folders = temporaryFolders();
let root = '';
let fabric: TestFabric;
const GUESS = `pfh1_${'a'.repeat(32)}`;

beforeAll(async () => {
  root = folders.make({ 'config/local/fabric.yaml': `data_dir: data\norigin: ${ORIGIN}\n` });
  const bundle = join(root, 'quarantine');
  cpSync(join(CHECKOUT, 'bundles/quarantine'), bundle, { recursive: true });
  const policy = join(bundle, 'policy.cedar');
  // The fixture's agent.
  writeFileSync(policy, readFileSync(policy, 'utf8').replaceAll(/Role::"[^"]+"/g, 'Role::"assistant"'));
  fabric = await openFabric(join(root, 'data'), bundle);
  const call = (tool: string, args: Record<string, string>) =>
    fabric.call({ session: 's', tool, args, result: 'the secret result' });
  await call('read_text_file', { path: 'tenants/acme/customers.csv' });
  await call('send_mail', { to: 'somebody@acme.example', subject: 'x', body: GUESS });
  await call('fabric_extract', { handle: 'x', type: 'colour' });
  await fabric.log.flush();
});
afterAll(async () => {
  await fabric?.close();
  folders.removeAll();
});

const explain = async (...args: readonly string[]) =>
  (await pfctl(['explain', ...args], { directory: root })).out;

describe('what is hidden from the agent', () => {
  test('is in the story as handles, without its value', async () => {
    const out = await explain('s#3');
    expect(out).toMatch(/\n#1 .* call read_text_file {2}accept, allow, done, hidden behind 1 handle\n/);
    expect(out).not.toContain('the secret result');
    expect(JSON.parse(await explain('s#3', '--json')).events[1]).toMatchObject({ seq: 1, handles: 1 });
  });

  test('a forged handle is told with its place and problem, and never itself', async () => {
    const out = await explain('s#3');
    expect(out).toContain('at /body; problem is no handle of this session');
    expect(out).toContain('a handle stands for a value only as a whole argument');
    expect(out).not.toContain(GUESS);
    expect(out).toContain('no mode and no other history weakens HANDLE_INVALID');
  });

  test('what may not be extracted is not said to want a permit, and no search is made for one', async () => {
    const out = await explain('s#4');
    expect(out).toContain('\n  permit accept\n');
    expect(out).toContain('fabric_extract gives out what a rule of handles.extract names');
    expect(out).toContain('problem expected a `type` out of');
    expect(out).toContain('of unknown source: no prompt, set or trusted result has exactly this');
    expect(out).toContain('no mode and no other history weakens NOT_PERMITTED');
    expect(out).not.toContain('no permit that is in force');
    expect(out).not.toContain('the search ended at its bound');
  });
});
