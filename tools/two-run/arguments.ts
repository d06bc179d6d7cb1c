import { parseArgs } from 'node:util';
import { MOST_FURTHER_PAIRS } from './catch-sabotage.ts';

export const HELP = `npm run two-run -- [--pairs N] [--seed TEXT]

Checks the theorems of docs/theory.md on random pairs of sessions, and that the check catches monitors that are sabotaged.

  --pairs N    how many pairs to draw (default 20000); for a sabotage that these miss up to ${MOST_FURTHER_PAIRS} more
  --seed TEXT  what they are drawn from (default 1): the same text gives the same pairs
  --help       this

Exits with 0 where no law is broken and each sabotage is caught, 2 where one is broken or one is not caught, 3 where the
arguments are wrong.`;

export interface Arguments {
  readonly pairs: number;
  readonly seed: string;
}

/** What was typed; where that is no request to run, what to say about it. */
export function readArguments(typed: readonly string[]): Arguments | 'help' | { readonly problem: string } {
  try {
    const { values } = parseArgs({
      args: [...typed],
      options: {
        pairs: { type: 'string', default: '20000' },
        seed: { type: 'string', default: '1' },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) return 'help';
    const pairs = /^[0-9]+$/.test(values.pairs) ? Number(values.pairs) : 0;
    if (Number.isSafeInteger(pairs) && pairs >= 1) return { pairs, seed: values.seed };
    return { problem: `expected a whole number of pairs from 1 on, came \`${values.pairs}\`` };
  } catch (error) {
    // What parseArgs says goes on with advice about `--` that fits no option here.
    const [said = ''] = (error instanceof Error ? error.message : String(error)).split(/[.\n]/);
    return { problem: `expected --pairs N, --seed TEXT or --help: ${said}` };
  }
}
