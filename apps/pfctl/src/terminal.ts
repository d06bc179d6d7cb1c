import { type CommandTerminal, processOutput } from '@provability-fabric/command-line';
import { checkoutFolder, type ProcessSettings } from './config.ts';

/** All of the process that commands touch; tests bring their own. */
export interface Terminal extends CommandTerminal {
  /** Whether somebody watches standard error. */
  readonly watched: boolean;
  /** How wide standard output is, in characters. */
  readonly columns: number;
  readonly checkout: string;
  /** A token for the ledger, from the process's environment. */
  readonly ledgerToken: string | undefined;
  /** A token of an approver, from the process's environment. */
  readonly approverToken: string | undefined;
  /** A token for the secrets service, from the process's environment. */
  readonly secretsToken: string | undefined;
  /** The ledger's PostgreSQL, from the process's environment; undefined: the one in the data folder. */
  readonly databaseUrl: string | undefined;
}

/** Of a file or a pipe. */
const UNKNOWN_COLUMNS = 120;

export function processTerminal(settings: ProcessSettings): Terminal {
  const { stdin, stdout, stderr } = process;
  return {
    ...processOutput(),
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
