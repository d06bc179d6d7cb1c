import { choiceOption } from '@provability-fabric/command-line';
import { Option } from 'commander';

export type Format = 'table' | 'json';

export function formatOption(): Option {
  return choiceOption('--format <format>', 'how to print', ['table', 'json']).default('table');
}

/** What the options of one command may say of where the evidence is. */
export interface Place {
  readonly env: string;
  readonly data?: string;
}

export function environmentOption(): Option {
  return new Option('--env <name>', 'the environment: config/<name>/').default('local');
}

export function dataOption(): Option {
  return new Option('--data <folder>', "the data folder, instead of the environment's");
}

export function sinceOption(): Option {
  return new Option('--since <time>', 'from this time on: RFC 3339, 1hour, 7d, "2 hours ago", or A/B');
}

export function untilOption(): Option {
  return new Option('--until <time>', 'before this time');
}
