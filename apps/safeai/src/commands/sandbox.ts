import { CommandError, collect, count, durationMs } from '@provability-fabric/command-line';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { dataOption, type PlaceOptions, projectOption } from '../output/place-options.ts';
import { localPlace } from '../service/place.ts';
import type { Shell } from '../shell.ts';

interface SandboxOptions extends PlaceOptions {
  readonly timeout: number;
  readonly memory: number;
  readonly pids: number;
  readonly readOnly: readonly string[];
}

const TIMEOUT_MS = 300_000;
const MEMORY_BYTES = 512 * 1024 * 1024;
const PIDS = 100;

export function addSandbox(program: Command, shell: Shell): void {
  const sandbox = program
    .command('sandbox')
    .summary('run a command as the tests of a change run')
    .description(
      'Runs a command on a private copy of the tree: without network, without the rest of this machine, within limits. Passes on ' +
        'its output and exit code; 124 when its time was up. `sandbox CMD…` is short for `sandbox run -- CMD…`.',
    )
    .helpCommand(false);
  declare(sandbox, shell);
  declare(sandbox.command('run').summary('the same, said in full'), shell);
}

function declare(command: Command, shell: Shell): void {
  command
    .argument('[command...]', 'the program and its arguments')
    .passThroughOptions()
    .addOption(
      new Option('--timeout <duration>', 'how long it may take')
        .argParser(atMostADay)
        .default(TIMEOUT_MS, '5m'),
    )
    .addOption(
      new Option('--memory <size>', 'how much it may hold, such as 512m or 2g')
        .argParser(byteSize)
        .default(MEMORY_BYTES, '512m'),
    )
    .option('--pids <count>', 'how many processes it may have', count, PIDS)
    .option('--read-only <folder>', 'a toolchain it may see; may be given several times', collect, [])
    .addOption(projectOption())
    .addOption(dataOption())
    .addHelpText('after', '\nExample:\n  $ safeai sandbox run --timeout 60s -- npm test\n')
    .action(
      shell.action(async (words: readonly string[], options: SandboxOptions) => {
        if (words.length === 0)
          throw new CommandError(
            'INPUT_INVALID',
            'expected a command, came none; try `safeai sandbox run -- ls`',
          );
        const { runSandboxed } = await import('../sandbox/run-sandboxed.ts');
        const { timeout, memory, pids, readOnly } = options;
        return runSandboxed(shell, localPlace(shell, options), words, {
          timeoutMs: timeout,
          memoryBytes: memory,
          pids,
          readOnly: readOnly.map((folder) => shell.path(folder)),
        });
      }),
    );
}

const DAY_MS = 86_400_000;

function atMostADay(text: string): number {
  const ms = durationMs(text);
  if (ms <= DAY_MS) return ms;
  throw new InvalidArgumentError('Expected at most 24h.');
}

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };
const MOST_BYTES = 1024 ** 4;

function byteSize(text: string): number {
  const [, digits = '', unit = ''] = /^(\d{1,9})([kmg]?)$/.exec(text) ?? [];
  const bytes = digits === '' ? 0 : Number(digits) * (UNITS[unit] ?? 0);
  if (bytes > 0 && bytes <= MOST_BYTES) return bytes;
  throw new InvalidArgumentError('Expected a size such as 512m or 2g.');
}
