import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  attributesOf,
  type Cluster,
  claimsOf,
  type MemorySecrets,
  makeCluster,
  OBJECTS,
  type ProviderUnderTest,
  refusalOf as refusal,
  startTestProvider,
  testSecrets,
} from './cluster.fixture.ts';
import { parseObjects } from './objects.ts';
import type { MountSecrets } from './ports.ts';

let cluster: Cluster;
let token: string;
let secrets: MemorySecrets;
let tested: ProviderUnderTest;

beforeAll(async () => {
  cluster = await makeCluster();
  token = await cluster.sign(claimsOf());
  const current: MountSecrets = {
    read: (...asked) => secrets.read(...asked),
    refuse: (...asked) => secrets.refuse(...asked),
  };
  tested = await startTestProvider(cluster, current);
});
beforeEach(() => {
  secrets = testSecrets();
});
afterAll(() => tested.close());

const refusalOf = (attributes: string, more = {}) => refusal(tested.client, attributes, more);

describe('the provider refuses a request', () => {
  it.each([
    '../x',
    '/etc/passwd',
    '..data',
    '..data/x',
    'a/../../x',
    'a//b',
    '.',
    '..',
    'a/',
    '',
    '.hidden',
    'a/..b',
    'a\\..\\b',
    'a\0b',
    'ключ',
  ])('for a file named %j', async (fileName) => {
    const objects = JSON.stringify([{ objectName: 'jwt', fileName }]);
    expect(await refusalOf(attributesOf(objects, token))).toBe('INVALID_ARGUMENT MOUNT_MALFORMED');
  });

  it.each<[string, unknown]>([
    [
      'two objects in one file',
      [
        { objectName: 'jwt', fileName: 'a' },
        { objectName: 'db/primary', fileName: 'a' },
      ],
    ],
    [
      'a file that is a folder too',
      [
        { objectName: 'jwt', fileName: 'a/b' },
        { objectName: 'jwt', fileName: 'a' },
      ],
    ],
    ['two names for one file', [{ objectName: 'jwt', fileName: 'a', objectAlias: 'a' }]],
    ['a key that it does not know', [{ objectName: 'jwt', filename: 'a' }]],
    ['a name that leads out of the tenant', [{ objectName: '../rival/db', fileName: 'a' }]],
    ['a name with a query', [{ objectName: 'jwt?version=1', fileName: 'a' }]],
    ['an octal number, which YAML reads as a decimal one', [{ objectName: 'jwt', filePermission: 400 }]],
    ['a file that runs as its owner', [{ objectName: 'jwt', filePermission: '4755' }]],
    ['nothing', []],
    ['no list', { objectName: 'jwt' }],
    [
      'more objects than there may be',
      Array.from({ length: 129 }, (_, at) => ({ objectName: 'jwt', fileName: `f${at}` })),
    ],
  ])('for %s', async (_, objects) => {
    expect(await refusalOf(attributesOf(JSON.stringify(objects), token))).toBe(
      'INVALID_ARGUMENT MOUNT_MALFORMED',
    );
    expect(secrets.accesses).toEqual([]);
  });

  it.each([
    ['attributes that are no JSON', '{"objects":'],
    ['attributes that are no object of texts', '{"objects":["a"]}'],
    ['attributes without objects', '{}'],
    [
      'tokens that are no JSON',
      JSON.stringify({ objects: '[]', 'csi.storage.k8s.io/serviceAccount.tokens': '{' }),
    ],
  ])('with %s', async (_, attributes) => {
    expect(await refusalOf(attributes)).toBe('INVALID_ARGUMENT MOUNT_MALFORMED');
  });

  it('whose YAML unfolds itself or repeats a key', async () => {
    const bomb = ['- &a { objectName: jwt }', ...Array.from({ length: 20 }, () => '- *a')].join('\n');
    for (const objects of [
      bomb,
      '- objectName: jwt\n  objectName: db/primary\n',
      '- !!js/function x',
      ': - [',
    ])
      expect(await refusalOf(attributesOf(objects, token))).toBe('INVALID_ARGUMENT MOUNT_MALFORMED');
  });

  it('with a mode that is none', async () => {
    for (const permission of ['0644', '-1', '512', '1e2', 'rw', '2147483648'].filter(
      (text) => text !== '0644',
    ))
      expect(await refusalOf(attributesOf(OBJECTS, token), { permission })).toBe(
        'INVALID_ARGUMENT MOUNT_MALFORMED',
      );
  });

  it('that is larger than any class can be', async () => {
    expect(await refusalOf(attributesOf(OBJECTS, token, { padding: 'x'.repeat(300_000) }))).toMatch(
      /^RESOURCE_EXHAUSTED/,
    );
    expect(await refusalOf(attributesOf(OBJECTS, token, { padding: 'x'.repeat(140_000) }))).toBe(
      'INVALID_ARGUMENT MOUNT_MALFORMED',
    );
  });

  it('for a field that is not there, or for none where there are several', async () => {
    for (const object of [
      { objectName: 'flat' },
      { objectName: 'flat', field: 'c' },
      { objectName: 'flat', field: 'constructor' },
    ])
      expect(await refusalOf(attributesOf(JSON.stringify([object]), token))).toBe(
        'FAILED_PRECONDITION MOUNT_FIELD_UNKNOWN',
      );
  });

  it('whose files would not fit into a Secret', async () => {
    for (let at = 0; at < 20; at++) secrets.put('acme', `db/${at}`, { v: 'x'.repeat(60_000) });
    const objects = JSON.stringify(Array.from({ length: 20 }, (_, at) => ({ objectName: `db/${at}` })));
    expect(await refusalOf(attributesOf(objects, token))).toBe('FAILED_PRECONDITION MOUNT_TOO_LARGE');
  });

  it('of whatever file name, unless the path stays inside the volume', () => {
    const names = fc.oneof(fc.string(), fc.stringMatching(/^[./a_-]{0,8}$/));
    fc.assert(
      fc.property(names, (fileName) => {
        let path: string;
        try {
          path = parseObjects(JSON.stringify([{ objectName: 'jwt', fileName }]))[0]?.path ?? '';
        } catch {
          return;
        }
        expect(path).not.toMatch(/^$|^\/|^\.|\/\.|\.\.|\/$|\/\//);
      }),
      { numRuns: 200 },
    );
  });
});
