import { dirname, join } from 'node:path';
import { facts, writeWhole } from '@provability-fabric/command-line';
import type { JsonValue } from '@provability-fabric/kernel';
import type { Command } from 'commander';
import { EXIT } from '../exit-codes.ts';
import { type Format, formatOption } from '../output/options.ts';
import type { Shell } from '../shell.ts';

interface CompileOptions {
  readonly output?: string;
  readonly format: Format;
}

export function addPolicyCompile(policy: Command, shell: Shell): void {
  policy
    .command('compile')
    .summary('write the compiled bundle and its automata')
    .description(
      'Writes the canonical bundle.json and, beside it, artifact/dfa.json and artifact/dfa.json.sha256. The same sources ' +
        'give the same bytes.',
    )
    .argument('<folder>', "the bundle's folder")
    .option('--output <file>', 'where to write the bundle (default: bundle.json in the folder)')
    .addOption(formatOption())
    .addHelpText(
      'after',
      '\nExample:\n  $ pfctl policy compile bundles/quickstart --output build/bundle.json\n',
    )
    .action(
      shell.action(async (folder: string, { output, format }: CompileOptions) => {
        const { terminal } = shell;
        const { requireCompiled } = await import('../bundles/compile-folder.ts');
        const { canonicalBytes } = await import('@provability-fabric/kernel');
        const { compiled } = await requireCompiled(shell, folder);
        const { bundle, digest, bytes } = compiled;
        const shown = output ?? join(folder, 'bundle.json');
        const automata = join(dirname(shown), 'artifact', 'dfa.json');
        await writeWhole(shell.path(shown), bytes);
        // The very bytes that `automata_hash` in every certificate is the SHA-256 of.
        await writeWhole(shell.path(automata), canonicalBytes(bundle.automata as unknown as JsonValue));
        await writeWhole(shell.path(`${automata}.sha256`), `${bundle.hashes.automata}  dfa.json\n`);
        const { name, version, hashes } = bundle;
        await terminal.write(
          format === 'json'
            ? `${JSON.stringify({ name, version, digest, hashes, files: [shown, automata, `${automata}.sha256`] })}\n`
            : facts([
                ['bundle', `${name} version ${version}`],
                ['digest', digest],
                ['automata', hashes.automata],
                ['written', `${shown}, ${automata}, ${automata}.sha256`],
              ]),
        );
        return EXIT.ok;
      }),
    );
}
