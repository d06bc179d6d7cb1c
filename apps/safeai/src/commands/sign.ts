import { CommandError, durationMs, visible, writeWhole } from '@provability-fabric/command-line';
import type { Command } from 'commander';
import { EXIT } from '../exit-codes.ts';
import { readDocument } from '../input/read-document.ts';
import { type PlaceOptions, withPlace } from '../output/place-options.ts';
import type { Shell } from '../shell.ts';

interface SignOptions extends PlaceOptions {
  readonly manifest?: string;
  readonly output?: string;
  readonly add?: string;
  readonly keyId?: string;
  readonly sshAgent?: string;
  readonly expires?: number;
  readonly idempotencyKey?: string;
  readonly baseTree?: string;
  readonly policy?: string;
  readonly policyVersion?: string;
}

export function addSign(program: Command, shell: Shell): void {
  const command = program
    .command('sign')
    .summary('sign a change, or add a signature to one')
    .description(
      'Signs a manifest and binds it to the tree, the policy and its version, a time and a key of its own, so that it can be ' +
        'applied once, there, and under that policy. What is bound comes from the data folder or the service, unless it is said. ' +
        'A manifest that is bound already, such as a proposal, is signed as it is.',
    )
    .option('-m, --manifest <file>', 'the manifest (default: standard input)')
    .option('-o, --output <file>', 'where the envelope goes (default: standard output)')
    .option('--add <envelope>', 'add a signature to this envelope instead')
    .option('--key-id <id>', 'which key signs (default: default)')
    .option('--ssh-agent <public-key-file>', 'sign by the SSH agent that has this Ed25519 key')
    .option('--expires <duration>', 'how long it may be applied (default: 1h)', durationMs)
    .option('--idempotency-key <key>', 'a repeat under it is the same change (default: a random one)')
    .option('--base-tree <digest>', 'the tree it was made for')
    .option('--policy <digest>', 'the policy it is to be applied under, with --policy-version')
    .option('--policy-version <n>', 'its version');
  withPlace(command)
    .addHelpText(
      'after',
      '\nExamples:\n  $ safeai sign -m manifest.json -o change.json --expires 30m\n' +
        '  $ safeai sign --add change.json --key-id bob -o change.json\n',
    )
    .action(shell.action((options: SignOptions) => sign(shell, options)));
}

async function sign(shell: Shell, options: SignOptions): Promise<number> {
  const { signerOf } = await import('../signing/signer-of.ts');
  const { signAnew, signMore } = await import('../signing/sign-manifest.ts');
  if (options.add !== undefined && options.manifest !== undefined)
    throw new CommandError('INPUT_INVALID', 'expected --manifest or --add, came both; leave one out');
  if (options.add === '-' && options.output === '-')
    throw new CommandError(
      'INPUT_INVALID',
      'expected a file for --output, came `-`; leave it out for standard output',
    );
  const document =
    options.add === undefined
      ? await readDocument(shell, options.manifest, 'a manifest')
      : await readDocument(shell, options.add, 'a signed manifest');
  const signer = await signerOf(shell, options);
  const signed =
    options.add === undefined
      ? await signAnew(shell, document, signer, options)
      : await signMore(document, signer, options);
  const { envelopeBytes } = await import('@provability-fabric/kernel');
  const text = `${Buffer.from(envelopeBytes(signed.envelope)).toString()}\n`;
  if (options.output === undefined || options.output === '-') {
    await shell.terminal.write(text);
    // Standard output is the envelope's.
    shell.terminal.note(`✓ Signed: ${signed.hash}\n`);
  } else {
    await writeWhole(shell.path(options.output), text);
    await shell.good(`Signed: ${signed.hash}`);
    shell.terminal.note(`${visible(options.output)}: signed by ${visible(signer.keyId)}\n`);
  }
  return EXIT.ok;
}
