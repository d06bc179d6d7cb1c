import { nearest, parseDuration } from '@provability-fabric/configuration';
import { InvalidArgumentError, Option } from 'commander';
import { CommandError } from './errors.ts';

/** An option that takes one of a few words; a near miss is told what was meant. */
export function choiceOption(flags: string, description: string, choices: readonly string[]): Option {
  const option = new Option(flags, description);
  option.argChoices = [...choices];
  return option.argParser((word: string) => {
    if (choices.includes(word)) return word;
    const meant = nearest(word, choices);
    throw new InvalidArgumentError(
      `Expected one of ${choices.join(', ')}.${meant === undefined ? '' : `\n(Did you mean ${meant}?)`}`,
    );
  });
}

/** `--role a --role b`: one value a time, in order. */
export function collect(value: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, value];
}

export function count(text: string): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (value > 0) return value;
  throw new InvalidArgumentError('Expected a whole number from 1 to 999999999.');
}

export function position(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Expected a whole number from 0 to 999999999.');
}

export function durationMs(text: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined && ms > 0) return ms;
  throw new InvalidArgumentError('Expected a duration with its unit, such as 90s, 15m or 1h.');
}

/**
 * The value of an option that must be given. Not commander's own requirement: that is checked before unknown options are,
 * so that `--manifset x` would be told that --manifest is missing and not that it was mistyped.
 */
export function required<Value>(value: Value | undefined, flag: string): Value {
  if (value !== undefined) return value;
  throw new CommandError('INPUT_INVALID', `expected ${flag}, came none; --help shows how`);
}
