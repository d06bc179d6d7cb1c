import { OutputClosedError } from './errors.ts';

/** What every command touches of the process; tests bring their own. */
export interface CommandTerminal {
  /** To standard output; resolves when more may come. Throws OutputClosedError once nobody reads any more. */
  write(text: string): Promise<void>;
  /** To standard error. */
  note(text: string): void;
  readonly input: AsyncIterable<Uint8Array>;
  /** Whether standard output is to be coloured. */
  readonly colour: boolean;
  /** The working directory. */
  readonly directory: string;
  /** ms since the epoch. */
  now(): number;
}

/** The process's own streams. */
export function processOutput(): Pick<CommandTerminal, 'write' | 'note'> {
  const { stdout, stderr } = process;
  let closed = false;
  stdout.on('error', () => {
    closed = true;
  });
  // A closed standard error silences notes; it is no reason to fail.
  stderr.on('error', () => {});
  return {
    async write(text) {
      if (closed) throw new OutputClosedError();
      if (stdout.write(text)) return;
      await new Promise<void>((resolve) => {
        const done = () => {
          stdout.off('drain', done).off('error', done);
          resolve();
        };
        stdout.on('drain', done).on('error', done);
      });
    },
    note: (text) => void stderr.write(text),
  };
}
