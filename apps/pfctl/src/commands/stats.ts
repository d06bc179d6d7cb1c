import { count } from '@provability-fabric/command-line';
import type { Command } from 'commander';
import { EXIT } from '../exit-codes.ts';
import {
  dataOption,
  environmentOption,
  type Format,
  formatOption,
  type Place,
  sinceOption,
  untilOption,
} from '../output/options.ts';
import type { Shell } from '../shell.ts';

interface StatsOptions extends Place {
  readonly session?: string;
  readonly tenant?: string;
  readonly since?: string;
  readonly until?: string;
  readonly top: number;
  readonly format: Format;
}

export function addStats(program: Command, shell: Shell): void {
  program
    .command('stats')
    .summary('count what was decided, and which clauses were violated')
    .description(
      'Counts decisions by verdict, effect and mode, violations by clause, and the busiest tools and principals, from the ' +
        'evidence log. What enforcing would have stopped is counted as let through.',
    )
    .addOption(environmentOption())
    .addOption(dataOption())
    .addOption(sinceOption())
    .addOption(untilOption())
    .option('--session <id>', 'only of this session')
    .option('--tenant <tenant>', 'only of this tenant')
    .option('--top <count>', 'how many tools and principals to name', count, 10)
    .addOption(formatOption())
    .addHelpText('after', '\nExample:\n  $ pfctl stats --env production --since 7d --format json\n')
    .action(
      shell.action(async ({ since, until, format, ...options }: StatsOptions) => {
        const { parseRange } = await import('../times.ts');
        const range = parseRange({ since, until }, shell.terminal.now());
        const { requireDataFolder } = await import('../evidence/data-folder.ts');
        const { openLog } = await import('../evidence/open-log.ts');
        const { countDecisions } = await import('../stats/count-decisions.ts');
        const { printStats } = await import('../stats/print-stats.ts');
        const folder = await requireDataFolder(shell, options);
        const log = await openLog(folder);
        const stats = await countDecisions(log.scan(), { ...options, range });
        const of = { origin: folder.origin, range, freed: log.freed };
        await shell.terminal.write(printStats(stats, of, format, shell.style));
        return EXIT.ok;
      }),
    );
}
