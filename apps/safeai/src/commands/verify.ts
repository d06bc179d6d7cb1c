import { facts } from '@provability-fabric/command-line';
import type { Command } from 'commander';
import { EXIT } from '../exit-codes.ts';
import { readDocument } from '../input/read-document.ts';
import {
  dataOption,
  type FormatOptions,
  keysOption,
  type PlaceOptions,
  wantsJson,
  withFormat,
  withService,
} from '../output/place-options.ts';
import { localPlace, serviceUrl } from '../service/place.ts';
import type { Shell } from '../shell.ts';

interface VerifyOptions extends PlaceOptions, FormatOptions {
  readonly input?: string;
}

export function addVerify(program: Command, shell: Shell): void {
  const command = program
    .command('verify')
    .summary('check the signatures of a change')
    .description(
      'Checks that every signature holds, that it is by a key of the ring, and that the change has not expired; says who ' +
        'signed what. Whether it may be applied is for `plan` and `apply` to say.',
    )
    .option('-i, --input <envelope>', 'the signed manifest (default: standard input)')
    .addOption(dataOption())
    .addOption(keysOption());
  withFormat(withService(command))
    .addHelpText('after', '\nExample:\n  $ safeai verify -i change.signed.json\n')
    .action(
      shell.action(async (options: VerifyOptions) => {
        const envelope = await readDocument(shell, options.input, 'a signed manifest');
        const url = serviceUrl(shell, options, ['dataDir', 'keysDir']);
        const answer =
          url === undefined
            ? await (await import('../signing/verify-here.ts')).verifyHere(
                localPlace(shell, options).keysDir,
                envelope,
                shell.terminal.now(),
              )
            : await (await import('../service/remote-desk.ts'))
                .remoteGovernor(shell, url, options.tokenFile)
                .then((governor) => governor.verify(envelope));
        if (wantsJson(options)) await shell.json(answer);
        else {
          await shell.good(`Signature valid: ${answer.manifest_hash}`);
          await shell.terminal.write(
            facts([
              ...answer.signers.map(({ keyId, role }) => ['signed by', `${keyId} (${role})`] as const),
              ['expires', answer.expires_at],
              ['rationale', answer.rationale],
              ...answer.targets.map((target) => ['target', target] as const),
            ]),
          );
        }
        return EXIT.ok;
      }),
    );
}
