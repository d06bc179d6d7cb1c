import { expect, it } from 'vitest';
import { didYouMean, nearest } from './suggestion.ts';

it.each([
  ['send_mial', ['send_mail', 'read_file'], 'send_mail'],
  ['labls', ['labels', 'tables'], 'labels'],
  ['ab', ['xy'], undefined],
  ['', ['a'], 'a'],
  ['completely', ['different'], undefined],
])('nearest to %j is %j', (word, candidates, expected) => {
  expect(nearest(word, candidates)).toBe(expected);
});

it('says what else can be done where nothing is near', () => {
  expect(didYouMean('x1', ['tools'], 'remove it')).toBe('remove it');
});
