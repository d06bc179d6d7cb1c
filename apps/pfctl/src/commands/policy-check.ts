import type { CompileError, CompileWarning } from '@provability-fabric/bundle';
import { plural, visibleJson } from '@provability-fabric/command-line';
import type { Command } from 'commander';
import { EXIT } from '../exit-codes.ts';
import { type Format, formatOption } from '../output/options.ts';
import type { Shell } from '../shell.ts';

export function addPolicyCheck(policy: Command, shell: Shell): void {
  policy
    .command('check')
    .summary('say everything that is wrong with a bundle')
    .description('Compiles a bundle without writing anything. Exits with 3 where it does not compile.')
    .argument('<folder>', "the bundle's folder")
    .addOption(formatOption())
    .addHelpText('after', '\nExample:\n  $ pfctl policy check bundles/quickstart\n')
    .action(
      shell.action(async (folder: string, { format }: { readonly format: Format }) => {
        const { terminal, style } = shell;
        const { compileFolder } = await import('../bundles/compile-folder.ts');
        const { formatFindings } = await import('../bundles/findings.ts');
        const { sources, compiled } = await compileFolder(shell, folder);
        const errors = compiled.ok ? [] : compiled.errors;
        const { warnings } = compiled;
        const identity = compiled.ok
          ? { name: compiled.bundle.name, version: compiled.bundle.version, digest: compiled.digest }
          : null;
        if (format === 'json') {
          const findings = { bundle: identity, errors: errors.map(asJson), warnings: warnings.map(asJson) };
          await terminal.write(`${visibleJson(JSON.stringify(findings))}\n`);
        } else {
          const said = [
            formatFindings(folder, sources, errors, 'error', style),
            formatFindings(folder, sources, warnings, 'warning', style),
          ].filter((text) => text !== '');
          for (const text of said) await terminal.write(`${text}\n`);
          const result =
            identity === null
              ? style('does not compile', 'bad')
              : style(`${identity.name} version ${identity.version} compiles`, 'good');
          const counts = `${plural(errors.length, 'error')}, ${plural(warnings.length, 'warning')}`;
          await terminal.write(
            `${result}: ${counts}${identity === null ? '' : `, digest ${identity.digest}`}\n`,
          );
        }
        return compiled.ok ? EXIT.ok : EXIT.invalidInput;
      }),
    );
}

function asJson({ file, line, column, clause, code, message, mend }: CompileError | CompileWarning) {
  return { file, line, column, clause: clause ?? null, code, message, mend };
}
