import type { ListedProposal } from '@provability-fabric/client';
import { CommandError, choiceOption, count, table } from '@provability-fabric/command-line';
import type { ProposalStatus } from '@provability-fabric/governor';
import { asDigest, type Digest } from '@provability-fabric/kernel';
import { type Command, InvalidArgumentError } from 'commander';
import { EXIT } from '../exit-codes.ts';
import {
  type FormatOptions,
  type PlaceOptions,
  wantsJson,
  withFormat,
  withPlace,
} from '../output/place-options.ts';
import { printApplied } from '../output/print-applied.ts';
import { atDesk } from '../service/desk.ts';
import type { Shell } from '../shell.ts';

interface ListOptions extends PlaceOptions, FormatOptions {
  readonly status: ProposalStatus | 'all';
  readonly limit: number;
}

interface ApproveOptions extends PlaceOptions, FormatOptions {
  readonly keyId?: string;
  readonly sshAgent?: string;
  readonly signed?: string;
}

const STATUSES = ['open', 'applied', 'refused', 'expired', 'all'];
const MOST_LISTED = 200;
const MOST_RATIONALE = 60;

export function addProposals(program: Command, shell: Shell): void {
  const proposals = program
    .command('proposals')
    .summary('what agents have proposed')
    .description('Changes that agents have proposed, and which a person or the policy decides about.')
    .helpCommand(false)
    .addHelpText('after', '\nExample:\n  $ safeai proposals list --status open\n');
  addList(proposals, shell);
  addShow(proposals, shell);
  addApprove(proposals, shell);
}

function addList(proposals: Command, shell: Shell): void {
  const command = proposals
    .command('list')
    .summary('newest first')
    .addOption(choiceOption('--status <status>', 'only these', STATUSES).default('open'))
    .option('--limit <count>', 'at most so many, 200 at most', listCount, 50);
  withFormat(withPlace(command))
    .addHelpText('after', '\nExample:\n  $ safeai proposals list --status open\n')
    .action(
      shell.action(async (options: ListOptions) => {
        const { status, limit } = options;
        const query = { limit, ...(status === 'all' ? {} : { status }) };
        const found = await atDesk(shell, options, 'look', (desk) => desk.proposals(query));
        if (wantsJson(options)) await shell.json(found);
        else await shell.terminal.write(listed(found, shell));
        return EXIT.ok;
      }),
    );
}

function addShow(proposals: Command, shell: Shell): void {
  const command = proposals
    .command('show <hash>')
    .summary('all of one: what it changes, and what the policy says');
  withFormat(withPlace(command))
    .addHelpText('after', '\nExample:\n  $ safeai proposals show 5f0c… --json > proposal.json\n')
    .action(
      shell.action(async (hash: string, options: PlaceOptions & FormatOptions) => {
        const proposal = await atDesk(shell, options, 'look', (desk) => desk.proposal(hashOf(hash)));
        if (wantsJson(options)) await shell.json(proposal);
        else {
          const { printProposal } = await import('../output/print-proposal.ts');
          await printProposal(shell, proposal);
        }
        return EXIT.ok;
      }),
    );
}

function addApprove(proposals: Command, shell: Shell): void {
  const command = proposals
    .command('approve <hash>')
    .summary('sign one, and apply it when it has signatures enough')
    .description(
      'Signs a proposal with your key, or takes its envelope with signatures that were added elsewhere (`safeai sign`), and ' +
        'applies the change once it has the signatures that the policy asks for. Look at it first: `safeai proposals show`.',
    )
    .option('--key-id <id>', 'sign with this key (default: default)')
    .option('--ssh-agent <public-key-file>', 'sign by the SSH agent that has this Ed25519 key')
    .option('-s, --signed <envelope>', 'the signed manifest instead; `-` is standard input');
  withFormat(withPlace(command))
    .addHelpText('after', '\nExample:\n  $ safeai proposals approve 5f0c… --key-id alice\n')
    .action(
      shell.action(async (hash: string, options: ApproveOptions) => {
        const { approve } = await import('../signing/approve-proposal.ts');
        const answer = await approve(shell, hashOf(hash), options);
        if (wantsJson(options)) await shell.json(answer);
        else await printApplied(shell, answer);
        return EXIT.ok;
      }),
    );
}

function listCount(text: string): number {
  const limit = count(text);
  if (limit <= MOST_LISTED) return limit;
  throw new InvalidArgumentError(`Expected at most ${MOST_LISTED}.`);
}

function listed(proposals: readonly ListedProposal[], shell: Shell): string {
  const rows = proposals.map(({ hash, proposed_at, proposer, status, verdict, rationale }) => [
    hash,
    proposed_at,
    proposer,
    status,
    verdict,
    rationale.slice(0, MOST_RATIONALE),
  ]);
  return table(['hash', 'time', 'proposer', 'status', 'policy', 'rationale'], rows, shell.style);
}

function hashOf(text: string): Digest {
  if (/^[0-9a-f]{64}$/.test(text)) return asDigest(text);
  throw new CommandError(
    'INPUT_INVALID',
    'expected the hash of a proposal: 64 hex digits, as `list` prints it',
  );
}
