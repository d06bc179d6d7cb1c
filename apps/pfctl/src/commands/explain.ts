import type { Command } from 'commander';
import { PfctlError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { dataOption, environmentOption, type Format, formatOption, type Place } from '../output/options.ts';
import type { Shell } from '../shell.ts';

interface ExplainOptions extends Place {
  readonly tenant?: string;
  readonly all?: true;
  readonly showValues?: true;
  readonly json?: true;
  readonly format: Format;
}

export function addExplain(program: Command, shell: Shell): void {
  program
    .command('explain')
    .summary('the story of a session up to one action, and why that got its answer')
    .description(
      "Tells a session's story up to an action: each event, what raised the label, and for the action each check, where " +
        'its arguments may come from, the automata, limits and the smallest change that would let it through. All of it is ' +
        'derived anew from the records. Exits with 1 where a record or signature does not hold.',
    )
    .argument('<certificate>', 'a certificate id, or its first 8 digits or more, or SESSION#SEQ')
    .option('--tenant <tenant>', 'its tenant, where several have a session of that name')
    .option('--all', 'every event of a long session')
    .option('--show-values', 'the arguments themselves: they may be secret')
    .addOption(environmentOption())
    .addOption(dataOption())
    .option('--json', 'the same as --format json')
    .addOption(formatOption())
    .addHelpText(
      'after',
      '\nExample:\n  $ pfctl explain desk-17#3\n\nSee also: pfctl policy explain BUNDLE, for what a bundle demands of anyone.\n',
    )
    .action(
      shell.action(async (name: string, options: ExplainOptions) => {
        const { nodeCrypto, openBundleArchive } = await import('@provability-fabric/evidence');
        const { join } = await import('node:path');
        const { requireDataFolder } = await import('../evidence/data-folder.ts');
        const { findCertificate } = await import('../evidence/find-certificate.ts');
        const { openLog } = await import('../evidence/open-log.ts');
        const { recordedSession } = await import('../story/recorded-session.ts');
        const { tellStory } = await import('../story/tell-story.ts');
        const { storyAsJson, storyAsTable } = await import('../story/print-story.ts');
        const folder = await requireDataFolder(shell, options);
        const found = await findCertificate(folder, name, options.tenant);
        const { statement } = found;
        if (statement.type !== 'permission-certificate')
          throw new PfctlError(
            'INPUT_INVALID',
            `expected the certificate of an action, came a statement of type ${statement.type}; pfctl certs show prints it`,
          );
        const crypto = nodeCrypto();
        const archive = await openBundleArchive({ directory: join(folder.path, 'bundles'), crypto });
        const log = await openLog(folder);
        const entries = recordedSession(log, crypto, statement.tenant, statement.session);
        const story = await tellStory(crypto, archive, entries, statement);
        const { terminal, style } = shell;
        const shown = {
          crypto,
          style,
          columns: terminal.columns,
          all: options.all === true,
          showValues: options.showValues === true,
        };
        const isJson = options.json === true || options.format === 'json';
        await terminal.write(isJson ? storyAsJson(story, found, shown) : storyAsTable(story, found, shown));
        const holds = found.signature.verified && found.inclusion.verified;
        return holds && story.standing.kind !== 'contradicted' ? EXIT.ok : EXIT.failure;
      }),
    );
}
