import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { listNames } from './listing.ts';

const segment = fc.string({
  unit: fc.constantFrom('a', 'b', 'Z', '0', '.', '-', '_'),
  minLength: 1,
  maxLength: 3,
});
const name = fc
  .array(segment, { minLength: 1, maxLength: 3 })
  .map((segments) => segments.join('/'))
  .filter((text) => text.split('/').every((part) => /^[A-Za-z0-9]/.test(part)) && !text.includes('..'));

/** What is directly in a folder, in no order at all, with what is not ours. */
function lister(names: readonly string[]) {
  const opened: string[] = [];
  const list = async (folder: string) => {
    opened.push(folder);
    const below = names.filter((text) => text.startsWith(folder)).map((text) => text.slice(folder.length));
    const keys = below.map((text) => (text.includes('/') ? `${text.split('/')[0]}/` : text));
    return [...new Set([...keys, '_staged/', 'not a name', '../'])].sort();
  };
  return { list, opened };
}

describe('listing names out of folders', () => {
  it('has every name once, in order, whatever the pages', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(name, { maxLength: 30 }),
        fc.integer({ min: 1, max: 7 }),
        fc.constantFrom('', 'a', 'a/', 'Z', 'a/b'),
        async (names, limit, prefix) => {
          const { list } = lister(names);
          const found: string[] = [];
          let cursor: string | null = null;
          do {
            const page = await listNames(list, { prefix, limit, ...(cursor !== null && { cursor }) });
            expect(page.names.length).toBeLessThanOrEqual(limit);
            found.push(...page.names);
            cursor = page.cursor;
          } while (cursor !== null);
          expect(found).toEqual(names.filter((text) => text.startsWith(prefix)).sort());
        },
      ),
      { numRuns: 150 },
    );
  });

  it('opens no folder that ended before the page, and none beside the prefix', async () => {
    const { list, opened } = lister(['a/x', 'b/x', 'b/y', 'c/x']);
    await listNames(list, { prefix: '', limit: 1, cursor: 'b/x' });
    expect(opened).toEqual(['', 'b/', 'c/']);
    opened.length = 0;
    await listNames(list, { prefix: 'b/', limit: 9 });
    expect(opened).toEqual(['', 'b/']);
  });

  it('ends in a tree that has no end', async () => {
    let asked = 0;
    const list = async () => {
      asked += 1;
      return ['a/'];
    };
    expect((await listNames(list, { prefix: '', limit: 1 })).names).toEqual([]);
    expect(asked).toBeLessThan(20);
  });
});
