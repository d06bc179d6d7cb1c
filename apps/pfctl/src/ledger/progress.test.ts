import { expect, test } from 'vitest';
import type { Terminal } from '../terminal.ts';
import { entriesProgress } from './progress.ts';

function watch(watched: boolean): string {
  let [said, now] = ['', 0];
  const note = (text: string) => {
    said += text;
  };
  const progress = entriesProgress({ watched, note, now: () => now } as Terminal, 400);
  for (let entries = 0; entries <= 400; entries += 100, now += 1_500) progress.at(entries);
  progress.done();
  return said.replaceAll('\u001b[K', '').replaceAll('\r', '|');
}

test('how far it has come is said to whoever watches, and taken away at the end', () => {
  expect(watch(true)).toBe(
    '|200 of 400 entries, 50 %, 3 s|300 of 400 entries, 75 %, 4 s|400 of 400 entries, 100 %, 6 s|',
  );
  expect(watch(false)).toBe('');
});
