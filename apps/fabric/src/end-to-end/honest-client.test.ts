import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { SERVER_EVERYTHING } from '@provability-fabric/gateway-mcp/transparency';
import { beforeAll, describe, expect, it } from 'vitest';
import { layOutWorkspace } from '../quickstart/workspace.ts';
import { buildPrograms, PF, ROOT } from './built-programs.fixture.ts';
import { checkpointSize, statementsIn, storyIn, verify } from './evidence-in.fixture.ts';
import { temporaryFolder } from './pf-process.fixture.ts';

beforeAll(buildPrograms);

const FILES = createRequire(import.meta.url).resolve('@modelcontextprotocol/server-filesystem/dist/index.js');

/** A client of the official SDK that was configured as the README says: the server's command, prefixed. */
async function connect(data: string, options: readonly string[], server: readonly string[], cwd: string) {
  const args = [PF, 'run', ...options, '--data', data, '--', ...server];
  const transport = new StdioClientTransport({ command: process.execPath, args, cwd, stderr: 'ignore' });
  const client = new Client({ name: 'honest-client', version: '1' });
  await client.connect(transport);
  return { client, pid: transport.pid as number };
}

async function workspace(): Promise<string> {
  const folder = join(temporaryFolder(), 'workspace');
  mkdirSync(folder);
  await layOutWorkspace(folder);
  return folder;
}

const QUICKSTART = ['--bundle', join(ROOT, 'bundles/quickstart'), '--tenant', 'acme'];

describe('a client of the official SDK before the real file server', () => {
  it('gets a refusal as a tool result with code and clause, and goes on working', async () => {
    const [folder, data] = [await workspace(), temporaryFolder()];
    const { client } = await connect(
      data,
      [...QUICKSTART, '--role', 'support'],
      [process.execPath, FILES, folder],
      folder,
    );
    const names = (await client.listTools()).tools.map(({ name }) => name).sort();
    // Permitted to the role, and not forbidden for ever (edit_file, move_file), and declared at all.
    expect(names).toEqual([
      'get_file_info',
      'list_directory',
      'read_text_file',
      'search_files',
      'write_file',
    ]);

    const read = (path: string) => client.callTool({ name: 'read_text_file', arguments: { path } });
    const refused = (code: string, clause: string) => ({
      isError: true,
      content: [
        {
          type: 'text',
          text: expect.stringMatching(
            `^refused by policy: ${code} \\(clause ${clause}\\), certificate [0-9a-f]{64}$`,
          ),
        },
      ],
      _meta: {
        'provability-fabric/refusal': {
          code,
          clause,
          effect: 'block',
          certificate_id: expect.stringMatching(/^[0-9a-f]{64}$/),
        },
      },
    });
    expect(await read('../../../../etc/passwd')).toMatchObject(refused('NOT_PERMITTED', 'no-path-outside'));
    expect(await read('tenants/globex/contracts.txt')).toMatchObject(
      refused('CROSS_TENANT', 'no-path-outside'),
    );
    const moved = { source: 'outbox/acme/a', destination: 'outbox/acme/b' };
    expect(await client.callTool({ name: 'move_file', arguments: moved })).toMatchObject(
      refused('TRACE_FORBIDDEN', 'no-rewriting'),
    );
    const ticket = await read('tickets/4711.txt');
    expect(ticket.isError ?? false).toBe(false);
    expect(JSON.stringify(ticket.content)).toContain('When will I be refunded?');
    await client.close();

    expect(await storyIn(data)).toEqual([
      'read_text_file block NOT_PERMITTED',
      'read_text_file block CROSS_TENANT',
      'move_file block TRACE_FORBIDDEN',
      'read_text_file allow',
      'read_text_file done',
    ]);
    expect(await verify(data, 'acme')).toMatchObject({ exitCode: 0 });
  });

  it('without the role is shown no tool and may call none', async () => {
    const [folder, data] = [await workspace(), temporaryFolder()];
    const { client } = await connect(data, QUICKSTART, [process.execPath, FILES, folder], folder);
    expect((await client.listTools()).tools).toEqual([]);
    const result = await client.callTool({ name: 'write_file', arguments: { path: 'outbox', content: 'x' } });
    expect(result._meta).toMatchObject({
      'provability-fabric/refusal': { code: 'NOT_PERMITTED', effect: 'block' },
    });
    expect(existsSync(join(folder, 'outbox'))).toBe(false);
    await client.close();
  });
});

describe('a client of the official SDK that leaves', () => {
  // It closes the input, signals after two seconds and kills after four: by then all must be done.
  it('finds the log closed and the server gone, even one that ignores the end of its input', async () => {
    const data = temporaryFolder();
    const options = ['--bundle', join(ROOT, 'bundles/everything')];
    const { client, pid } = await connect(data, options, SERVER_EVERYTHING, data);
    await client.callTool({ name: 'echo', arguments: { message: 'hello' } });
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);
    expect(children).toHaveLength(1);
    await client.close();
    for (const gone of [pid, ...children]) expect(() => process.kill(gone, 0)).toThrow('ESRCH');
    expect(checkpointSize(data)).toBe((await statementsIn(data)).length);
  });
});
