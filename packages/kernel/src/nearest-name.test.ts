import { expect, it } from 'vitest';
import { nearestName } from './nearest-name.ts';

it.each([
  ['send_mial', ['send_mail', 'read_file'], 'send_mail'],
  ['labls', ['labels', 'tables'], 'labels'],
  ['ab', ['xy'], undefined],
  ['', ['a'], 'a'],
  ['completely', ['different'], undefined],
  ['Labels', ['labels'], 'labels'],
  ['abcdefghijklmnop', ['abcdefghijkl'], undefined],
])('nearest to %j is %j', (word, candidates, expected) => {
  expect(nearestName(word, candidates)).toBe(expected);
});

it('of a word that is too long for any candidate takes no time', () => {
  const started = performance.now();
  expect(nearestName('x'.repeat(5_000_000), ['labels', 'x'.repeat(100)])).toBeUndefined();
  expect(performance.now() - started).toBeLessThan(100);
});
