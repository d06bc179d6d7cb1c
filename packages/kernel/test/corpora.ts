// Cases that other projects wrote. They stay outside the repository; see the README of the corpora.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'vitest';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** Runs `body` on the corpus file. Without it the test is skipped by name, except in CI, where it fails. */
export function testWithCorpus(name: string, corpus: string, body: (path: string) => void): void {
  const path = resolve(root, process.env.PF_CORPORA ?? '../shared/corpora', corpus);
  if (existsSync(path)) {
    test(name, () => body(path));
  } else if (process.env.CI === 'true') {
    test(name, () => {
      throw new Error(`expected the corpus \`${corpus}\`; point PF_CORPORA at the folder that holds it`);
    });
  } else {
    test.skip(`${name} (skipped: no corpus ${corpus}; point PF_CORPORA at its folder)`, () => {});
  }
}

/** Every file of a .tar.gz by its path inside. */
export function unpack(archive: string): ReadonlyMap<string, Uint8Array> {
  const folder = mkdtempSync(join(tmpdir(), 'kernel-corpus-'));
  try {
    execFileSync('tar', ['xzf', archive, '-C', folder]);
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) =>
      join(folder, name),
    );
    return new Map(
      files
        .filter((path) => statSync(path).isFile())
        .map((path) => [relative(folder, path), new Uint8Array(readFileSync(path))]),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}
