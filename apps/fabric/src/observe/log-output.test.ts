import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { LogOutput } from './log-output.ts';

describe('the log of pf run', () => {
  it('never waits for its reader: it keeps what there is room for, whole, and says how much was lost', async () => {
    const written: string[] = [];
    let read: () => void = () => undefined;
    const stream = new Writable({
      decodeStrings: false,
      write(chunk: string, _encoding, done) {
        written.push(chunk);
        read = done;
      },
    });
    const output = new LogOutput(stream);
    const lost: number[] = [];
    output.onDropped = (count) => lost.push(count);
    const line = `${'x'.repeat(1023)}\n`;
    for (let at = 0; at < 3000; at++) output.write(line);
    await new Promise<void>((resolve) => output.flush(resolve)); // gives up after a second
    expect(written).toEqual([line]);

    while (written.length < 1024) read();
    expect(lost).toEqual([3000 - 1024]);
  });

  it('goes on where the reader has gone', async () => {
    const output = new LogOutput(
      new Writable({
        write(_chunk, _encoding, done) {
          done(new Error('EPIPE'));
        },
      }),
    );
    output.write('a line\n');
    output.asStream().write('what the server says');
    await new Promise<void>((resolve) => output.flush(resolve));
  });
});
