import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { asDigest } from '@provability-fabric/kernel';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CRASH_ID, crashRun, writeCrashTree } from '../apply/crash-scenario.fixture.ts';
import { changeEvent, type TestTrail, trailOn } from '../audit/audit.fixture.ts';
import type { ChangeEvent } from '../audit/change-event.ts';
import { openChangeRecord } from '../audit/change-record.ts';
import { createClaims } from '../gate/claims.ts';
import { openTree, type Tree } from '../tree/open-tree.ts';
import { crypto, picture, SOME_MANIFEST, type TemporaryPlace, temporaryPlace } from '../tree/tree.fixture.ts';
import type { GovernorParts } from './ports.ts';
import { settleRecovered } from './settle-recovered.ts';

let place: TemporaryPlace;
let tree: Tree;
let record: TestTrail;

beforeEach(async () => {
  place = temporaryPlace();
  writeCrashTree(place.root);
  tree = await openTree(place.root, { crypto, now: Date.now });
  record = trailOn();
});
afterEach(() => {
  tree.close();
  place.remove();
});

/** As the next process does it first of all, with what of a governor that takes. */
async function settle(): Promise<void> {
  const { source, trail } = record;
  const parts = {
    tree,
    record: openChangeRecord({ source, crypto }),
    claims: createClaims([]),
    recorder: {
      record: (event: ChangeEvent) => trail.record(event),
      positionOf: async () => ({ index: 0, merkle_root: '' }),
    },
    observer: { recorded: () => undefined },
    now: () => 1_000,
  } satisfies Partial<Record<keyof GovernorParts, unknown>> as unknown as GovernorParts;
  await settleRecovered(parts);
}

const onRecord = (kind: 'change-started' | 'change-applied' | 'change-failed', manifest = SOME_MANIFEST) =>
  record.trail.record(changeEvent({ id: CRASH_ID, kind, manifest }));

async function kinds(): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { envelope } of record.source.from(0)) {
    const { payload } = JSON.parse(Buffer.from(envelope).toString());
    found.push(JSON.parse(Buffer.from(payload, 'base64').toString()).kind);
  }
  return found;
}

async function cutOff(step: string): Promise<void> {
  let gone = false;
  await crashRun(place.root, { what: 'land', commit: false }, (name) => {
    gone ||= name === step;
    if (gone) throw new Error('cut off');
  }).catch(() => undefined);
}

describe('what a journal in the tree says was begun', () => {
  it('is neither carried out nor put on record where nobody began it here', async () => {
    await cutOff('rename new-0 a.ts');
    const as = picture(place.root);
    await onRecord('change-started', asDigest('cd'.repeat(32)));
    await expect(settle()).rejects.toMatchObject({ code: 'TREE_DAMAGED' });
    expect(picture(place.root)).toEqual(as);
    expect(await kinds()).toEqual(['change-started']);
  });

  it('is undone, and on record as that', async () => {
    const before = picture(place.root);
    await onRecord('change-started');
    await cutOff('rename new-0 a.ts');
    await settle();
    expect(picture(place.root)).toEqual(before);
    expect(await kinds()).toEqual(['change-started', 'change-failed']);
    expect(await tree.pending()).toEqual([]);
  });

  it('is on record once, also where its governor was killed right after it had put it there', async () => {
    await onRecord('change-started');
    await crashRun(place.root, { what: 'land', commit: false }, () => undefined);
    await onRecord('change-applied');
    await settle();
    expect(await kinds()).toEqual(['change-started', 'change-applied']);
    expect(await tree.pending()).toEqual([]);
    expect(readFileSync(join(place.root, 'src/a.ts'), 'utf8')).toBe('A, and more\n');
  });

  it('has landed on record where the tree has it, though it was on record as failed', async () => {
    await onRecord('change-started');
    await crashRun(place.root, { what: 'land', commit: false }, () => undefined);
    await onRecord('change-failed');
    await settle();
    expect(await kinds()).toEqual(['change-started', 'change-failed', 'change-applied']);
  });
});
