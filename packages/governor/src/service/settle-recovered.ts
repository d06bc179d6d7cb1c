import { GovernorError } from '../errors.ts';
import { changeEvent } from './change-events.ts';
import type { ChangeRecord, GovernorParts, RecoveredChange } from './ports.ts';

const INTERRUPTED = { errorCode: 'INTERRUPTED', detail: 'a crash interrupted it; the tree is as before' };

/**
 * Puts on record what a killed process had begun, and makes the tree whole. Under the tree's lock, under which whoever begins
 * something also ends it: what has no end by then never gets one from anybody else.
 */
export async function settleRecovered(parts: GovernorParts): Promise<void> {
  const { tree, record, claims } = parts;
  await requireBegun(parts);
  for (const found of await tree.recover()) await settle(parts, found);
  await record.catchUp();
  // Killed between its beginning and the first byte in the tree's journal.
  for (const { id, kind, manifest, reverts } of record.unfinished()) {
    const event = changeEvent(
      { id, kind: kind === 'change-started' ? 'change-failed' : 'rollback-failed', at: parts.now() },
      'governor',
      { manifest, reverts, ...INTERRUPTED },
    );
    const { statement } = await parts.recorder.record(event);
    await parts.recorder.positionOf(statement);
    parts.observer.recorded(event);
  }
  for (const manifest of (await claims.abandoned?.()) ?? [])
    await ((await record.find(manifest)) === undefined ? claims.release(manifest) : claims.applied(manifest));
}

/**
 * What is begun is on record before its journal is written. A journal of anything else came with the tree, out of an archive
 * say: carried out, it would change files that nobody signed for and put it on record.
 */
async function requireBegun({ tree, record }: GovernorParts): Promise<void> {
  const pending = await tree.pending();
  if (pending.length > 0) await record.catchUp();
  for (const { id, manifest } of pending) {
    if (await record.wasBegun(id, manifest)) continue;
    throw new GovernorError(
      'TREE_DAMAGED',
      `expected changes in \`.safeai/journal\` that are on record here, got \`${id}\`, which is not; if the tree came from elsewhere, move \`.safeai\` away, otherwise start the governor with the record that it had`,
    );
  }
}

/** Killed, or failed, after its end was on record: once is enough. */
async function isTold(record: ChangeRecord, { id, manifest, outcome }: RecoveredChange): Promise<boolean> {
  if (record.unfinished().some((one) => one.id === id)) return false;
  return outcome === 'undone' || (await record.find(manifest)) !== undefined;
}

async function settle(parts: GovernorParts, found: RecoveredChange): Promise<void> {
  if (!(await isTold(parts.record, found))) await tell(parts, found);
  const { id, manifest, outcome } = found;
  await (outcome === 'landed' ? parts.claims.applied(manifest) : parts.claims.release(manifest));
  await parts.tree.confirm(id);
}

async function tell(parts: GovernorParts, found: RecoveredChange): Promise<void> {
  const { id, manifest, reverts, outcome, tree, files, commit } = found;
  const undertaking = reverts === null ? 'change' : 'rollback';
  const landed = outcome === 'landed';
  const event = changeEvent(
    { id, kind: `${undertaking}-${landed ? 'applied' : 'failed'}`, at: parts.now() },
    'governor',
    {
      manifest,
      reverts,
      ...(landed
        ? {
            tree,
            files,
            commit,
            verdict: 'approved' as const,
            detail: 'landed before a crash, recorded after it',
          }
        : INTERRUPTED),
    },
  );
  const { statement } = await parts.recorder.record(event);
  await parts.recorder.positionOf(statement);
  parts.observer.recorded(event);
}
