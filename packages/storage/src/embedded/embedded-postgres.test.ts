import { spawn } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { openDatabase } from '../database/database.ts';
import { until } from '../reader/ledger-database.fixture.ts';
import { runProgram, serverProcesses } from '../testing/program.fixture.ts';
import { type EmbeddedPostgres, type PostgresEvent, startEmbeddedPostgres } from './embedded-postgres.ts';

const asRoot = process.getuid?.() === 0;
const folders: string[] = [];
const running: EmbeddedPostgres[] = [];
afterEach(async () => {
  for (const postgres of running.splice(0)) await postgres.stop();
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'pf-embedded-'));
  folders.push(folder);
  return folder;
}

interface Started {
  readonly postgres: EmbeddedPostgres;
  readonly events: {
    readonly event: PostgresEvent;
    readonly details: Readonly<Record<string, string | number>>;
  }[];
}

async function start(directory: string): Promise<Started> {
  const events: Started['events'] = [];
  const postgres = await startEmbeddedPostgres({
    directory,
    emit: (event, details) => events.push({ event, details }),
  });
  running.push(postgres);
  return { postgres, events };
}

let template: string | undefined;

/** The folder of a PostgreSQL that ran before: making the files takes longer than everything else. */
async function usedFolder(): Promise<string> {
  if (template === undefined) {
    template = join(await mkdtemp(join(tmpdir(), 'pf-embedded-')), 'postgres');
    await (await start(template)).postgres.stop();
  }
  const directory = join(await newFolder(), 'postgres');
  await cp(template, directory, { recursive: true });
  return directory;
}
afterAll(async () => {
  if (template !== undefined) await rm(join(template, '..'), { recursive: true, force: true });
});

const named = ({ events }: Started) =>
  events.map(({ event }) => event).filter((event) => event !== 'postgres_said');

async function ask<Row>({ postgres }: Started, text: string): Promise<readonly Row[]> {
  const database = await openDatabase({ url: postgres.url, connections: 1 });
  try {
    return await database.asOwner((tx) => tx.query<Row>(text));
  } finally {
    await database.close();
  }
}

describe('PostgreSQL that we start', () => {
  it('lives in a folder that only its owner may enter: no TCP, synced, checksummed, its password in no sight', async () => {
    const directory = join(await newFolder(), 'postgres');
    const started = await start(directory);
    expect(named(started)).toEqual(['postgres_created', 'postgres_started']);
    const settings = await ask<{ name: string; setting: string }>(
      started,
      `select name, setting from pg_settings where name in ('listen_addresses', 'fsync', 'full_page_writes',
         'synchronous_commit', 'data_checksums', 'server_encoding', 'lc_messages', 'password_encryption')`,
    );
    expect(Object.fromEntries(settings.map(({ name, setting }) => [name, setting]))).toEqual({
      listen_addresses: '',
      fsync: 'on',
      full_page_writes: 'on',
      synchronous_commit: 'on',
      data_checksums: 'on',
      server_encoding: 'UTF8',
      lc_messages: 'C',
      password_encryption: 'scram-sha-256',
    });
    const password = (await readFile(join(directory, 'password'), 'utf8')).trim();
    expect(password).toMatch(/^[0-9a-f]{48}$/);
    for (const name of ['password', 'superuser-password']) {
      expect((await stat(join(directory, name))).mode & 0o777).toBe(0o600);
    }
    for (const name of ['data', 'run']) expect((await stat(join(directory, name))).mode & 0o777).toBe(0o700);
    expect((await readdir(directory)).sort()).toEqual(['data', 'password', 'run', 'superuser-password']);
    for (const pid of serverProcesses(join(directory, 'data'))) {
      expect(await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).not.toContain(password);
    }
    expect(JSON.stringify(started.events)).not.toContain(password);
    const [login] = await ask<{ super: boolean }>(
      started,
      'select rolsuper or rolbypassrls as super from pg_roles where rolname = session_user',
    );
    expect(login).toEqual({ super: false });
  });

  it('keeps what was written and its URL over a stop, and starts again in half a second', async () => {
    const directory = await usedFolder();
    const first = await start(directory);
    await ask(first, 'create table pf.kept as select 7 as value');
    await first.postgres.stop();
    await first.postgres.stop();
    expect(serverProcesses(join(directory, 'data'))).toEqual([]);
    const second = await start(directory);
    expect(second.postgres.url).toBe(first.postgres.url);
    expect(named(second)).toEqual(['postgres_started']);
    expect(await ask(second, 'select value from pf.kept')).toEqual([{ value: 7 }]);
  });

  it.runIf(asRoot)(
    'is run by root as nobody where nobody gets in, and in a user namespace elsewhere',
    async () => {
      const [open, closed] = [await newFolder(), await newFolder()];
      await chmod(open, 0o755);
      await Promise.all([start(join(open, 'postgres')), start(join(closed, 'postgres'))]);
      expect((await stat(join(open, 'postgres', 'data'))).uid).not.toBe(0);
      expect((await stat(join(closed, 'postgres', 'data'))).uid).toBe(0);
    },
  );

  it('is started again when it is killed, under a name, and is healthy again', async () => {
    const directory = await usedFolder();
    const started = await start(directory);
    for (let time = 1; time <= 3; time++) {
      process.kill(serverProcesses(join(directory, 'data'))[0] as number, 'SIGKILL');
      await until('unhealthy', () => started.postgres.health().length === 1);
      await until('healthy', () => started.postgres.health().length === 0);
      expect(named(started).filter((event) => event === 'postgres_exited')).toHaveLength(time);
      expect(await ask(started, 'select 1 as one')).toEqual([{ one: 1 }]);
    }
  });

  it('is started again although a process of it goes on without noticing that it was killed', async () => {
    const directory = await usedFolder();
    const started = await start(directory);
    const [server, ...others] = serverProcesses(join(directory, 'data')) as [number, ...number[]];
    for (const pid of others) process.kill(pid, 'SIGSTOP');
    process.kill(server, 'SIGKILL');
    await until('unhealthy', () => started.postgres.health().length === 1);
    await until('healthy', () => started.postgres.health().length === 0);
    expect(await ask(started, 'select 1 as one')).toEqual([{ one: 1 }]);
    const now = serverProcesses(join(directory, 'data'));
    expect(others.filter((pid) => now.includes(pid))).toEqual([]);
  });

  it('is started again whole when one process of it is killed: its own way to do so can get stuck', async () => {
    const directory = await usedFolder();
    const started = await start(directory);
    const before = serverProcesses(join(directory, 'data'));
    process.kill(before.at(-1) as number, 'SIGKILL');
    await until('unhealthy', () => started.postgres.health().length === 1);
    await until('healthy', () => started.postgres.health().length === 0);
    expect(await ask(started, 'select 1 as one')).toEqual([{ one: 1 }]);
    const now = serverProcesses(join(directory, 'data'));
    expect(before.filter((pid) => now.includes(pid))).toEqual([]);
  });

  it('can be stopped while it is being started again', async () => {
    const directory = await usedFolder();
    const { postgres } = await start(directory);
    process.kill(serverProcesses(join(directory, 'data'))[0] as number, 'SIGKILL');
    await until('unhealthy', () => postgres.health().length === 1);
    await postgres.stop();
    expect(serverProcesses(join(directory, 'data'))).toEqual([]);
  });

  it('left running by a killed process, even stopped in its tracks, is ended by the next start', async () => {
    const directory = await usedFolder();
    const killed = runProgram(new URL('../testing/starting-program.ts', import.meta.url), [directory]);
    await killed.printed('started');
    killed.child.kill('SIGKILL');
    await killed.ended;
    const [orphan] = serverProcesses(join(directory, 'data')) as [number];
    process.kill(orphan, 'SIGSTOP');
    const started = await start(directory);
    expect(named(started)).toEqual(['postgres_orphan_stopped', 'postgres_started']);
    expect(serverProcesses(join(directory, 'data'))).not.toContain(orphan);
    expect(await ask(started, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('starts over lock files that name a process which is by now another program', async () => {
    const directory = await usedFolder();
    const stranger = spawn('sleep', ['60']);
    try {
      const lock = `${stranger.pid}\n${join(directory, 'data')}\n1\n5432\n${join(directory, 'run')}\n\n`;
      await writeFile(join(directory, 'data', 'postmaster.pid'), lock);
      await writeFile(join(directory, 'run', '.s.PGSQL.5432.lock'), lock);
      await writeFile(join(directory, 'run', '.s.PGSQL.5432'), '');
      expect(await ask(await start(directory), 'select 1 as one')).toEqual([{ one: 1 }]);
      expect(stranger.exitCode).toBeNull();
    } finally {
      stranger.kill('SIGKILL');
    }
  });

  it('puts its socket elsewhere where the path to the folder is too long for one', async () => {
    const directory = join(await newFolder(), 'a-rather-long-name'.repeat(6), 'postgres');
    await cp(await usedFolder(), directory, { recursive: true });
    const started = await start(directory);
    const socket = new URL(started.postgres.url).searchParams.get('host') ?? '';
    expect(Buffer.byteLength(socket)).toBeLessThan(60);
    expect((await stat(socket)).mode & 0o777).toBe(0o700);
    expect(await ask(started, 'select 1 as one')).toEqual([{ one: 1 }]);
    await started.postgres.stop();
    await expect(stat(socket)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('refuses files of another major version and leaves them alone', async () => {
    const directory = join(await newFolder(), 'postgres');
    await mkdir(join(directory, 'data'), { recursive: true });
    await writeFile(join(directory, 'data', 'PG_VERSION'), '16\n');
    await expect(start(directory)).rejects.toMatchObject({
      code: 'POSTGRES_OTHER_VERSION',
      message: expect.stringContaining('`16`'),
    });
    expect(await readdir(join(directory, 'data'))).toEqual(['PG_VERSION']);
  });

  it('makes its files anew where making them was interrupted, and never takes half of them', async () => {
    const directory = join(await newFolder(), 'postgres');
    await mkdir(join(directory, 'data.new-abcdef', 'base'), { recursive: true });
    await writeFile(join(directory, 'data.new-abcdef', 'PG_VERSION'), '18\n');
    const started = await start(directory);
    expect(named(started)).toEqual(['postgres_created', 'postgres_started']);
    expect((await readdir(directory)).filter((name) => name.startsWith('data.new'))).toEqual([]);
  });

  it('says what PostgreSQL said when it does not start, and that a password is missing', async () => {
    const directory = await usedFolder();
    const password = join(directory, 'password');
    const kept = await readFile(password);
    await rm(password);
    await expect(start(directory)).rejects.toMatchObject({
      code: 'POSTGRES_FAILED',
      message: expect.stringContaining('password'),
    });
    await writeFile(password, kept);
    await rm(join(directory, 'data', 'global', 'pg_control'));
    await expect(start(directory)).rejects.toMatchObject({
      code: 'POSTGRES_FAILED',
      message: expect.stringMatching(/pg_control|database system/),
    });
  });
});
