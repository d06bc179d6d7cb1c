import type { ApplyRequest } from '@provability-fabric/governor';
import type { Command } from 'commander';
import { EXIT } from '../exit-codes.ts';
import { readDocument } from '../input/read-document.ts';
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

interface ApplyOptions extends PlaceOptions, FormatOptions {
  readonly signed?: string;
  readonly manifest?: string;
  readonly idempotencyKey?: string;
}

export function addApply(program: Command, shell: Shell): void {
  const command = program
    .command('apply')
    .summary('let a signed change land in the tree')
    .description(
      'Checks the signatures, the binding and the policy, runs the tests in the sandbox on a copy that has the change, and ' +
        'then writes all files or none. Everything goes on record.',
    )
    .option('-s, --signed <envelope>', 'the signed manifest (default: standard input)')
    .option('-m, --manifest <file>', 'has to be the signed one')
    .option('--idempotency-key <key>', 'has to be the signed one; with it a repeat gets the first answer');
  withFormat(withPlace(command))
    .addHelpText('after', '\nExample:\n  $ safeai apply -s change.signed.json --project-root .\n')
    .action(
      shell.action(async (options: ApplyOptions) => {
        const { idempotencyKey: key } = options;
        const signed_envelope = await readDocument(shell, options.signed, 'a signed manifest');
        const request: ApplyRequest = {
          signed_envelope,
          ...(options.manifest === undefined
            ? {}
            : { manifest: await readDocument(shell, options.manifest, 'a manifest') }),
          ...(key === undefined ? {} : { idempotency_key: key }),
        };
        const answer = await atDesk(shell, options, 'change', (desk) => desk.apply(request));
        if (wantsJson(options)) await shell.json(answer);
        else await printApplied(shell, answer);
        return EXIT.ok;
      }),
    );
}
