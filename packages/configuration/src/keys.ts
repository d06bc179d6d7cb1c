import { formatDuration } from './duration.ts';
import {
  type Parsed,
  parseCount,
  parseListen,
  parseOneOf,
  parseOrigin,
  parsePath,
  parseSpan,
} from './values.ts';

const SECOND = 1000;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** One key as the reference page lists it. */
export interface KeyDescription {
  readonly key: string;
  /** `fabric.yaml`: a member of that file; `policy-config`: a file of that name. */
  readonly where: 'fabric.yaml' | 'policy-config';
  readonly type: string;
  /** As one would write it; null where there is none. `<env>` stands for the environment's name. */
  readonly standard: string | null;
  readonly range: string;
  readonly effect: string;
}

interface Key<Value> extends KeyDescription {
  parse(value: unknown): Parsed<Value>;
}

const MODES = ['shadow', 'monitor', 'enforce'] as const;
const span = (low: number, high: number) => ({
  type: 'duration',
  range: `${formatDuration(low)} to ${formatDuration(high)}`,
  parse: (value: unknown) => parseSpan(value, low, high),
});
const choice = <const Choice extends string>(choices: readonly Choice[]) => ({
  where: 'policy-config' as const,
  type: 'word',
  range: choices.join(', '),
  parse: (value: unknown) => parseOneOf(value, choices),
});

/** The members of `fabric.yaml`. Only keys that act are here: one that does nothing would be a false promise. */
export const FABRIC_KEYS = {
  data_dir: {
    key: 'data_dir',
    where: 'fabric.yaml',
    type: 'path',
    standard: '.pf/<env>',
    range: 'a folder, relative to the folder that holds `config/`, or absolute',
    effect: 'holds the evidence log, the keys and what was activated; one fabric at a time uses it',
    parse: parsePath,
  },
  bundle: {
    key: 'bundle',
    where: 'fabric.yaml',
    type: 'path',
    standard: null,
    range: 'a bundle folder, relative to the folder that holds `config/`, or absolute',
    effect: 'the bundle that `pf serve` and `pfctl test` take where none is named',
    parse: parsePath,
  },
  listen: {
    key: 'listen',
    where: 'fabric.yaml',
    type: 'host:port',
    standard: '127.0.0.1:8080',
    range: 'a host name, an IPv4 address or an IPv6 address in brackets; port 0 to 65535, 0 takes a free one',
    effect: 'where the HTTP routes answer',
    parse: parseListen,
  },
  origin: {
    key: 'origin',
    where: 'fabric.yaml',
    type: 'name',
    standard: 'provability-fabric.local/<env>',
    range: '1 to 128 of letters, digits and `. _ / -`',
    effect: "the log's name in checkpoints and verifier keys; fixed once the data folder has keys",
    parse: parseOrigin,
  },
  session_idle: {
    key: 'session_idle',
    where: 'fabric.yaml',
    standard: '30m',
    effect: 'without a session id, one session per principal until this long has passed without an action',
    ...span(SECOND, 30 * DAY),
  },
  epoch: {
    key: 'epoch',
    where: 'fabric.yaml',
    type: 'count',
    standard: '1',
    range: '0 to 9007199254740991',
    effect: 'the epoch in force; raising it refuses every capability token of an earlier one',
    parse: parseCount,
  },
  upstream_timeout: {
    key: 'upstream_timeout',
    where: 'fabric.yaml',
    standard: '30s',
    effect: 'how long an upstream tool server may take before its outcome is recorded as ambiguous',
    ...span(100, HOUR),
  },
} satisfies Record<string, Key<unknown>>;

/** The files of `policy-config/`. */
export const LIVE_KEYS = {
  enforcement_mode: {
    key: 'enforcement_mode',
    standard: 'enforce',
    effect: 'the strongest mode that any clause acts in; `disabled` weakens all to shadow and says so',
    ...choice([...MODES, 'disabled']),
  },
  default_mode: {
    key: 'default_mode',
    standard: null,
    effect: "weakens the bundle's default deny; without the file the bundle's own `default_mode` holds",
    ...choice(MODES),
  },
  log_level: {
    key: 'log_level',
    standard: 'info',
    effect: "the least level that the fabric's log shows",
    ...choice(['debug', 'info', 'warn', 'error']),
  },
} satisfies Record<string, Key<unknown>>;

export const KEYS: readonly KeyDescription[] = [...Object.values(FABRIC_KEYS), ...Object.values(LIVE_KEYS)];
