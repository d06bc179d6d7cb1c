import { newProgram } from '@provability-fabric/command-line';
import type { Command } from 'commander';
import { addApply } from './commands/apply.ts';
import { addAudit } from './commands/audit.ts';
import { addKeys } from './commands/keys.ts';
import { addKill } from './commands/kill.ts';
import { addMcp } from './commands/mcp.ts';
import { addPlan } from './commands/plan.ts';
import { addPolicy } from './commands/policy.ts';
import { addProposals } from './commands/proposals.ts';
import { addRollback } from './commands/rollback.ts';
import { addSandbox } from './commands/sandbox.ts';
import { addSign } from './commands/sign.ts';
import { addStatus } from './commands/status.ts';
import { addToken } from './commands/token.ts';
import { addVerify } from './commands/verify.ts';
import type { ExitCode } from './exit-codes.ts';
import type { Governance } from './governance.ts';
import { Shell } from './shell.ts';
import type { Terminal } from './terminal.ts';

const VERSION = '1.0.0';

/** Every command line there is. Definitions are light; what a command needs is loaded when it runs. */
export function buildProgram(
  terminal: Terminal,
  governance: () => Promise<Governance>,
  finish: (code: ExitCode) => void,
): Command {
  const program = newProgram('safeai', '✗ ', terminal)
    .description(
      'Signs, checks and lands code changes that an AI proposes: whole, tested and on record, or not at all.',
    )
    .version(VERSION)
    // What follows the command of `sandbox` belongs to that command.
    .enablePositionalOptions()
    .addHelpText(
      'after',
      '\nExit codes: 0 ok, 1 anything else; `sandbox` passes on the code of its command, 124 when its time was up.\n' +
        '\nExample:\n  $ safeai sign -m manifest.json -o change.json && safeai apply -s change.json\n',
    );
  const shell = new Shell(terminal, governance, finish);
  addKeys(program, shell);
  addSign(program, shell);
  addVerify(program, shell);
  addPlan(program, shell);
  addApply(program, shell);
  addRollback(program, shell);
  addAudit(program, shell);
  addSandbox(program, shell);
  addProposals(program, shell);
  addKill(program, shell);
  addStatus(program, shell);
  addPolicy(program, shell);
  addToken(program, shell);
  addMcp(program, shell);
  return program;
}
