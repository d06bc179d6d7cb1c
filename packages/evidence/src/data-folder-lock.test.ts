import { readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { lockDataFolder } from './data-folder-lock.ts';
import { bundleProgram, type RunningProgram, runProgram } from './testing/child-program.ts';
import { temporaryFolders } from './testing/log-fixture.ts';

const folders = temporaryFolders();
let program: string;
const running: RunningProgram[] = [];

beforeAll(async () => {
  program = await bundleProgram(
    new URL('./testing/locking-program.ts', import.meta.url),
    await folders.make(),
  );
});
afterEach(async () => {
  for (const { kill, ended } of running.splice(0)) {
    kill();
    await ended;
  }
});
afterAll(() => folders.removeAll());

function start(directory: string, platform?: string): RunningProgram {
  const child = runProgram(program, platform === undefined ? [directory] : [directory, platform]);
  running.push(child);
  return child;
}

const now = () => 0;
/** The lock of Linux, and the one of systems without abstract sockets. */
const kinds = process.platform === 'linux' ? [undefined, 'darwin'] : ['darwin'];

describe.each(kinds)('the lock of a data folder (platform %s)', (platform) => {
  it('is had by exactly one of several processes that start at once', async () => {
    for (let round = 0; round < 2; round++) {
      const directory = await folders.make();
      const children = Array.from({ length: 4 }, () => start(directory, platform));
      const answers = await Promise.all(children.map((child) => child.line('')));
      expect(answers.filter((answer) => answer === 'locked')).toHaveLength(1);
      for (const answer of answers.filter((line) => line !== 'locked'))
        expect(answer).toMatch(/^FOLDER_IN_USE /);
    }
  });

  it('is free as soon as its holder was killed, and then had by exactly one', async () => {
    const directory = await folders.make();
    for (let round = 0; round < 3; round++) {
      const holder = start(directory, platform);
      await holder.line('locked');
      expect(await start(directory, platform).line('')).toMatch(/^FOLDER_IN_USE /);
      holder.kill();
      await holder.ended;
      const children = Array.from({ length: 3 }, () => start(directory, platform));
      const answers = await Promise.all(children.map((child) => child.line('')));
      const winner = answers.indexOf('locked');
      expect(answers.filter((answer) => answer === 'locked')).toHaveLength(1);
      children[winner]?.kill();
      await children[winner]?.ended;
    }
  });

  it('says who has it, since when, and what to do', async () => {
    const directory = await folders.make();
    const lock = await lockDataFolder(directory, {
      now,
      ...(platform && { platform: platform as 'darwin' }),
    });
    const answer = await start(directory, platform).line('FOLDER_IN_USE');
    expect(answer).toBe(
      `FOLDER_IN_USE data folder \`${directory}\` is in use by pid ${process.pid} on ${hostname()} since ` +
        '1970-01-01T00:00:00.000Z; stop it or choose another with --data',
    );
    await lock.release();
    await start(directory, platform).line('locked');
  });

  it('is released without a trace', async () => {
    const directory = await folders.make();
    const options = { now, ...(platform && { platform: platform as 'darwin' }) };
    const lock = await lockDataFolder(directory, options);
    expect(JSON.parse(await readFile(join(directory, 'lock'), 'utf8'))).toMatchObject({ pid: process.pid });
    await lock.release();
    expect(await readdir(directory)).toEqual([]);
    await (await lockDataFolder(directory, options)).release();
  });
});

describe.runIf(process.platform === 'linux')('the lock on Linux', () => {
  it('is that of the folder, by whatever name', async () => {
    const directory = await folders.make();
    await start(directory).line('locked');
    const alias = join(await folders.make(), 'alias');
    await symlink(directory, alias);
    await expect(lockDataFolder(alias, { now })).rejects.toMatchObject({ code: 'FOLDER_IN_USE' });
    await expect(
      lockDataFolder(`${directory}/../${directory.split('/').at(-1)}`, { now }),
    ).rejects.toMatchObject({
      code: 'FOLDER_IN_USE',
    });
  });

  it('has a name of full length, which every version of Node takes as it is', async () => {
    const directory = await folders.make();
    const lock = await lockDataFolder(directory, { now });
    const { ino } = await stat(directory);
    const names = (await readFile('/proc/net/unix', 'latin1'))
      .split('\n')
      .filter((line) => line.includes(`/${ino}/`));
    expect(names.map((line) => line.slice(line.indexOf('@')))).toEqual([
      expect.stringMatching(/^@[^@]{107}$/),
    ]);
    await lock.release();
  });

  it('does not believe a file that a killed process left', async () => {
    const directory = await folders.make();
    await writeFile(
      join(directory, 'lock'),
      JSON.stringify({ pid: 1, host: hostname(), started_at: 'earlier' }),
    );
    await (await lockDataFolder(directory, { now })).release();
  });
});

describe('the lock file where it is the lock', () => {
  const platform = 'darwin';

  it('of another host counts as held, since nobody here can know', async () => {
    const directory = await folders.make();
    const holder = { pid: process.pid, host: 'elsewhere', started_at: '2026-01-01T00:00:00.000Z' };
    await writeFile(join(directory, 'lock'), JSON.stringify(holder));
    await expect(lockDataFolder(directory, { now, platform })).rejects.toMatchObject({
      message: expect.stringContaining('on elsewhere since 2026'),
    });
  });

  it.each(['', '{', '{"pid":"one"}', 'null'])('with `%s` in it holds nothing', async (content) => {
    const directory = await folders.make();
    await writeFile(join(directory, 'lock'), content);
    await (await lockDataFolder(directory, { now, platform })).release();
  });
});
