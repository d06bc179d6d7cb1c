import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requireApart } from './require-apart.ts';

describe("the governor's own folders", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'pf-apart-'));
    mkdirSync(join(folder, 'tree/src'), { recursive: true });
    mkdirSync(join(folder, 'tree-data'));
    symlinkSync(join(folder, 'tree/src'), join(folder, 'link'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each(['tree', 'tree/data', 'tree/data/keys', '', 'link', 'link/data'])(
    'are refused at `%s`, in the tree or around it, there or not, through links as well',
    async (own) => {
      await expect(requireApart(join(folder, 'tree'), [join(folder, own)])).rejects.toMatchObject({
        code: 'TREE_UNSAFE',
      });
    },
  );

  it('are taken beside it', async () => {
    await requireApart(join(folder, 'tree'), [join(folder, 'tree-data'), join(folder, 'data/keys')]);
  });
});
