import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { openDatabase } from '../database/database.ts';
import { startEmbeddedPostgres } from './embedded-postgres.ts';
import { embeddedUrl } from './embedded-url.ts';

const folders: string[] = [];
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'pf-url-'));
  folders.push(folder);
  return folder;
}

const NOT_RUNNING = { code: 'LEDGER_UNAVAILABLE', message: expect.stringMatching(/start the fabric whose/) };

it('is the one of the database that runs there, wherever its socket had to go, and of none that does not', async () => {
  // Too long a path for a socket, which then lies in a folder of its own.
  const directory = join(await newFolder(), 'a-long-name'.repeat(9), 'postgres');
  await expect(embeddedUrl(directory)).rejects.toMatchObject(NOT_RUNNING);
  const postgres = await startEmbeddedPostgres({ directory, emit: () => undefined });
  try {
    const url = await embeddedUrl(directory);
    expect(url).toBe(postgres.url);
    await (await openDatabase({ url })).close();
    // Everybody can make folders where this one is: the password goes to nobody else's.
    const sockets = new URL(url).searchParams.get('host') ?? '';
    await chmod(sockets, 0o777);
    await expect(embeddedUrl(directory)).rejects.toMatchObject(NOT_RUNNING);
    await chmod(sockets, 0o700);
  } finally {
    await postgres.stop();
  }
  await expect(embeddedUrl(directory)).rejects.toMatchObject(NOT_RUNNING);
});

it('is none where only the socket of a server that was killed is left', async () => {
  const directory = await newFolder();
  for (const name of ['data', 'run']) await mkdir(join(directory, name), { mode: 0o700 });
  const socket = join(directory, 'run/.s.PGSQL.5432');
  const source = `require('node:net').createServer().listen(${JSON.stringify(socket)}, () => console.log('there'))`;
  const listener = spawn(process.execPath, ['-e', source], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(listener.stdout, 'data');
  listener.kill('SIGKILL');
  await once(listener, 'exit');
  expect((await stat(socket)).isSocket()).toBe(true);
  await expect(embeddedUrl(directory)).rejects.toMatchObject(NOT_RUNNING);
});
