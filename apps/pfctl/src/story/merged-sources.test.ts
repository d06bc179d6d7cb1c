import { label } from '@provability-fabric/kernel';
import type { ValueSource } from '@provability-fabric/policy';
import { expect, test } from 'vitest';
import { merged } from './merged-sources.ts';

const FOUND: ValueSource = {
  kind: 'result',
  place: 4,
  tool: 'read_text_file',
  field: '/content',
  label: label('internal', [], 'untrusted'),
  match: 'whole',
  how: 'inside its text',
};

test.each<[string, Partial<typeof FOUND>]>([
  ['of another result', { place: 6 }],
  ['of another form', { how: 'as base64' }],
  ['that carries something else', { label: label('secret', [], 'untrusted') }],
])('a find %s stays one of its own', (_, other) => {
  const both = [FOUND, { ...FOUND, ...other } as ValueSource];
  expect(merged(both)).toEqual(both);
});

test('a text that a result gives twice is one find, and what is no result stays as it is', () => {
  const sources: ValueSource[] = [{ kind: 'prompt' }, FOUND, { ...FOUND, field: '' }, { kind: 'prompt' }];
  expect(merged(sources)).toEqual([
    { kind: 'prompt' },
    { ...FOUND, field: '/content and its top' },
    { kind: 'prompt' },
  ]);
});
