// Test code only: many who change one tree at once, and whether all that came of it is whole and on record.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { change, type Governed } from './governed-tree.fixture.ts';
import type { AuditLine, GovernorClient } from './governor-client.fixture.ts';

/** What somebody asked for, and what they were told. */
export interface Asked {
  readonly name: string;
  readonly hash: string;
  /** undefined where no answer came. */
  readonly status: number | undefined;
  readonly code: string | undefined;
}

/** Each change is of these, below a folder of its own, all with its name in them. */
const FILES = ['a.txt', 'b/c.txt', 'b/d.txt'];
const GONE = ['ECONNRESET', 'ECONNREFUSED', 'EPIPE'];

/** Signs a change for the tree as it just was, again and again, until there were so many or the governor is gone. */
export async function changeAgainAndAgain(
  governed: Governed,
  client: GovernorClient,
  worker: string,
  rounds: number,
  tests: readonly string[] = [],
): Promise<readonly Asked[]> {
  const asked: Asked[] = [];
  for (let round = 0; round < rounds; round++) {
    const name = `${worker}-${round}`;
    const files = Object.fromEntries(FILES.map((file) => [`each/${name}/${file}`, `${name} in ${file}\n`]));
    try {
      const tree = await client.tree();
      const { envelope, hash } = await governed.sign(change(files, { tests }), tree);
      try {
        const { status, body } = await client.apply(envelope);
        asked.push({ name, hash, status, code: body.code as string | undefined });
      } catch (error) {
        asked.push({ name, hash, status: undefined, code: undefined });
        throw error;
      }
    } catch (error) {
      if (GONE.includes(`${(error as NodeJS.ErrnoException).code}`)) return asked;
      throw error;
    }
  }
  return asked;
}

/** What is in the tree, whole or not. */
export function changesIn(governed: Governed): readonly string[] {
  return entries(join(governed.tree, 'each'));
}

/** What is in the tree: whole changes only, by their names. */
function wholeChanges(governed: Governed): ReadonlySet<string> {
  const found = new Set(changesIn(governed));
  for (const name of found)
    for (const file of FILES)
      expect(readFileSync(join(governed.tree, 'each', name, file), 'utf8')).toBe(`${name} in ${file}\n`);
  for (const name of found) expect(entries(join(governed.tree, 'each', name))).toEqual(['a.txt', 'b']);
  return found;
}

function entries(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/**
 * Every change that was answered is in the tree and on record once, every refused one is neither, what was begun has an end, and
 * the tree of each applied change is the one that the next was applied to. Answers the changes that landed.
 */
export function expectSettled(
  governed: Governed,
  asked: readonly Asked[],
  audit: readonly AuditLine[],
  now: string,
): readonly AuditLine[] {
  const inTree = wholeChanges(governed);
  const applied = audit.filter(({ kind }) => kind === 'change-applied');
  const times = new Map<string | null, number>();
  for (const { manifest_sha256: hash } of applied) times.set(hash, (times.get(hash) ?? 0) + 1);
  for (const { name, hash, status, code } of asked) {
    const onRecord = times.get(hash) ?? 0;
    // Of what was not answered either may be, but both alike.
    const landed = status === undefined ? onRecord === 1 : status === 200;
    expect([name, code, onRecord, inTree.has(name)]).toEqual([name, code, landed ? 1 : 0, landed]);
    if (status !== undefined && status !== 200)
      expect([name, status, code]).toEqual([name, 409, 'STALE_BASE']);
  }
  expect(inTree.size).toBe(applied.length);
  for (const [index, line] of applied.entries())
    if (index > 0) expect(line.tree?.before).toBe(applied[index - 1]?.tree?.after);
  if (applied.length > 0) expect(applied.at(-1)?.tree?.after).toBe(now);
  const begun = audit.filter(({ kind }) => kind === 'change-started');
  const ends = audit.filter(({ kind }) => kind === 'change-applied' || kind === 'change-failed');
  expect(ends.map(({ change_id }) => change_id).sort()).toEqual(
    begun.map(({ change_id }) => change_id).sort(),
  );
  return applied;
}
