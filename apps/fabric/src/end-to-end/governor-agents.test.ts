import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildPrograms, SAFEAI } from './built-programs.fixture.ts';
import { change, Governed, type GovernorService } from './governed-tree.fixture.ts';
import type { GovernorClient } from './governor-client.fixture.ts';
import type { Json } from './pf-process.fixture.ts';

// Agents with the SDK's own client propose changes to `pf serve governor` and to `safeai mcp`; a person, or the policy, decides.
let governed: Governed;
let service: GovernorService;
let admin: GovernorClient;
const clients: Client[] = [];

beforeAll(async () => {
  await buildPrograms();
  governed = new Governed({ files: { 'src/a.txt': 'one\n' }, policy: ['autonomy_tier: beta'] });
  for (const id of ['default', 'bob']) await governed.key(id);
  service = governed.serve();
  admin = await service.client('admin', 'ann');
});
afterAll(async () => {
  await Promise.all(clients.map((client) => client.close()));
  await service.stop();
});

async function agent(principal: string, role = 'proposer'): Promise<Client> {
  const { url, bearer } = await service.client(role, principal);
  const requestInit = { headers: { authorization: `Bearer ${bearer}` } };
  return connected(new StreamableHTTPClientTransport(new URL('/mcp', url), { requestInit }));
}

async function connected(transport: unknown): Promise<Client> {
  const client = new Client({ name: 'an agent', version: '1.0.0' });
  await client.connect(transport as never);
  clients.push(client);
  return client;
}

interface Told extends Json {
  readonly hash: string;
  readonly status: string;
}

async function call(client: Client, name: string, input: Json = {}): Promise<Told> {
  const { isError, structuredContent, content } = await client.callTool({ name, arguments: input });
  if (isError === true) throw new Error(JSON.stringify(content));
  return structuredContent as Told;
}

/** What became of its own. */
async function checked(client: Client, hash: string): Promise<Told> {
  return (await call(client, 'check_change', { hash })).proposal as Told;
}

function proposal(path: string): Json {
  const { files, tests } = change({ [path]: 'by an agent\n' }) as { files: Json; tests: Json };
  return { rationale: 'an agent was asked for it', files, tests };
}

/** A file with a token, as somebody at a desk has it. */
async function tokenFile(): Promise<string> {
  const { bearer } = await service.client('operator');
  const path = join(governed.root, 'token');
  writeFileSync(path, bearer, { mode: 0o600 });
  return path;
}

/** With the key of a person, at the service, as it is done at a desk. */
async function approve(hash: string, ...more: readonly string[]) {
  const there = ['--url', await service.url(), '--token-file', await tokenFile()];
  return governed.safeai('proposals', 'approve', hash, ...there, ...more);
}

describe.sequential('an agent that proposes a change', () => {
  it('sees it land once a person has signed it, and not before', async () => {
    const client = await agent('robot');
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name).sort()).toEqual(['check_change', 'propose_change', 'status']);
    const { hash, status } = await call(client, 'propose_change', proposal('src/beta.txt'));
    expect(status).toBe('open');
    expect(() => governed.read('src/beta.txt')).toThrow('ENOENT');
    const listed = await admin.ask('GET', '/v1/proposals');
    expect(listed.body).toMatchObject([{ hash, proposer: 'robot', status: 'open' }]);
    const other = await agent('another');
    await expect(checked(other, hash)).rejects.toThrow('PROPOSAL_UNKNOWN');
    expect(await approve(hash)).toMatchObject({ code: 0 });
    expect(governed.read('src/beta.txt')).toBe('by an agent\n');
    expect(await checked(client, hash)).toMatchObject({ status: 'applied' });
    const who = (await admin.audit()).filter(({ manifest_sha256 }) => manifest_sha256 === hash);
    expect(who.map(({ kind, principal }) => `${kind} ${principal}`)).toEqual([
      'change-proposed robot',
      'change-started operator',
      'change-applied operator',
    ]);
  });

  it('waits for as many persons as the policy asks for', async () => {
    governed.policy('version: 2', 'signatures: {required: 2, roles: [human]}');
    const client = await agent('robot');
    const { hash } = await call(client, 'propose_change', proposal('src/two.txt'));
    for (const _ of [1, 2]) {
      const first = await approve(hash);
      expect([first.code, first.err]).toEqual([1, expect.stringContaining('SIGNATURES_MISSING')]);
    }
    expect(await checked(client, hash)).toMatchObject({ status: 'open' });
    expect(await approve(hash, '--key-id', 'bob')).toMatchObject({ code: 0 });
    expect(governed.read('src/two.txt')).toBe('by an agent\n');
  });

  it('gets a plan and nothing more under tier alpha', async () => {
    governed.policy('version: 3', 'autonomy_tier: alpha');
    const client = await agent('robot');
    const { hash } = await call(client, 'propose_change', proposal('src/alpha.txt'));
    const approved = await approve(hash);
    expect([approved.code, approved.err]).toEqual([1, expect.stringContaining('CHANGE_BLOCKED')]);
    expect(() => governed.read('src/alpha.txt')).toThrow('ENOENT');
  });

  it('sees it land at once under tier stable, where the governor was given a key for that', async () => {
    governed.policy('version: 4', 'autonomy_tier: stable');
    const client = await agent('robot');
    const before = await call(client, 'propose_change', proposal('src/no-key.txt'));
    expect(before.status).toBe('open');
    await governed.key('mcp', 'agent');
    const { hash, status } = await call(client, 'propose_change', proposal('src/stable.txt'));
    expect(status).toBe('applied');
    expect(governed.read('src/stable.txt')).toBe('by an agent\n');
    const stale = await approve(before.hash);
    expect([stale.code, stale.err]).toEqual([1, expect.stringContaining('STALE_BASE')]);
    const blocked = await call(client, 'propose_change', proposal('.git/hooks/pre-commit'));
    const named = expect.arrayContaining([expect.stringMatching(/^git_folder: /)]);
    expect(blocked).toMatchObject({ status: 'refused', verdict: 'blocked', reasons: named });
    const landed = (await admin.audit()).filter(({ manifest_sha256 }) => manifest_sha256 === hash);
    expect(landed.map(({ kind, actor }) => `${kind} ${actor}`)).toEqual([
      'change-proposed mcp',
      'change-started mcp',
      'change-applied mcp',
    ]);
  });

  it('proposes over stdio as well, where no service runs', async () => {
    const desk = new Governed({ files: { 'src/a.txt': 'one\n' }, policy: ['autonomy_tier: beta'] });
    await desk.key('default');
    const transport = new StdioClientTransport({
      command: process.execPath,
      args: [SAFEAI, 'mcp'],
      cwd: desk.root,
      env: { PATH: `${process.env.PATH}`, USER: 'robot', ...desk.environment },
      stderr: 'ignore',
    });
    const client = await connected(transport);
    const { hash } = await call(client, 'propose_change', proposal('src/stdio.txt'));
    const applied = await desk.said('proposals', 'approve', hash);
    expect(applied).toMatchObject({ success: true });
    expect(desk.read('src/stdio.txt')).toBe('by an agent\n');
    expect(await checked(client, hash)).toMatchObject({ hash, status: 'applied' });
  });
});
