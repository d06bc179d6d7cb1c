import { finished } from 'node:stream/promises';
import { expect, it } from 'vitest';
import { searchedLines } from './searched-lines.ts';

const VALUE = 'first-9fQ2mZr7Lw4XbC1v';

it('passes on what a server says, but for the secrets that it was given', async () => {
  const said: string[] = [];
  const lines = searchedLines({ write: (text: string) => said.push(text) > 0 } as never, async (text) =>
    text.includes(VALUE),
  );
  lines.write('listening\n');
  lines.write(`GET /items with Bearer ${VALUE.slice(0, 9)}`);
  lines.write(`${VALUE.slice(9)}\nstatus 200\n`);
  lines.write('no end of line');
  await new Promise((resolve) => setTimeout(resolve, 150));
  lines.write(`${VALUE} at the end`);
  lines.end();
  await finished(lines);
  expect(said[0]).toBe('listening\n');
  expect(said).toContain('no end of line');
  expect(said.filter((text) => text.startsWith('withheld: SECRET_EXPOSED'))).toHaveLength(2);
  expect(said.join('')).not.toContain(VALUE);
});

it('passes on nothing that cannot be searched', async () => {
  const said: string[] = [];
  const lines = searchedLines({ write: (text: string) => said.push(text) > 0 } as never, () =>
    Promise.reject(new Error('down')),
  );
  lines.end(`${VALUE}\n`);
  await finished(lines);
  expect(said.join('')).not.toContain(VALUE);
});
