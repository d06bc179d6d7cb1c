import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { dropUnsynced } from './power-failure.ts';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** A folder before and after what a trace tells, and the worst that a power failure can do to it. */
function afterPowerFailure(
  { before, now }: { before: Record<string, string>; now: Record<string, string> },
  trace: (at: (name: string) => string) => readonly string[],
) {
  const root = mkdtempSync(join(tmpdir(), 'pf-power-'));
  folders.push(root);
  const [data, earlier] = [join(root, 'data'), join(root, 'earlier')];
  for (const [folder, files] of [
    [data, now],
    [earlier, before],
  ] as const) {
    mkdirSync(folder);
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  }
  const file = join(root, 'trace');
  writeFileSync(file, `${trace((name) => escaped(join(data, name))).join('\n')}\n`);
  const dropped = dropUnsynced({ data, before: earlier, trace: file, random: () => 0.999 });
  const read = (name: string) => readFileSync(join(data, name), 'utf8');
  return { dropped, read };
}

function escaped(text: string): string {
  return [...Buffer.from(text)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
}

describe('a power failure', () => {
  test('takes what was written after the last sync, and nothing before it', () => {
    const { read, dropped } = afterPowerFailure({ before: {}, now: { log: 'keptlost' } }, (at) => [
      `7 pwrite64(5<${at('log')}>, "${escaped('kept')}", 4, 0) = 4`,
      `7 fdatasync(5<${at('log')}>) = 0`,
      `7 pwrite64(5<${at('log')}>, "${escaped('lost')}", 4, 4) = 4`,
    ]);
    expect(read('log')).toBe('kept\0\0\0\0');
    expect(dropped).toMatchObject({ pages: 1, ofPages: 1 });
  });

  test('takes what was written while a sync was under way', () => {
    const { read } = afterPowerFailure({ before: {}, now: { log: 'keptlost' } }, (at) => [
      `7 pwrite64(5<${at('log')}>, "${escaped('kept')}", 4, 0) = 4`,
      `8 fdatasync(5<${at('log')}> <unfinished ...>`,
      `7 pwrite64(5<${at('log')}>, "${escaped('lost')}", 4, 4) = 4`,
      '8 <... fdatasync resumed>) = 0',
    ]);
    expect(read('log')).toBe('kept\0\0\0\0');
  });

  test('takes everything after a sync that failed', () => {
    const { read } = afterPowerFailure({ before: { log: 'old!' }, now: { log: 'new!' } }, (at) => [
      `7 pwrite64(5<${at('log')}>, "${escaped('new!')}", 4, 0) = 4`,
      `7 fsync(5<${at('log')}>) = -1 EIO (Input/output error) (INJECTED)`,
    ]);
    expect(read('log')).toBe('old!');
  });

  const renamed = (at: (name: string) => string) => [
    `7 openat(AT_FDCWD<\\x2f>, "${at('c.tmp')}", O_WRONLY|O_CREAT|O_TRUNC|O_CLOEXEC, 0644) = 5<${at('c.tmp')}>`,
    `7 write(5<${at('c.tmp')}>, "${escaped('new')}", 3) = 3`,
    `7 fsync(5<${at('c.tmp')}>) = 0`,
    `7 rename("${at('c.tmp')}", "${at('c')}") = 0`,
  ];

  test('brings back what a name stood for where its folder was not synced', () => {
    const files = { before: { c: 'old' }, now: { c: 'new' } };
    const { read, dropped } = afterPowerFailure(files, renamed);
    expect(read('c')).toBe('old');
    expect(read('c.tmp')).toBe('new');
    expect(dropped).toMatchObject({ names: 1, ofNames: 1 });
  });

  test('leaves a name alone once its folder was synced', () => {
    const { read, dropped } = afterPowerFailure({ before: { c: 'old' }, now: { c: 'new' } }, (at) => [
      ...renamed(at),
      `7 fsync(6<${at('')}>) = 0`,
    ]);
    expect(read('c')).toBe('new');
    expect(dropped).toMatchObject({ names: 0, ofNames: 0 });
  });
});
