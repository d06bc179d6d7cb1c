import { CHECKOUT, type Ran, recordedTerminal } from '@provability-fabric/command-line/testing';
import { run } from './run.ts';
import type { Terminal } from './terminal.ts';

export interface RunOptions extends Partial<Terminal> {
  readonly stdin?: string | readonly Uint8Array[];
}

/** Runs one command line in this process and says what it printed. */
export async function pfctl(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const { stdin, ...given } = options;
  const { terminal: recorded, ran } = recordedTerminal(stdin);
  const terminal: Terminal = {
    ...recorded,
    watched: false,
    columns: 120,
    checkout: CHECKOUT,
    ledgerToken: undefined,
    approverToken: undefined,
    secretsToken: undefined,
    databaseUrl: undefined,
    ...given,
  };
  return ran(await run(args, terminal));
}
