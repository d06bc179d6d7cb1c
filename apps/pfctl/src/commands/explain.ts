import { CommandError } from '@provability-fabric/command-line';
import type { ChainedStatement } from '@provability-fabric/statements';
import type { Command } from 'commander';
import { EXIT } from '../exit-codes.ts';
import { dataOption, environmentOption, type Format, formatOption, type Place } from '../output/options.ts';
import type { Shell } from '../shell.ts';
import type { RecordedEntry } from '../story/recorded-session.ts';

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
        // Certificates are named in small letters.
        const named = /^[0-9A-F]{8,64}$/i.test(name) ? name.toLowerCase() : name;
        const found = await findCertificate(folder, named, options.tenant);
        const { statement } = found;
        const crypto = nodeCrypto();
        const log = await openLog(folder);
        const entries = recordedSession(log, crypto, statement.tenant, statement.session);
        if (statement.type !== 'permission-certificate') {
          const asked = await askedBefore(entries, statement);
          const of = asked === undefined ? '' : `, the outcome of #${asked}`;
          throw new CommandError(
            'INPUT_INVALID',
            `expected the certificate of an action, came a statement of type ${statement.type}${of}; pfctl certs show prints it`,
          );
        }
        const archive = await openBundleArchive({ directory: join(folder.path, 'bundles'), crypto });
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

/** The action that a statement is the outcome of, by its place in the session. */
async function askedBefore(
  entries: AsyncIterable<RecordedEntry>,
  outcome: ChainedStatement,
): Promise<number | undefined> {
  if (outcome.type !== 'outcome-certificate') return undefined;
  const { certificate_id: id } = outcome;
  for await (const { statement } of entries)
    if (statement.type === 'permission-certificate' && statement.certificate_id === id) return statement.seq;
  return undefined;
}
