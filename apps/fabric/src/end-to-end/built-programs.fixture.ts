// Test code only: the built command lines, as a user starts them.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export const ROOT = resolve(import.meta.dirname, '../../../..');
export const PF = join(ROOT, 'apps/fabric/bin/pf.mjs');
export const VERIFY = join(ROOT, 'apps/verify/bin/pf-verify.mjs');
export const SAFEAI = join(ROOT, 'apps/safeai/bin/safeai.mjs');

const BUILT = [
  'apps/fabric/dist/main.mjs',
  'apps/fabric/dist/mail-tool.mjs',
  'apps/pfctl/dist/main.mjs',
  'apps/safeai/dist/main.mjs',
  'apps/verify/dist/main.mjs',
];
const LOCK = join(ROOT, 'node_modules/.pf-build-lock');
const STALE_LOCK_MS = 60_000;

/** Builds the command lines unless what is built is newer than every source: `npm ci` has built them already. */
export async function buildPrograms(): Promise<void> {
  while (!takeLock()) await sleep(100);
  try {
    if (newestSource() > oldestBuilt()) execFileSync(process.execPath, ['tools/build.mjs'], { cwd: ROOT });
  } finally {
    rmSync(LOCK, { recursive: true });
  }
}

/** Test files run side by side, and one of them is enough to build. */
function takeLock(): boolean {
  try {
    mkdirSync(LOCK);
    return true;
  } catch {
    const since = statSync(LOCK, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    if (Date.now() - since > STALE_LOCK_MS) rmSync(LOCK, { recursive: true, force: true });
    return false;
  }
}

function oldestBuilt(): number {
  return Math.min(
    ...BUILT.map((path) => statSync(join(ROOT, path), { throwIfNoEntry: false })?.mtimeMs ?? 0),
  );
}

function newestSource(): number {
  const rooms = ['packages', 'apps'].flatMap((area) =>
    readdirSync(join(ROOT, area)).map((room) => join(ROOT, area, room, 'src')),
  );
  const sources = rooms.flatMap((room) =>
    readdirSync(room, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !/\.(test|fixture)\.ts$/.test(name))
      .map((name) => join(room, name)),
  );
  return Math.max(...sources.map((path) => statSync(path).mtimeMs));
}
