import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  readlinkSync,
  renameSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { canonicalBytes, hex, leafHash, nodeHash } from '@provability-fabric/kernel';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openTree, type Tree } from './open-tree.ts';
import {
  change,
  crypto,
  fileOf,
  picture,
  type TemporaryPlace,
  temporaryPlace,
  writeFiles,
} from './tree.fixture.ts';
import { comparePaths } from './tree-path.ts';
import { stateOf, treeDigestAfter } from './tree-state.ts';

let place: TemporaryPlace;
let tree: Tree;
beforeEach(async () => {
  place = temporaryPlace();
  tree = await openTree(place.root, { crypto, now: Date.now });
});
afterEach(() => {
  tree.close();
  place.remove();
});

const at = (path: string) => join(place.root, path);

describe('reading the tree', () => {
  it.each([
    '../secret',
    'a/../../secret',
    '/etc/passwd',
    'a//b',
    './a',
    'a/.',
    '',
    'a\0b',
    '.git/config',
    'sub/.GIT/hooks/x',
    '.safeai/journal/x',
    `${'n'.repeat(256)}`,
    'a/'.repeat(200),
    '\ud800',
  ])('refuses a path that is none of the tree: %j', async (path) => {
    await expect(tree.read(path)).rejects.toMatchObject({ code: 'TREE_UNSAFE' });
  });

  it('follows no link, neither at the end of a path nor on its way, nor reads a folder or a fifo', async () => {
    writeFileSync(place.beside('secret'), 'secret');
    symlinkSync(place.beside('secret'), at('link'));
    symlinkSync('..', at('up'));
    mkdirSync(at('folder'));
    execFileSync('mkfifo', [at('fifo')]);
    for (const path of ['link', 'up/secret', 'folder', 'fifo'])
      await expect(tree.read(path), path).rejects.toMatchObject({ code: 'TREE_UNSAFE' });
    expect(await tree.read('nothing')).toBeUndefined();
    expect(await tree.read('no/where/nothing')).toBeUndefined();
  });

  it('gives a file with its digest and git mode', async () => {
    writeFiles(place.root, { 'bin/run': '#!/bin/sh\n' });
    chmodSync(at('bin/run'), 0o750);
    expect(await tree.read('bin/run')).toEqual(fileOf('#!/bin/sh\n', '100755'));
  });

  it('stays with the folder that it was opened for, whatever its path leads to afterwards', async () => {
    writeFiles(place.root, { 'a.txt': 'mine' });
    renameSync(place.root, place.beside('moved'));
    mkdirSync(place.root);
    writeFileSync(at('a.txt'), 'other');
    expect(await tree.read('a.txt')).toEqual(fileOf('mine'));
  });

  it('is refused where there is no folder', async () => {
    await expect(openTree(place.beside('nothing'), { crypto, now: Date.now })).rejects.toMatchObject({
      code: 'TREE_UNSAFE',
    });
  });
});

describe('the digest of a tree', () => {
  it('is the RFC 6962 root over its files and links in the order of their bytes, and of nothing else', async () => {
    writeFiles(place.root, {
      'b.txt': 'b',
      'a/z.txt': 'z',
      '.git/HEAD': 'x',
      'a/.git/HEAD': 'y',
      '.safeai/x': 'x',
    });
    mkdirSync(at('empty'));
    symlinkSync('../b.txt', at('a/link'));
    const leaf = (path: string, digest: string, mode: string) =>
      leafHash(crypto, canonicalBytes({ digest, mode, path }));
    const [link, z, b] = [
      leaf('a/link', fileOf('../b.txt').digest, '120000'),
      leaf('a/z.txt', fileOf('z').digest, '100644'),
      leaf('b.txt', fileOf('b').digest, '100644'),
    ] as const;
    const { digest, files } = await tree.state();
    expect([...files.keys()]).toEqual(['a/link', 'a/z.txt', 'b.txt']);
    expect(digest).toBe(hex(nodeHash(crypto, nodeHash(crypto, link, z), b)));
  });

  it('orders names as their UTF-8 bytes are', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (a, b) => {
        expect(Math.sign(comparePaths(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
      { numRuns: 200 },
    );
  });

  it('changes with every byte, mode, name and link target, also where the time stamps were put back', async () => {
    writeFiles(place.root, { 'a.txt': 'aaaa' });
    symlinkSync('a.txt', at('link'));
    const seen = new Set([(await tree.state()).digest]);
    const { atime, mtime } = statSync(at('a.txt'));
    const steps: (() => void)[] = [
      () => writeFileSync(at('a.txt'), 'bbbb'),
      () => chmodSync(at('a.txt'), 0o755),
      () => renameSync(at('a.txt'), at('c.txt')),
      () => renameSync(at('link'), at('link2')),
      () => symlinkSync('c.txt', at('link')),
    ];
    for (const step of steps) {
      step();
      if (step === steps[0]) utimesSync(at('a.txt'), atime, mtime);
      seen.add((await tree.state()).digest);
    }
    expect(seen.size).toBe(steps.length + 1);
  });

  it('sees a change within the same tick of the clock, when files were looked at before', async () => {
    const old = new Date(Date.now() - 60_000);
    writeFiles(place.root, { 'a.txt': 'aaaa' });
    utimesSync(at('a.txt'), old, old);
    for (const text of ['bbbb', 'cccc', 'dddd']) {
      await tree.state();
      writeFileSync(at('a.txt'), text);
      utimesSync(at('a.txt'), old, old);
      expect((await tree.state()).files.get('a.txt')?.digest).toBe(fileOf(text).digest);
    }
  });

  it('of what a change will give is that of the tree with the change in it', () => {
    const name = fc.constantFrom('a', 'b', 'c', 'd/e');
    const content = fc.constantFrom('1', '2', '3');
    fc.assert(
      fc.property(fc.dictionary(name, content), fc.dictionary(name, fc.option(content)), (before, wanted) => {
        const entry = (text: string) => ({ digest: fileOf(text).digest, mode: '100644' as const });
        const state = stateOf(
          crypto,
          Object.entries(before).map(([path, text]) => [path, entry(text)] as const),
        );
        const changes = Object.entries(wanted).map(([path, text]) =>
          change(path, before[path] ?? null, text ?? null),
        );
        const after = new Map(
          Object.entries({ ...before, ...wanted }).flatMap(([path, text]) =>
            text === null ? [] : [[path, entry(text)] as const],
          ),
        );
        expect(treeDigestAfter(crypto, state, changes)).toBe(stateOf(crypto, after).digest);
      }),
      { numRuns: 100 },
    );
  });

  it('is refused by name for sockets, fifos and names that are no text, and for a tree beyond the limits', async () => {
    const server = createServer().listen(at('socket'));
    await expect.poll(() => statSync(at('.')).isDirectory() && server.listening).toBe(true);
    await expect(tree.state()).rejects.toMatchObject({
      code: 'TREE_UNSAFE',
      message: /a socket at `socket`/,
    });
    await new Promise((resolve) => server.close(resolve));
    writeFileSync(Buffer.from([...Buffer.from(`${place.root}/`), 0xff, 0x61]), '');
    await expect(tree.state()).rejects.toMatchObject({ code: 'TREE_UNSAFE', message: /UTF-8/ });
    execFileSync('rm', ['-rf', place.root]);
    mkdirSync(place.root);
    writeFiles(place.root, { a: '1', b: '2', c: '345' });
    for (const limits of [
      { files: 2, bytes: 100 },
      { files: 100, bytes: 4 },
    ]) {
      const small = await openTree(place.root, { crypto, now: Date.now, limits });
      await expect(small.state()).rejects.toMatchObject({ code: 'TREE_UNSAFE', message: /at most/ });
      small.close();
    }
  });
});

describe('a private copy', () => {
  it('is the tree after the change, for this user alone, and says its digest', async () => {
    writeFiles(place.root, { 'src/a.ts': 'a', 'src/b.ts': 'b', 'x.sh': 'x', '.git/HEAD': 'ref' });
    symlinkSync('../x.sh', at('src/link'));
    const changes = [
      change('src/a.ts', 'a', 'A'),
      change('x.sh', 'x', 'x', '100755'),
      change('src/b.ts', 'b', null),
    ];
    const { digest } = await tree.copyInto(place.beside('copy'), changes);
    expect(digest).toBe(treeDigestAfter(crypto, await tree.state(), changes));
    expect(statSync(place.beside('copy')).mode & 0o777).toBe(0o700);
    expect(readlinkSync(place.beside('copy/src/link'))).toBe('../x.sh');
    expect(picture(place.beside('copy'))).toEqual({
      'src/': '755',
      'src/a.ts': '644 A',
      'src/link': 'other',
      'x.sh': '755 x',
    });
    const copied = await openTree(place.beside('copy'), { crypto, now: Date.now });
    expect((await copied.state()).digest).toBe(digest);
    copied.close();
  });

  it.each(['/etc/passwd', '../../outside', 'sub/../../../outside', '../../tree/a'])(
    'is refused where a link leads out of the tree: %s',
    async (target) => {
      writeFiles(place.root, { 'dir/a': 'a' });
      symlinkSync(target, at('dir/link'));
      await expect(tree.copyInto(place.beside('copy'), [])).rejects.toMatchObject({ code: 'TREE_UNSAFE' });
    },
  );

  it('is made in no folder that is there already', async () => {
    mkdirSync(place.beside('copy'));
    await expect(tree.copyInto(place.beside('copy'), [])).rejects.toThrow(/nothing there/);
  });
});
