import { visibleJson } from '@provability-fabric/command-line';
import type { JsonValue } from '@provability-fabric/kernel';
import type { Command } from 'commander';
import type { ApprovalPlace } from '../approvals/ask-approvals.ts';
import { EXIT } from '../exit-codes.ts';
import { environmentOption, type Format, formatOption } from '../output/options.ts';
import type { Shell } from '../shell.ts';

type Options = ApprovalPlace & { readonly format: Format };
type DecideOptions = Options & { readonly session?: string };

export function addApprovals(program: Command, shell: Shell): void {
  const approvals = program
    .command('approvals')
    .summary('see what is held, and approve or deny it')
    .description(
      'Actions that a clause holds until somebody approves them. Speaks with the token in --token-file, or in ' +
        'APPROVER_TOKEN: of the role approver, for the sidecar-watcher. Exits with 2 where that is refused.',
    )
    .helpCommand(false)
    .addHelpText('after', '\nExample:\n  $ pfctl approvals list --token-file approver.token\n');
  addList(approvals, shell);
  addShow(approvals, shell);
  addDecision(approvals, shell, 'approve', 'let one action go ahead, once');
  addDecision(approvals, shell, 'deny', 'have one action refused');
}

function addList(approvals: Command, shell: Shell): void {
  withPlace(approvals.command('list'))
    .summary('what is held')
    .description(
      'Lists what is held in the sessions that this fabric knows of, the oldest first, without arguments.',
    )
    .addHelpText('after', '\nExample:\n  $ pfctl approvals list --token-file approver.token\n')
    .action(
      shell.action(async ({ format, ...place }: Options) => {
        const { approversAt, listHeld } = await import('../approvals/ask-approvals.ts');
        const { printList } = await import('../approvals/print-held.ts');
        const held = await listHeld(await approversAt(shell, place));
        await shell.terminal.write(
          format === 'json' ? await jsonLine([...held]) : printList(held, shell.style),
        );
        return EXIT.ok;
      }),
    );
}

function addShow(approvals: Command, shell: Shell): void {
  withPlace(approvals.command('show'))
    .summary('one action that is held, with its arguments')
    .description('Shows exactly what is asked for. What a terminal would obey or hide is written as \\uXXXX.')
    .argument('<ticket>', 'as the list shows it')
    .addHelpText(
      'after',
      '\nExample:\n  $ pfctl approvals show 5f0c1d2e3b4a59687786950a1b2c3d4e --token-file approver.token\n',
    )
    .action(
      shell.action(async (ticket: string, { format, ...place }: Options) => {
        const { approversAt, showHeld } = await import('../approvals/ask-approvals.ts');
        const { printHeld } = await import('../approvals/print-held.ts');
        const held = await showHeld(await approversAt(shell, place), ticket);
        await shell.terminal.write(format === 'json' ? await jsonLine(held) : printHeld(held));
        return EXIT.ok;
      }),
    );
}

function addDecision(approvals: Command, shell: Shell, decision: 'approve' | 'deny', summary: string): void {
  withPlace(approvals.command(decision))
    .summary(summary)
    .description(
      decision === 'approve'
        ? 'Puts your approval on record. The agent has to ask for the same action again; all else is decided anew then.'
        : 'Puts your denial on record: the same action is refused, whoever approves it besides.',
    )
    .argument('<ticket>', 'as the list shows it')
    .option('--session <id>', 'its session, where another fabric may have it')
    .addHelpText(
      'after',
      `\nExample:\n  $ pfctl approvals ${decision} 5f0c1d2e3b4a59687786950a1b2c3d4e --token-file approver.token\n`,
    )
    .action(
      shell.action(async (ticket: string, { format, session, ...place }: DecideOptions) => {
        const { approversAt } = await import('../approvals/ask-approvals.ts');
        const { decideHeld } = await import('../approvals/decide-held.ts');
        const approvers = await approversAt(shell, place);
        const { said, line } = await decideHeld(approvers, ticket, decision, session);
        await shell.terminal.write(format === 'json' ? await jsonLine(said) : line);
        return EXIT.ok;
      }),
    );
}

function withPlace(command: Command): Command {
  return command
    .option('--url <url>', "where the sidecar-watcher is (default: the environment's listen)")
    .option('--ca <file>', 'PEM: who signed its certificate')
    .option('--token-file <file>', 'holds a token of the role approver')
    .addOption(environmentOption())
    .addOption(formatOption());
}

async function jsonLine(value: JsonValue): Promise<string> {
  const { stringifyJson } = await import('@provability-fabric/kernel');
  return `${visibleJson(stringifyJson(value))}\n`;
}
