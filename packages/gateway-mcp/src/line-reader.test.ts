import { PassThrough, Readable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineReader } from './line-reader.ts';

async function readAll(chunks: readonly Buffer[], maxLineBytes: number) {
  const reader = new LineReader(Readable.from(chunks, { objectMode: false }), maxLineBytes);
  const events: string[] = [];
  for (let event = await reader.next(); event !== undefined; event = await reader.next()) {
    events.push(event.kind === 'line' ? event.bytes.toString('latin1') : '(too long)');
  }
  return { events, unfinished: reader.unfinishedBytes };
}

describe('LineReader', () => {
  it('reports a line without an end as soon as it passes the limit, and reads on after its line feed', async () => {
    const stream = new PassThrough();
    const reader = new LineReader(stream, 4);
    stream.write('12345');
    expect(await reader.next()).toEqual({ kind: 'too-long' });
    stream.write('678\nok\n');
    expect(await reader.next()).toEqual({ kind: 'line', bytes: Buffer.from('ok\n') });
  });

  it('takes a line of exactly the limit, its line feed not counted', async () => {
    expect((await readAll([Buffer.from('1234\n12345\n')], 4)).events).toEqual(['1234\n', '(too long)']);
  });

  it('gives long lines whole, one after the other', async () => {
    const lines = [1, 65_535, 65_536, 65_537, 200_000, 3].map((length) =>
      Array.from({ length }, (_, at) => String.fromCharCode(97 + ((at * 7) % 26))).join(''),
    );
    const whole = Buffer.from(lines.map((line) => `${line}\n`).join(''));
    const chunks: Buffer[] = [];
    for (let at = 0; at < whole.length; at += 9_999) chunks.push(whole.subarray(at, at + 9_999));
    expect((await readAll(chunks, 200_000)).events).toEqual(lines.map((line) => `${line}\n`));
  });

  it('gives no line that was cut off at the end of the stream', async () => {
    expect(await readAll([Buffer.from('a\nrm -rf')], 100)).toEqual({ events: ['a\n'], unfinished: 6 });
  });

  it('lets the stream flow only while somebody waits', async () => {
    let produced = 0;
    const stream = new Readable({
      highWaterMark: 1,
      read() {
        produced++;
        this.push('line\n');
      },
    });
    const reader = new LineReader(stream, 100);
    await reader.next();
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(produced).toBeLessThan(5);
    reader.stop();
    expect(await reader.next()).toBeUndefined();
  });

  it('ends a waiting read when it is stopped or the stream is destroyed', async () => {
    const stopped = new LineReader(new PassThrough(), 10);
    const waiting = stopped.next();
    stopped.stop();
    expect(await waiting).toBeUndefined();
    const stream = new PassThrough();
    const destroyed = new LineReader(stream, 10).next();
    stream.destroy(new Error('gone'));
    expect(await destroyed).toBeUndefined();
  });

  it('gives the same lines however the bytes are cut into chunks (property)', async () => {
    const byte = fc.constantFrom(0x0a, 0x0d, 0x61, 0x62, 0xff, 0x00);
    const lines = fc.array(fc.array(byte, { maxLength: 9 }).map(Buffer.from), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(lines, fc.array(fc.nat(8)), async (parts, cuts) => {
        const whole = Buffer.concat(parts);
        const chunks: Buffer[] = [];
        let at = 0;
        for (const length of cuts) {
          if (length > 0) chunks.push(whole.subarray(at, at + length));
          at += length;
        }
        chunks.push(whole.subarray(at));
        const pieces = whole.toString('latin1').split('\n');
        const unfinished = pieces.pop() ?? '';
        const { events } = await readAll(
          chunks.filter((chunk) => chunk.length > 0),
          5,
        );
        const expected = pieces.map((piece) => (piece.length > 5 ? '(too long)' : `${piece}\n`));
        if (unfinished.length > 5) expected.push('(too long)');
        expect(events).toEqual(expected);
      }),
      { numRuns: 300, seed: 7 },
    );
  });
});
