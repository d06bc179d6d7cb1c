import { newProgram } from '@provability-fabric/command-line';
import type { Command } from 'commander';
import { addApprovals } from './commands/approvals.ts';
import { addBundle } from './commands/bundle.ts';
import { addCertificates } from './commands/certs.ts';
import { addConfiguration } from './commands/config.ts';
import { addContinuity } from './commands/continuity.ts';
import { addExplain } from './commands/explain.ts';
import { addInit } from './commands/init.ts';
import { addLedger } from './commands/ledger.ts';
import { addPolicy } from './commands/policy.ts';
import { addReplay } from './commands/replay.ts';
import { addSecrets } from './commands/secrets.ts';
import { addStats } from './commands/stats.ts';
import { addStatus } from './commands/status.ts';
import { addTest } from './commands/test.ts';
import { addToken } from './commands/token.ts';
import { addValidate } from './commands/validate.ts';
import type { ExitCode } from './exit-codes.ts';
import { Shell } from './shell.ts';
import type { Terminal } from './terminal.ts';

/** Every command line there is. Definitions are light; what a command needs is loaded when it runs. */
export function buildProgram(terminal: Terminal, finish: (code: ExitCode) => void): Command {
  const program = newProgram('pfctl', 'pfctl: ', terminal)
    .description('Operates the Provability Fabric: policies, replays, certificates.')
    .addHelpText(
      'after',
      '\nExit codes: 0 ok, 1 failure or verified false, 2 denied or rejected, 3 invalid input, 4 cannot be checked.\n' +
        '\nExample:\n  $ pfctl policy check bundles/quickstart\n',
    );
  const shell = new Shell(terminal, finish);
  addStatus(program, shell);
  addStats(program, shell);
  addInit(program, shell);
  addBundle(program, shell);
  addPolicy(program, shell);
  addValidate(program, shell);
  addReplay(program, shell);
  addExplain(program, shell);
  addTest(program, shell);
  addCertificates(program, shell);
  addConfiguration(program, shell);
  addToken(program, shell);
  addApprovals(program, shell);
  addSecrets(program, shell);
  addLedger(program, shell);
  addContinuity(program, shell);
  return program;
}
