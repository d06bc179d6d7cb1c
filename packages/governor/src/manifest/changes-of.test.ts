import { nodeCrypto } from '@provability-fabric/evidence';
import { base64, digestOf, fromUtf8, type JsonValue, utf8 } from '@provability-fabric/kernel';
import { createTwoFilesPatch } from 'diff';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FileChange, TreeFile } from '../change.ts';
import { changesOf } from './changes-of.ts';
import { parseManifest } from './parse-manifest.ts';

const crypto = nodeCrypto();
const PATH = 'src/app.ts';

const fileOf = (content: string | Uint8Array, mode: TreeFile['mode'] = '100644'): TreeFile => {
  const bytes = typeof content === 'string' ? utf8(content) : content;
  return { bytes, digest: digestOf(crypto, bytes), mode };
};
const baseOf = (text: string) => fileOf(text).digest;

type Tree = Readonly<Record<string, TreeFile>>;
const run = (tree: Tree, manifest: Record<string, JsonValue>) =>
  changesOf(
    crypto,
    parseManifest({ targets: [PATH], rationale: 'r', ...manifest }),
    async (path) => tree[path],
  );
const textAfter = ([change]: readonly FileChange[]) => fromUtf8(change?.after?.bytes ?? new Uint8Array(0));
const edited = async (text: string, ...edits: readonly JsonValue[]) =>
  textAfter(
    await run(
      { [PATH]: fileOf(text) },
      { edits: edits.map((edit) => ({ path: PATH, ...(edit as object) })) },
    ),
  );
const patched = async (before: string, diff: string, base = baseOf(before)) =>
  textAfter(await run({ [PATH]: fileOf(before) }, { diffs: [{ path: PATH, base, diff }] }));
const code = (code: string) => expect.objectContaining({ code, message: expect.stringContaining(PATH) });

describe('edits that do not fit the file', () => {
  it.each([
    ['replaces beyond the end', { op: 'replace', start: 1, end: 2, text: 'x' }],
    ['deletes beyond the end', { op: 'delete', start: 2, end: 2 }],
    ['inserts beyond the end', { op: 'insert', start: 3, end: 3, text: 'x' }],
    ['replaces a line of an empty file', { op: 'replace', start: 0, end: 0, text: 'x' }, ''],
  ])('are refused and pad nothing: one that %s', async (_, edit, text = 'a\nb\n') => {
    await expect(edited(text, edit)).rejects.toEqual(code('MANIFEST_INVALID'));
  });

  it('are refused where the file is not there, or is no text', async () => {
    const edits = [{ path: PATH, op: 'insert', start: 0, end: 0, text: 'x' }];
    await expect(run({}, { edits })).rejects.toEqual(code('STALE_BASE'));
    const binary = { [PATH]: fileOf(Uint8Array.of(0xff, 0xfe)) };
    await expect(run(binary, { edits })).rejects.toEqual(code('MANIFEST_INVALID'));
  });

  it('are refused where they change nothing', async () => {
    await expect(edited('a\n', { op: 'replace', start: 0, end: 0, text: 'a' })).rejects.toEqual(
      code('MANIFEST_INVALID'),
    );
  });
});

describe('lines', () => {
  it.each([
    ['replaced by more', 'a\nb\nc\n', { op: 'replace', start: 1, end: 1, text: 'x\ny' }, 'a\nx\ny\nc\n'],
    ['replaced by fewer', 'a\nb\nc\n', { op: 'replace', start: 0, end: 1, text: 'x\n' }, 'x\nc\n'],
    ['replaced by none', 'a\nb\n', { op: 'replace', start: 0, end: 0, text: '' }, 'b\n'],
    ['replaced by an empty one', 'a\nb\n', { op: 'replace', start: 0, end: 0, text: '\n' }, '\nb\n'],
    ['deleted', 'a\nb\nc\n', { op: 'delete', start: 0, end: 1 }, 'c\n'],
    ['deleted, all of them', 'a\nb', { op: 'delete', start: 0, end: 1 }, ''],
    ['inserted at the beginning', 'a\n', { op: 'insert', start: 0, end: 0, text: 'x' }, 'x\na\n'],
    ['inserted at the end', 'a\n', { op: 'insert', start: 1, end: 1, text: 'x' }, 'a\nx\n'],
    ['inserted behind an open end', 'a', { op: 'insert', start: 1, end: 1, text: 'x\n' }, 'a\nx'],
    ['inserted into an empty file', '', { op: 'insert', start: 0, end: 0, text: 'x' }, 'x\n'],
    ['replaced at an open end', 'a\nb', { op: 'replace', start: 1, end: 1, text: 'x\n' }, 'a\nx'],
    [
      'replaced in a file of CRLF',
      'a\r\nb\r\n',
      { op: 'replace', start: 1, end: 1, text: 'x\ny' },
      'a\r\nx\r\ny\r\n',
    ],
    [
      'written with CRLF into one of LF',
      'a\n',
      { op: 'insert', start: 1, end: 1, text: 'x\r\ny' },
      'a\nx\ny\n',
    ],
    ['of both ends, kept', 'a\r\nb\nc\n', { op: 'replace', start: 1, end: 1, text: 'x' }, 'a\r\nx\r\nc\n'],
    ['with a carriage return that ends none', 'a\rb\nc\n', { op: 'delete', start: 0, end: 0 }, 'c\n'],
  ])('%s', async (_, before, edit, after) => {
    expect(await edited(before, edit)).toBe(after);
  });

  it('are counted in the file before the change, in whatever order the edits come', async () => {
    const edits = [
      { op: 'insert', start: 4, end: 4, text: 'end' },
      { op: 'delete', start: 2, end: 2 },
      { op: 'insert', start: 1, end: 1, text: 'new' },
      { op: 'replace', start: 1, end: 1, text: 'B' },
    ];
    expect(await edited('a\nb\nc\nd\n', ...edits)).toBe('a\nnew\nB\nd\nend\n');
  });

  it('become what each edit says of its own line, for any set of edits that do not overlap', async () => {
    const step = fc.tuple(
      fc.constantFrom('keep', 'replace', 'delete', 'insert', 'both'),
      fc.constantFrom('x', 'x\ny', '\n'),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 10 }),
        fc.boolean(),
        async (steps, reversed) => {
          const edits: JsonValue[] = [];
          const expected: string[] = [];
          for (const [at, [what, text]] of steps.entries()) {
            const place = { start: at, end: at };
            const put = text === '\n' ? '\n' : `${text}\n`;
            if (what === 'insert' || what === 'both') {
              edits.push({ op: 'insert', ...place, text });
              expected.push(put);
            }
            if (what === 'replace' || what === 'both') {
              edits.push({ op: 'replace', ...place, text });
              expected.push(put);
            } else if (what === 'delete') edits.push({ op: 'delete', ...place });
            else expected.push(`line ${at}\n`);
          }
          fc.pre(edits.length > 0);
          const before = steps.map((_, at) => `line ${at}\n`).join('');
          expect(await edited(before, ...(reversed ? edits.reverse() : edits))).toBe(expected.join(''));
        },
      ),
      { numRuns: 200 },
    );
  });

  it('that no edit names keep every byte', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.stringMatching(/^[ab \r]{0,4}x$/), fc.constantFrom('\n', '\r\n')), {
          minLength: 1,
          maxLength: 8,
        }),
        fc.nat(),
        async (lines, seed) => {
          const at = seed % lines.length;
          const before = lines.map((line) => line.join('')).join('');
          const after = await edited(before, { op: 'replace', start: at, end: at, text: 'new line' });
          const ending = lines[0]?.[1] as string;
          const expected = lines.map((line, index) => (index === at ? `new line${ending}` : line.join('')));
          expect(after).toBe(expected.join(''));
        },
      ),
      { numRuns: 100 },
    );
  });
});

describe('a diff that does not fit', () => {
  const BEFORE = 'one\ntwo\nthree\nfour\nfive\nsix\nseven\n';
  const AFTER = BEFORE.replace('four', 'FOUR');
  const diff = createTwoFilesPatch(`a/${PATH}`, `b/${PATH}`, BEFORE, AFTER, undefined, undefined, {
    context: 1,
  });

  it('is refused under another base, by the path', async () => {
    await expect(patched(AFTER, diff, baseOf(BEFORE))).rejects.toEqual(code('STALE_BASE'));
    await expect(run({}, { diffs: [{ path: PATH, base: baseOf(BEFORE), diff }] })).rejects.toEqual(
      code('STALE_BASE'),
    );
  });

  it.each([
    ['another line of context', (text: string) => text.replace(' three', ' tree')],
    ['spaces in its context', (text: string) => text.replace(' three', '  three')],
    ['another line taken away', (text: string) => text.replace('-four', '-for')],
    ['another place', (text: string) => text.replace('@@ -3,3 +3,3 @@', '@@ -2,3 +2,3 @@')],
    ['a place that the new side denies', (text: string) => text.replace('+3,3', '+2,3')],
    ['a place beyond the file', (text: string) => text.replace('-3,3 +3,3', '-30,3 +30,3')],
    ['wrong counts', (text: string) => text.replace('-3,3', '-3,4')],
    ['another file in its headers', (text: string) => text.replaceAll('app.ts', 'other.ts')],
    ['another file on one side', (text: string) => text.replace('+++ b/src', '+++ b/lib')],
    ['a new file on one side', (text: string) => text.replace(`--- a/${PATH}`, '--- /dev/null')],
    ['a second file', (text: string) => `${text}${text}`],
    ['a change of mode', (text: string) => `old mode 100644\nnew mode 100755\n${text}`],
    ['a rename', (text: string) => `rename from x\nrename to y\n${text}`],
    ['no hunk', (text: string) => text.slice(0, text.indexOf('@@'))],
    ['no headers', (text: string) => text.slice(text.indexOf('@@'))],
    ['a hunk without a change', (text: string) => text.replace('-four\n+FOUR', ' four')],
    ['a newline that the file has denied', (text: string) => `${text}\\ No newline at end of file\n`],
    ['something behind it', (text: string) => `${text}and more\n`],
    ['nothing of a diff in it', () => 'a poem\n'],
  ])('is refused with %s', async (_, change) => {
    expect(change(diff)).not.toBe(diff);
    await expect(patched(BEFORE, change(diff))).rejects.toMatchObject({ code: 'MANIFEST_INVALID' });
  });

  it('is applied as it is, with git’s headers and without', async () => {
    expect(await patched(BEFORE, diff)).toBe(AFTER);
    expect(await patched(BEFORE, diff.replaceAll(/[ab]\/src/g, 'src'))).toBe(AFTER);
    expect(
      await patched(BEFORE, `diff --git a/${PATH} b/${PATH}\nindex 1111111..2222222 100644\n${diff}`),
    ).toBe(AFTER);
  });

  it('is applied whatever the texts are: added, taken away, open ends, carriage returns', async () => {
    const text = fc
      .array(fc.constantFrom('a\n', 'b\n', '\n', 'c\r\n', '--- x\n', '+++ y\n', '@@ z\n', '\\ w\n'), {
        maxLength: 12,
      })
      .chain((lines) => fc.constantFrom(lines.join(''), `${lines.join('')}open`));
    await fc.assert(
      fc.asyncProperty(text, text, fc.nat({ max: 4 }), async (before, after, context) => {
        fc.pre(before !== after);
        const made = createTwoFilesPatch(`a/${PATH}`, `b/${PATH}`, before, after, undefined, undefined, {
          context,
        });
        expect(await patched(before, made)).toBe(after);
      }),
      { numRuns: 200 },
    );
  });
});

describe('whole files', () => {
  const write = (tree: Tree, file: Record<string, JsonValue>) =>
    run(tree, { files: [{ path: PATH, ...file }] });

  it('are refused where the tree has another file, none, or one that should not be there', async () => {
    const there = { [PATH]: fileOf('here') };
    const content = { text: 'new' };
    await expect(write(there, { base: null, content })).rejects.toEqual(code('STALE_BASE'));
    await expect(write(there, { base: baseOf('gone'), content })).rejects.toEqual(code('STALE_BASE'));
    await expect(write(there, { base: baseOf('gone'), content: null })).rejects.toEqual(code('STALE_BASE'));
    await expect(write({}, { base: baseOf('here'), content })).rejects.toEqual(code('STALE_BASE'));
    await expect(write({}, { base: baseOf('here'), content: null })).rejects.toEqual(code('STALE_BASE'));
  });

  it('are refused where nothing changes', async () => {
    const same = { base: baseOf('here'), content: { text: 'here' } };
    await expect(write({ [PATH]: fileOf('here') }, same)).rejects.toEqual(code('MANIFEST_INVALID'));
    const mode = { ...same, mode: '100755' };
    await expect(write({ [PATH]: fileOf('here', '100755') }, mode)).rejects.toEqual(code('MANIFEST_INVALID'));
  });

  it('are created, replaced, deleted and given a mode', async () => {
    const tree = { [PATH]: fileOf('here', '100755') };
    const base = baseOf('here');
    const bytes = Uint8Array.of(0, 255, 10);
    expect(await write({}, { base: null, content: { text: '' } })).toEqual([
      { path: PATH, before: null, after: fileOf('') },
    ]);
    expect(await write(tree, { base, content: { base64: base64(bytes) } })).toEqual([
      { path: PATH, before: tree[PATH], after: fileOf(bytes, '100755') },
    ]);
    expect(await write(tree, { base, content: null })).toEqual([
      { path: PATH, before: tree[PATH], after: null },
    ]);
    expect(await write(tree, { base, content: { text: 'here' }, mode: '100644' })).toEqual([
      { path: PATH, before: tree[PATH], after: fileOf('here') },
    ]);
  });

  it('stand beside edits and diffs, in the order of the targets', async () => {
    const tree = { b: fileOf('b\n', '100755'), c: fileOf('c\n') };
    const changes = await run(tree, {
      targets: ['c', 'a', 'b'],
      edits: [{ path: 'b', op: 'replace', start: 0, end: 0, text: 'B' }],
      files: [{ path: 'a', base: null, content: { text: 'a' } }],
      diffs: [{ path: 'c', base: baseOf('c\n'), diff: createTwoFilesPatch('c', 'c', 'c\n', 'C\n') }],
    });
    expect(changes.map(({ path, after }) => [path, after])).toEqual([
      ['c', fileOf('C\n')],
      ['a', fileOf('a')],
      ['b', fileOf('B\n', '100755')],
    ]);
  });
});
