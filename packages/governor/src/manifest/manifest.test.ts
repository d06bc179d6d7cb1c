import { nodeCrypto } from '@provability-fabric/evidence';
import { asDigest, base64, fromUtf8, type JsonValue, parseJson } from '@provability-fabric/kernel';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ChangeBinding, Edit } from './manifest.ts';
import {
  bindManifest,
  manifestBytes,
  manifestHash,
  parseBoundManifest,
  parseManifest,
} from './parse-manifest.ts';

const crypto = nodeCrypto();
const DIGEST = 'a'.repeat(64);

/** As the original's example manifests look. */
const ORIGINAL = {
  targets: ['src/app.py'],
  edits: [{ path: 'src/app.py', op: 'replace', start: 0, end: 1, text: 'print("hello")\n' }],
  tests: ['pytest -q'],
  rationale: 'greets whoever starts it',
  version: '1.0.0',
};
const BINDING: ChangeBinding = {
  base_tree: asDigest(DIGEST),
  policy: { digest: asDigest('b'.repeat(64)), version: 3 },
  expires_at: '2026-11-22T12:00:00Z',
  idempotency_key: 'change-1',
};

const refused = (value: JsonValue): string => {
  try {
    parseManifest(value);
  } catch (error) {
    expect(error).toMatchObject({ code: 'MANIFEST_INVALID' });
    return String(error);
  }
  throw new Error(`expected a refusal of ${JSON.stringify(value)}`);
};
const withEdits = (...edits: readonly Partial<Edit>[]): JsonValue => ({
  ...ORIGINAL,
  edits: edits.map((edit) => ({ path: 'src/app.py', op: 'replace', start: 0, end: 0, text: 'x', ...edit })),
});
const withFiles = (...files: readonly JsonValue[]): JsonValue => ({
  targets: files.map((file) => (file as { path: string }).path),
  files,
  rationale: 'r',
});

describe('a manifest that says one thing and does another', () => {
  it('is refused where it changes what it does not name', () => {
    expect(refused({ ...ORIGINAL, targets: ['README.md'] })).toContain('src/app.py');
  });

  it('is refused where it names what it does not change', () => {
    expect(refused({ ...ORIGINAL, targets: ['src/app.py', 'README.md'] })).toContain('README.md');
    expect(refused({ ...ORIGINAL, targets: ['src/app.py', 'src/app.py'] })).toContain('once');
  });

  it('is refused where one file is changed in two ways', () => {
    const file = { path: 'src/app.py', base: null, content: { text: 'x' } };
    const diff = { path: 'src/app.py', base: DIGEST, diff: '--- a\n' };
    for (const more of [{ files: [file] }, { diffs: [diff] }]) refused({ ...ORIGINAL, ...more });
    refused({ targets: ['src/app.py'], files: [file, file], rationale: 'r' });
    refused({ targets: ['src/app.py'], diffs: [diff, diff], rationale: 'r' });
  });

  it('is refused with a member that it does not know, named short and escaped', () => {
    expect(refused({ ...ORIGINAL, sudo: true })).toContain('`sudo`');
    const message = refused({ ...ORIGINAL, [`\u001b[2J${'x'.repeat(500)}`]: 1 });
    expect(message).not.toContain('\u001b');
    expect(message.length).toBeLessThan(300);
    refused({ ...ORIGINAL, edits: [{ ...ORIGINAL.edits[0], mode: '100755' }] } as JsonValue);
  });
});

describe('paths', () => {
  it.each([
    '',
    '/etc/passwd',
    '../x',
    'src/../../../etc/passwd',
    'src/../.git/config',
    './src/app.py',
    'src//app.py',
    'src/',
    'src/.',
    'a\0b',
    'x'.repeat(4097),
    '\ud800',
  ])('%j is none', (path) => {
    refused(withFiles({ path, base: null, content: { text: 'x' } }));
  });

  it('are not quoted at length or raw in messages', () => {
    const message = refused({ ...ORIGINAL, targets: [`src/\u001b]0;${'x'.repeat(1000)}`] });
    expect(message).not.toContain('\u001b');
    expect(message.length).toBeLessThan(400);
  });
});

describe('edits', () => {
  it.each<readonly [string, readonly Partial<Edit>[]]>([
    ['replace the same line twice', [{}, {}]],
    [
      'overlap by one line',
      [
        { start: 1, end: 3 },
        { start: 3, end: 5 },
      ],
    ],
    [
      'lie one within another',
      [
        { start: 1, end: 9 },
        { op: 'delete', text: '', start: 4, end: 5 },
      ],
    ],
    [
      'insert within what is replaced',
      [
        { start: 1, end: 3 },
        { op: 'insert', start: 2, end: 2 },
      ],
    ],
    ['insert twice at one place', [{ op: 'insert' }, { op: 'insert' }]],
    ['end before they start', [{ start: 3, end: 2 }]],
    ['insert over a range', [{ op: 'insert', start: 1, end: 2 }]],
    ['insert nothing', [{ op: 'insert', text: '' }]],
    ['delete and bring text', [{ op: 'delete' }]],
    ['count from below zero', [{ start: -1 }]],
    ['count in fractions', [{ start: 0.5, end: 1 }]],
    ['count beyond all files', [{ end: 2 ** 31 }]],
    ['are of another kind', [{ op: 'append' as 'insert' }]],
  ])('are refused where they %s', (_, edits) => {
    refused(withEdits(...edits));
  });

  it('may stand side by side, in any order', () => {
    const edits = [
      { op: 'insert', start: 4, end: 4 },
      { start: 2, end: 3 },
      { op: 'insert', start: 2, end: 2 },
      { op: 'delete', text: '', start: 0, end: 1 },
    ] as const;
    expect(parseManifest(withEdits(...edits)).edits).toHaveLength(4);
  });
});

describe('limits', () => {
  const file = (bytes: number, path = 'a') => ({ path, base: null, content: { text: 'x'.repeat(bytes) } });

  it('hold for one content and all together, in bytes and not characters', () => {
    parseManifest(withFiles(file(65_536)));
    refused(withFiles(file(65_537)));
    refused(withEdits({ text: 'é'.repeat(32_769) }));
    const raw = base64(new Uint8Array(65_537));
    refused(withFiles({ path: 'a', base: null, content: { base64: raw } }));
    const many = Array.from({ length: 9 }, (_, at) => file(65_000, `f${at}`));
    expect(refused(withFiles(...many))).toContain('in all');
  });

  it('hold for targets, tests and rationale', () => {
    const many = Array.from({ length: 1_001 }, (_, at) => file(1, `f${at}`));
    parseManifest(withFiles(...many.slice(1)));
    refused(withFiles(...many));
    refused({ ...ORIGINAL, tests: Array.from({ length: 65 }, () => 'true') });
    refused({ ...ORIGINAL, tests: ['x'.repeat(4_097)] });
    refused({ ...ORIGINAL, tests: [''] });
    refused({ ...ORIGINAL, rationale: 'x'.repeat(4_097) });
    refused({ ...ORIGINAL, targets: [] });
  });
});

describe('whole files', () => {
  it.each<readonly [string, JsonValue]>([
    ['delete what has no base', { path: 'a', base: null, content: null }],
    ['delete with a mode', { path: 'a', base: DIGEST, content: null, mode: '100644' }],
    ['ask for another mode', { path: 'a', base: null, content: { text: '' }, mode: '120000' }],
    ['ask for set-user-id', { path: 'a', base: null, content: { text: '' }, mode: '104755' }],
    ['have two contents', { path: 'a', base: null, content: { text: '', base64: '' } }],
    ['have loose base64', { path: 'a', base: null, content: { base64: 'AB==' } }],
    ['have half a digest', { path: 'a', base: 'ab', content: { text: '' } }],
    ['leave the base out', { path: 'a', content: { text: '' } }],
  ])('are refused where they %s', (_, file) => {
    refused(withFiles(file));
  });
});

describe('a manifest in the original’s form', () => {
  it('is one, and what it leaves out is empty', () => {
    const { version, ...rest } = ORIGINAL;
    const manifest = parseManifest(rest as JsonValue);
    expect(manifest).toEqual({ ...ORIGINAL, version, diffs: [], files: [] });
    expect(parseManifest(ORIGINAL as JsonValue)).toEqual(manifest);
  });

  it('has one hash of 64 digits, however its members are ordered', () => {
    const hash = manifestHash(crypto, parseManifest(ORIGINAL as JsonValue));
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    const turned = Object.fromEntries(Object.entries(ORIGINAL).reverse()) as JsonValue;
    expect(manifestHash(crypto, parseManifest(turned))).toBe(hash);
    const other = { ...ORIGINAL, rationale: `${ORIGINAL.rationale}.` } as JsonValue;
    expect(manifestHash(crypto, parseManifest(other))).not.toBe(hash);
  });
});

describe('a binding', () => {
  const manifest = parseManifest(ORIGINAL as JsonValue);
  const bound = bindManifest(manifest, BINDING);

  it.each<readonly [string, Partial<ChangeBinding>]>([
    ['a time zone other than UTC', { expires_at: '2026-11-22T12:00:00+01:00' }],
    ['a day that is none', { expires_at: '2026-02-30T12:00:00Z' }],
    ['no time', { expires_at: 'tomorrow' }],
    ['an idempotency key of nothing', { idempotency_key: '' }],
    ['an idempotency key with a newline', { idempotency_key: 'a\nb' }],
    ['an idempotency key of 129 characters', { idempotency_key: 'x'.repeat(129) }],
    ['policy version 0', { policy: { ...BINDING.policy, version: 0 } }],
    ['a policy version that numbers cannot tell apart', { policy: { ...BINDING.policy, version: 2 ** 53 } }],
    ['another form of digest', { base_tree: asDigest(DIGEST).toUpperCase() as typeof BINDING.base_tree }],
  ])('is refused with %s', (_, part) => {
    expect(() => bindManifest(manifest, { ...BINDING, ...part })).toThrow(
      expect.objectContaining({ code: 'MANIFEST_INVALID' }),
    );
  });

  it('is no part of a manifest that is not bound, nor missing in one that is', () => {
    refused(bound as unknown as JsonValue);
    expect(() => parseBoundManifest(ORIGINAL as JsonValue)).toThrow(
      expect.objectContaining({ code: 'MANIFEST_INVALID' }),
    );
  });

  it('gives bytes and a hash that never change, since signatures and records lean on them', () => {
    expect(fromUtf8(manifestBytes(bound))).toBe(
      `{"base_tree":"${DIGEST}","diffs":[],"edits":[{"end":1,"op":"replace","path":"src/app.py","start":0,` +
        '"text":"print(\\"hello\\")\\n"}],"expires_at":"2026-11-22T12:00:00Z","files":[],"idempotency_key":"change-1",' +
        `"policy":{"digest":"${'b'.repeat(64)}","version":3},"rationale":"greets whoever starts it",` +
        '"targets":["src/app.py"],"tests":["pytest -q"],"version":"1.0.0"}',
    );
    expect(manifestHash(crypto, bound)).toBe(
      '82347d9093ec57466629cba22380c2e2fd5f5cf2c12c0aa9ecc33e32bd784127',
    );
  });

  it('changes the hash with each of its members', () => {
    const hashes = [
      bound,
      bindManifest(manifest, { ...BINDING, base_tree: asDigest('c'.repeat(64)) }),
      bindManifest(manifest, { ...BINDING, policy: { ...BINDING.policy, version: 4 } }),
      bindManifest(manifest, { ...BINDING, expires_at: '2026-11-22T12:00:01Z' }),
      bindManifest(manifest, { ...BINDING, idempotency_key: 'change-2' }),
    ].map((one) => manifestHash(crypto, one));
    expect(new Set(hashes).size).toBe(hashes.length);
  });
});

describe('reading and writing', () => {
  const name = fc.stringMatching(/^[a-z0-9é_-]{1,12}$/);
  const file = fc.record(
    {
      path: fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join('/')),
      base: fc.constantFrom(null, DIGEST),
      content: fc.oneof(
        fc.record({ text: fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\0', '')) }),
        fc.record({ base64: fc.uint8Array({ maxLength: 64 }).map(base64) }),
      ),
      mode: fc.constantFrom('100644', '100755'),
    },
    { requiredKeys: ['path', 'base', 'content'] },
  );

  it('gives the same bytes again for every manifest', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(file, { minLength: 1, maxLength: 5, selector: ({ path }) => path }),
        fc.option(fc.constant(asDigest(DIGEST)), { nil: undefined }),
        (files, reverts) => {
          const value = { ...(withFiles(...files) as object), ...(reverts === undefined ? {} : { reverts }) };
          const bytes = manifestBytes(bindManifest(parseManifest(value as JsonValue), BINDING));
          expect(manifestBytes(parseBoundManifest(parseJson(fromUtf8(bytes))))).toEqual(bytes);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('has no two members of one name', () => {
    expect(() => parseJson('{"targets":["a"],"targets":["b"]}')).toThrow(
      expect.objectContaining({ code: 'JSON_DUPLICATE_KEY' }),
    );
  });
});
