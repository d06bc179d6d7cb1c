import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CHECKOUT, temporaryFolders } from '@provability-fabric/command-line/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { pfctl } from '../terminal.fixture.ts';

const folders = temporaryFolders();
afterAll(() => folders.removeAll());

const TOOLS = JSON.stringify({
  tools: [
    { name: 'list_mails', inputSchema: { type: 'object', properties: {} } },
    {
      name: 'send_mail',
      inputSchema: { type: 'object', properties: { to: { type: 'string' } }, required: ['to'] },
    },
  ],
});
const OPENAPI = `openapi: 3.0.0
paths:
  /orders/{id}:
    delete:
      operationId: cancelOrder
      parameters: [{ name: id, in: path, required: true, schema: { type: string } }]
`;

describe('pfctl bundle draft', () => {
  it('says what is wrong with what it was given, and writes nothing', async () => {
    const directory = folders.make({
      'bad.json': '{',
      'none.json': '[]',
      'tools.json': TOOLS,
      'twice.json': TOOLS,
    });
    for (const [args, said] of [
      [[], 'expected --tools, --openapi or --mcp'],
      [['--tools', 'bad.json'], 'bad.json: '],
      [['--tools', 'gone.json'], 'gone.json: expected a file that can be read (ENOENT)'],
      [['--tools', 'none.json'], 'expected at least one tool'],
      [['--tools', 'tools.json', '--openapi', 'tools.json'], 'expected an OpenAPI 3 document'],
      [['--mcp', ' '], 'expected the command of an MCP server'],
      [['--tools', 'tools.json', '--tenant', 'A B'], 'tenant'],
    ] as const) {
      const { code, err } = await pfctl(['bundle', 'draft', 'desk', ...args], { directory });
      expect([code, err]).toEqual([3, expect.stringContaining(said)]);
    }
    expect((await pfctl(['bundle', 'draft', '../desk', '--tools', 'tools.json'], { directory })).code).toBe(
      3,
    );
    expect(existsSync(join(directory, 'bundles'))).toBe(false);
  });

  it('does not wait for a server that is none', async () => {
    const directory = folders.make();
    const { code, err } = await pfctl(['bundle', 'draft', 'desk', '--mcp', 'node -e 0'], { directory });
    expect([code, err]).toEqual([4, expect.stringContaining('expected an MCP server from `node`')]);
  });

  it('writes a bundle that compiles, once, out of all that it is given', async () => {
    const directory = folders.make({ 'tools.json': TOOLS, 'api.yaml': OPENAPI });
    const draft = ['bundle', 'draft', 'desk', '--tools', 'tools.json', '--openapi', 'api.yaml'];
    const { code, out } = await pfctl(draft, { directory });
    expect(code).toBe(0);
    expect(out).toContain('wrote bundles/desk/bundle.yaml\n');
    expect(out).toContain('Drafted from 3 tools.');
    expect(await pfctl(['policy', 'check', 'bundles/desk'], { directory })).toMatchObject({
      code: 0,
      err: '',
    });
    const text = readFileSync(join(directory, 'bundles/desk/bundle.yaml'), 'utf8');
    expect(text).toContain('      to: { trusted: true, endorse: [prompt] }');
    expect(text).toContain('  cancelOrder:\n    effect: write');
    expect((await pfctl(draft, { directory })).err).toContain('expected no such folder yet');
  });

  it('asks an MCP server for its tools', async () => {
    const server = join(CHECKOUT, 'node_modules/@modelcontextprotocol/server-everything/dist/index.js');
    const directory = folders.make();
    const { code, err } = await pfctl(['bundle', 'draft', 'every', '--mcp', `node ${server}`], { directory });
    expect([code, err]).toEqual([0, '']);
    expect(await pfctl(['policy', 'check', 'bundles/every'], { directory })).toMatchObject({ code: 0 });
    expect(readFileSync(join(directory, 'bundles/every/bundle.yaml'), 'utf8')).toContain('  echo:\n');
  });
});
