import { CommandError, choiceOption, required } from '@provability-fabric/command-line';
import type { Environment } from '@provability-fabric/policy';
import type { Command } from 'commander';
import {
  dataOption,
  environmentOption,
  type Format,
  formatOption,
  type Place,
  sinceOption,
  untilOption,
} from '../output/options.ts';
import type { SessionSource } from '../replay/session-source.ts';
import type { Shell } from '../shell.ts';

interface ReplayOptions extends Place {
  readonly bundle?: string;
  readonly trace?: string;
  readonly recorded?: true;
  readonly tenant?: string;
  readonly session?: string;
  readonly since?: string;
  readonly until?: string;
  readonly compareBundle?: string;
  readonly mode: Environment['enforcement_mode'] | 'recorded';
  readonly summary?: true;
  readonly whyNot?: string;
  readonly format: Format;
}

const OF_RECORDED = ['env', 'data', 'tenant', 'session', 'since', 'until'];

export function addReplay(program: Command, shell: Shell): void {
  program
    .command('replay')
    .summary('decide recorded sessions again')
    .description(
      'Decides recorded sessions under a bundle and prints what each event gets and why: of trace files, or with --recorded ' +
        'what a data folder has on record. Two runs print the same bytes, on any machine. Exits with 2 where something is ' +
        'not accepted.',
    )
    .option('--bundle <path>', 'required: a bundle folder, or a compiled bundle.json')
    .option('--trace <path>', 'a trace file, a folder of them, or - for standard input')
    .option('--recorded', 'instead of --trace: the sessions on record in the data folder')
    .addOption(environmentOption())
    .addOption(dataOption())
    .option('--tenant <tenant>', 'with --recorded: only of this tenant')
    .option('--session <id>', 'with --recorded: only this session')
    .addOption(sinceOption())
    .addOption(untilOption())
    .option('--compare-bundle <path>', 'print only what this bundle would answer differently')
    .addOption(
      choiceOption('--mode <mode>', "the environment's enforcement mode", [
        'shadow',
        'monitor',
        'enforce',
        'disabled',
        'recorded',
      ]).default('enforce'),
    )
    .option(
      '--summary',
      'print no events: counts, what changes, and what benign sessions would lose, by clause',
    )
    .option(
      '--why-not <event>',
      'SESSION#NUMBER or a certificate id: the smallest change that would let it through',
    )
    .addOption(formatOption())
    .addHelpText(
      'after',
      '\nExample:\n' +
        '  $ pfctl replay --bundle bundles/quickstart --trace examples/traces\n' +
        '  $ pfctl replay --bundle old --compare-bundle new --trace week.jsonl --format json | jq .changes\n' +
        '  $ pfctl replay --bundle new --recorded --since 7d --summary\n' +
        '\nSee also: pfctl explain CERTIFICATE, for the story of one session.\n',
    )
    .action(
      shell.action(async (options: ReplayOptions, command: Command) => {
        const { terminal, style } = shell;
        const bundlePath = required(options.bundle, '--bundle <path>');
        checkOptions(options, command);
        const { openBundle } = await import('../bundles/open-bundle.ts');
        const bundle = await openBundle(shell, bundlePath);
        const compared =
          options.compareBundle === undefined ? undefined : await openBundle(shell, options.compareBundle);
        const source = await openSource(shell, options, bundle.ir.tenants);
        const { mode, format, whyNot: event } = options;
        const replay = { source, bundle, mode, format, style, terminal, every: options.summary !== true };
        if (event !== undefined) {
          const { answerWhyNot } = await import('../replay/why-not.ts');
          return answerWhyNot({ ...replay, event });
        }
        const { compareSessions, replaySessions } = await import('../replay/replay-sessions.ts');
        return compared === undefined ? replaySessions(replay) : compareSessions({ ...replay, compared });
      }),
    );
}

function checkOptions(options: ReplayOptions, command: Command): void {
  const { trace, recorded, mode, whyNot } = options;
  if (trace !== undefined && recorded)
    throw new CommandError('INPUT_INVALID', 'expected --trace or --recorded, came both; leave one out');
  if (!recorded) {
    required(trace, '--trace <path> or --recorded');
    const idle = OF_RECORDED.find((name) => command.getOptionValueSource(name) === 'cli');
    if (idle !== undefined)
      throw new CommandError('INPUT_INVALID', `expected --recorded beside --${idle}, came none`);
    if (mode === 'recorded')
      throw new CommandError('INPUT_INVALID', 'expected --recorded beside --mode recorded, came none');
  }
  const other = (['compareBundle', 'summary'] as const).find((name) => options[name] !== undefined);
  if (whyNot !== undefined && other !== undefined)
    throw new CommandError('INPUT_INVALID', 'expected --why-not without --compare-bundle and --summary');
}

async function openSource(
  shell: Shell,
  options: ReplayOptions,
  tenants: readonly string[],
): Promise<SessionSource> {
  const { trace, mode, tenant, session } = options;
  const environment =
    mode === 'recorded' ? null : { enforcement_mode: mode, default_mode: null, overlay: null };
  if (trace !== undefined && environment !== null) {
    const { openTraces } = await import('../replay/read-traces.ts');
    return openTraces(trace, shell.terminal, environment);
  }
  const { parseRange } = await import('../times.ts');
  const range = parseRange(options, shell.terminal.now());
  const { nodeCrypto } = await import('@provability-fabric/evidence');
  const { requireDataFolder } = await import('../evidence/data-folder.ts');
  const { openLog } = await import('../evidence/open-log.ts');
  const { recordedSessions } = await import('../replay/recorded-sessions.ts');
  const log = await openLog(await requireDataFolder(shell, options));
  return recordedSessions(log, nodeCrypto(), {
    ...(tenant === undefined ? {} : { tenant }),
    ...(session === undefined ? {} : { session }),
    range,
    tenants,
    environment,
  });
}
