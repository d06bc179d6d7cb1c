import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { asDigest, type Digest } from '@provability-fabric/kernel';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FileChange } from '../change.ts';
import type { RecordedChange } from '../service/ports.ts';
import { openTree, type Tree } from '../tree/open-tree.ts';
import {
  change,
  crypto,
  LAND,
  picture,
  type TemporaryPlace,
  temporaryPlace,
  writeFiles,
} from '../tree/tree.fixture.ts';

let place: TemporaryPlace;
let tree: Tree;
let record: RecordedChange[];
beforeEach(async () => {
  place = temporaryPlace();
  record = [];
  writeFiles(place.root, { 'a.txt': 'a0', 'dir/b.txt': 'b0', 'run.sh': 'echo' });
  tree = await openTree(place.root, { crypto, now: Date.now });
});
afterEach(() => {
  tree.close();
  place.remove();
});

/** Lands changes as the service does, and puts them on record. */
async function land(changes: readonly FileChange[]): Promise<RecordedChange> {
  const index = record.length;
  const manifest = asDigest(`${index}`.padStart(64, 'c')) as Digest;
  const { files } = await tree.land({
    ...LAND,
    manifest,
    id: `change-${index}`,
    changes,
    expectedBase: (await tree.state()).digest,
  });
  await tree.confirm(`change-${index}`);
  const recorded = {
    index,
    kind: 'change-applied',
    manifest,
    reverts: null,
    files,
    merkle_root: '',
    commit: null,
  } as const;
  record.push(recorded);
  return recorded;
}

const inverse = (one: RecordedChange) => tree.inverse(one, record.slice(one.index + 1));
const BIG = [
  change('a.txt', 'a0', 'a1'),
  change('dir/b.txt', 'b0', null),
  change('new/c.txt', null, 'c1'),
  change('run.sh', 'echo', 'echo', '100755'),
];

describe('taking a change back', () => {
  it('names the later changes that it would undo as well', async () => {
    const first = await land(BIG);
    const second = await land([change('a.txt', 'a1', 'a2')]);
    await expect(inverse(first)).rejects.toMatchObject({
      code: 'ROLLBACK_OVERLAP',
      message: expect.stringContaining(`\`a.txt\` changed by \`${second.manifest}\` at index 1`),
    });
  });

  it('names what was changed outside the governor', async () => {
    const first = await land(BIG);
    await land([change('a.txt', 'a1', 'a2')]);
    writeFileSync(join(place.root, 'a.txt'), 'by hand');
    await expect(inverse(first)).rejects.toMatchObject({
      code: 'ROLLBACK_OVERLAP',
      message: expect.stringContaining('`a.txt` changed outside the governor'),
    });
  });

  it('does not bring a file back where a later change has made a folder of that name', async () => {
    const first = await land([change('a.txt', 'a0', null)]);
    await land([change('a.txt/inside', null, 'x')]);
    await expect(inverse(first)).rejects.toMatchObject({ code: 'ROLLBACK_OVERLAP', message: /at index 1/ });
  });

  it('says which file cannot come back where what it was is gone or was altered', async () => {
    const first = await land([change('a.txt', 'a0', 'a1')]);
    const kept = join(place.root, '.safeai/objects', first.files[0]?.before?.digest ?? '');
    writeFileSync(kept, 'forged');
    await expect(inverse(first)).rejects.toMatchObject({ code: 'ROLLBACK_IMPOSSIBLE', message: /`a\.txt`/ });
    rmSync(kept);
    await expect(inverse(first)).rejects.toMatchObject({ code: 'ROLLBACK_IMPOSSIBLE' });
  });

  it('brings the tree back to what it was, as a change like any other, and that can be taken back as well', async () => {
    const before = picture(place.root);
    const { digest } = await tree.state();
    const first = await land(BIG);
    const after = picture(place.root);
    const back = await land(await inverse(first));
    expect(picture(place.root)).toEqual(before);
    expect((await tree.state()).digest).toBe(digest);
    await land(await inverse(back));
    expect(picture(place.root)).toEqual(after);
  });

  it('goes from the last to the first where they overlap', async () => {
    const before = picture(place.root);
    const first = await land([change('a.txt', 'a0', 'a1')]);
    const second = await land([change('a.txt', 'a1', 'a2')]);
    await land(await inverse(second));
    await land(await inverse(first));
    expect(picture(place.root)).toEqual(before);
  });
});
