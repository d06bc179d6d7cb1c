import { checkoutFolder, type ProcessSettings } from './config.ts';
import { OutputClosedError } from './errors.ts';

/** All of the process that commands touch; tests bring their own. */
export interface Terminal {
  /** To standard output; resolves when more may come. Throws OutputClosedError once nobody reads any more. */
  write(text: string): Promise<void>;
  /** To standard error. */
  note(text: string): void;
  readonly input: AsyncIterable<Uint8Array>;
  /** Whether somebody watches standard error. */
  readonly watched: boolean;
  /** Whether standard output is to be coloured. */
  readonly colour: boolean;
  /** How wide standard output is, in characters. */
  readonly columns: number;
  /** The working directory. */
  readonly directory: string;
  readonly checkout: string;
  /** A token for the ledger, from the process's environment. */
  readonly ledgerToken: string | undefined;
  /** A token of an approver, from the process's environment. */
  readonly approverToken: string | undefined;
  /** A token for the secrets service, from the process's environment. */
  readonly secretsToken: string | undefined;
  /** The ledger's PostgreSQL, from the process's environment; undefined: the one in the data folder. */
  readonly databaseUrl: string | undefined;
  /** ms since the epoch. */
  now(): number;
}

/** Of a file or a pipe. */
const UNKNOWN_COLUMNS = 120;

export function processTerminal(settings: ProcessSettings): Terminal {
  const { stdin, stdout, stderr } = process;
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
    get input() {
      return stdin;
    },
    watched: stderr.isTTY === true,
    colour: stdout.isTTY === true && settings.colour,
    columns: (stdout.isTTY === true && stdout.columns) || UNKNOWN_COLUMNS,
    directory: process.cwd(),
    checkout: checkoutFolder(),
    ledgerToken: settings.ledgerToken,
    approverToken: settings.approverToken,
    secretsToken: settings.secretsToken,
    databaseUrl: settings.databaseUrl,
    now: Date.now,
  };
}
