import fc from 'fast-check';
import { expect, test } from 'vitest';
import { eventLine } from './event-line.ts';
import { linesOf } from './lines.ts';

async function* chunksOf(bytes: Uint8Array, cuts: readonly number[]) {
  let start = 0;
  for (const cut of [...cuts].sort((a, b) => a - b)) {
    const end = Math.min(Math.max(cut, start), bytes.length);
    yield bytes.subarray(start, end);
    start = end;
  }
  yield bytes.subarray(start);
}

test('lines are the same however the bytes arrive', async () => {
  const bytes = fc.array(fc.constantFrom(0x0a, 0x61, 0xc3, 0xa9), { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(bytes, fc.array(fc.nat(40)), async (values, cuts) => {
      const whole = Buffer.from(values);
      const came: [number, string][] = [];
      for await (const line of linesOf(chunksOf(whole, cuts), 'x')) {
        came.push([line.number, Buffer.from(line.bytes).toString('latin1')]);
      }
      const expected = whole.toString('latin1').split('\n');
      if (expected.at(-1) === '') expected.pop();
      expect(came).toEqual(expected.map((line, index) => [index + 1, line]));
    }),
  );
});

test('the line of an event is found whatever stands around it', () => {
  const trace = fc.record({
    before: fc.jsonValue(),
    events: fc.array(fc.jsonValue(), { minLength: 1, maxLength: 8 }),
    after: fc.jsonValue(),
  });
  fc.assert(
    fc.property(trace, fc.nat(), (value, pick) => {
      const index = pick % value.events.length;
      const text = JSON.stringify({ '"events"': [[1], 2], ...value }, null, 1);
      const upTo = JSON.stringify(
        { '"events"': [[1], 2], before: value.before, events: value.events.slice(0, index) },
        null,
        1,
      );
      // Without the closing of the shortened list and object; an empty list closes on its own line.
      const expected = upTo.split('\n').length - (index === 0 ? 1 : 2);
      expect(eventLine(text, index)).toBe(expected);
    }),
  );
});
