import { formatByteSize } from './byte-size.ts';
import { formatDuration } from './duration.ts';
import type { Listen } from './settings.ts';
import {
  type Parsed,
  parseCount,
  parseDigits,
  parseListen,
  parseOneOf,
  parseSize,
  parseSpan,
} from './values.ts';

/** One key as the reference page lists it. */
export interface KeyDescription {
  readonly key: string;
  /** Which file it is a member of; `policy-config`: a file of that name. */
  readonly where: 'fabric.yaml' | 'policy-config' | 'upstreams.yaml';
  readonly type: string;
  /** As one would write it; null where there is none. `<env>` stands for the environment's name. */
  readonly standard: string | null;
  readonly range: string;
  readonly effect: string;
}

export interface Key<Value> extends KeyDescription {
  parse(value: unknown): Parsed<Value>;
  /** As one would write it. */
  show(value: Value): string;
}

export const SECOND = 1000;
export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

// How the types of values are written, checked and shown.

export const span = (low: number, high: number) => ({
  type: 'duration',
  range: `${formatDuration(low)} to ${formatDuration(high)}`,
  parse: (value: unknown) => parseSpan(value, low, high),
  show: formatDuration,
});

export const size = (low: number, high: number) => ({
  type: 'size',
  range: `${formatByteSize(low)} to ${formatByteSize(high)}`,
  parse: (value: unknown) => parseSize(value, low, high),
  show: formatByteSize,
});

export const count = (low: number, high: number) => ({
  type: 'count',
  range: `${low} to ${high}`,
  parse: (value: unknown) => parseCount(value, low, high),
  show: (value: number) => String(value),
});

/** In a key file everything is text. */
export const digits = (low: number, high: number) => ({
  ...count(low, high),
  parse: (value: unknown) => parseDigits(value, low, high),
});

export const choice = <const Choice extends string>(choices: readonly Choice[]) => ({
  type: 'word',
  range: choices.join(', '),
  parse: (value: unknown) => parseOneOf(value, choices),
  show: (value: Choice) => value,
});

/** Two words for on and off. */
export const either = (on: string, off: string) => ({
  ...choice([on, off]),
  parse: (value: unknown): Parsed<boolean> => {
    const word = parseOneOf(value, [on, off]);
    return word.ok ? { ok: true, value: word.value === on } : word;
  },
  show: (value: boolean) => (value ? on : off),
});

export const listener = {
  type: 'host:port',
  range: 'a host name, an IPv4 address or an IPv6 address in brackets; port 0 to 65535, 0 takes a free one',
  parse: parseListen,
  show: ({ host, port }: Listen) => `${host.includes(':') ? `[${host}]` : host}:${port}`,
};

export const asWritten = { show: (value: string) => value };
