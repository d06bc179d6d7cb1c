import fc from 'fast-check';
import { expect, it } from 'vitest';
import { BoundedOutput } from './bounded-output.ts';

it('keeps 128 KiB of a stream however long it is', () => {
  const output = new BoundedOutput();
  const chunk = new Uint8Array(65_536).fill(97);
  for (let n = 0; n < 1000; n++) output.add(chunk);
  output.add(Buffer.from('the end'));
  const text = output.text();
  expect(output.bytes).toBe(1000 * 65_536 + 7);
  expect(text.length).toBeLessThan(132_000);
  expect(text.startsWith('aaa') && text.endsWith('the end')).toBe(true);
  expect(text).toContain(`\n... ${1000 * 65_536 + 7 - 131_072} bytes left out ...\n`);
});

it('a stream that fits comes back as it was, however it was cut', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40_000 }), { maxLength: 3 }), (chunks) => {
      const output = new BoundedOutput();
      for (const chunk of chunks) output.add(chunk);
      expect(output.text()).toBe(Buffer.concat(chunks).toString('utf8'));
    }),
    { numRuns: 100 },
  );
});

it('bytes that are no UTF-8 become replacement characters', () => {
  const output = new BoundedOutput();
  output.add(Uint8Array.of(0xff, 0x41));
  expect(output.text()).toBe('\ufffdA');
});
