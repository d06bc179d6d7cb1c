import { CommandError } from '@provability-fabric/command-line';
import { parseDuration } from '@provability-fabric/configuration';
import type { JsonObject } from '@provability-fabric/kernel';

/** How a new value is made, as it is typed. */
export interface TypedRotation {
  readonly grace?: string;
  readonly rotator?: string;
  readonly option: readonly string[];
}

export interface TypedSchedule extends TypedRotation {
  readonly policy?: string;
  readonly everyDays?: number;
  readonly at?: string;
  readonly cron?: string;
  readonly timeZone?: string;
  readonly jitter?: string;
}

/** What the service is to be told; undefined where nothing was typed, which asks for what there is. */
export function scheduleBody(typed: TypedSchedule): JsonObject | undefined {
  const { policy, everyDays, at, cron, timeZone, jitter } = typed;
  const body: JsonObject = {
    ...(policy === undefined ? {} : { policy }),
    ...(everyDays === undefined ? {} : { everyDays }),
    ...(at === undefined ? {} : { at }),
    ...(cron === undefined ? {} : { cronSchedule: cron }),
    ...(timeZone === undefined ? {} : { timeZone }),
    ...(jitter === undefined ? {} : { jitterMinutes: durationIn(60_000, '--jitter', jitter) }),
    ...rotatingBody(typed),
  };
  return Object.keys(body).length === 0 ? undefined : body;
}

/** What a single rotation takes as well. */
export function rotatingBody({ grace, rotator, option }: TypedRotation): JsonObject {
  return {
    ...(grace === undefined ? {} : { gracePeriodHours: durationIn(3_600_000, '--grace', grace) }),
    ...(rotator === undefined ? {} : { rotator }),
    ...(option.length === 0 ? {} : { options: Object.fromEntries(option.map(optionOf)) }),
  };
}

function durationIn(unitMs: number, flag: string, text: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined) return ms / unitMs;
  throw new CommandError(
    'INPUT_INVALID',
    `expected ${flag} as a duration such as 24h, came \`${text.slice(0, 40)}\``,
  );
}

/** Numbers and words as what they look like: `length=32`, `tls=true`. */
function optionOf(text: string): readonly [string, string | number | boolean] {
  const [, name, value] = /^([A-Za-z][A-Za-z0-9]{0,63})=(.*)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined)
    throw new CommandError('INPUT_INVALID', `expected --option NAME=VALUE, came \`${text.slice(0, 80)}\``);
  if (value === 'true' || value === 'false') return [name, value === 'true'];
  return [name, /^-?\d{1,15}$/.test(value) ? Number(value) : value];
}
