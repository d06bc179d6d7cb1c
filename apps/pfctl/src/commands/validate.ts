import { choiceOption, required } from '@provability-fabric/command-line';
import type { Command } from 'commander';
import { EXIT } from '../exit-codes.ts';
import type { Shell } from '../shell.ts';

const FORMATS = ['table', 'json', 'dot', 'svg'] as const;

interface ValidateOptions {
  readonly dfa?: string;
  readonly bundle?: string;
  readonly format: (typeof FORMATS)[number];
}

export function addValidate(program: Command, shell: Shell): void {
  program
    .command('validate')
    .summary('check exported automata, or draw them')
    .description(
      'Checks artifact/dfa.json: its form, that its automata are deterministic, total, reached and closed under ' +
        'prefixes, its SHA-256 against FILE.sha256 where that is there, and against a bundle. Exits with 1 where ' +
        'something is wrong. dot and svg draw what has been checked.',
    )
    .option('--dfa <file>', 'the automata, as `pfctl policy compile` writes them')
    .option('--bundle <bundle>', 'the bundle they must be of: a folder or a bundle.json')
    .addOption(choiceOption('--format <format>', 'how to print', FORMATS).default('table'))
    .addHelpText(
      'after',
      '\nExample:\n  $ pfctl validate --dfa artifact/dfa.json\n' +
        '  $ pfctl validate --dfa artifact/dfa.json --format svg > dfa.svg\n',
    )
    .action(
      shell.action(async ({ dfa, bundle, format }: ValidateOptions) => {
        const { terminal, style } = shell;
        const file = required(dfa, '--dfa <file>');
        const { checkAutomata } = await import('../automata/check-automata.ts');
        const { checkAsJson, checkAsTable, problemLine } = await import('../automata/print-check.ts');
        const against =
          bundle === undefined
            ? undefined
            : await (await import('../bundles/open-bundle.ts')).openBundle(shell, bundle);
        const result = await checkAutomata(shell, file, against);
        const valid = result.problems.length === 0;
        if (format === 'json') await terminal.write(checkAsJson(result));
        else if (format === 'table') await terminal.write(checkAsTable(result, style));
        else if (!valid) {
          for (const problem of result.problems) terminal.note(`pfctl: ${problemLine(problem)}\n`);
        } else if (format === 'dot') {
          const { automataAsDot } = await import('../automata/draw-dot.ts');
          await terminal.write(automataAsDot(result.document));
        } else {
          const { automataAsSvg } = await import('../automata/draw-svg.ts');
          await terminal.write(automataAsSvg(result.document));
        }
        return valid ? EXIT.ok : EXIT.failure;
      }),
    );
}
