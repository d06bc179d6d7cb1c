import { CommandError } from '@provability-fabric/command-line';
import { parseDuration } from '@provability-fabric/configuration';
import { formatInstant, parseInstant } from '@provability-fabric/policy';

/** From `since`, itself included, to before `until`; null: open on that side. RFC 3339 UTC with milliseconds. */
export interface TimeRange {
  readonly since: string | null;
  readonly until: string | null;
}

const LONGEST = 100;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
/** The day of 1970-01-01 first. */
const WEEKDAYS = ['Thu', 'Fri', 'Sat', 'Sun', 'Mon', 'Tue', 'Wed'];

/** Only names that mean one offset wherever they are used, and the American ones as RFC 5322 (4.3) fixes them. */
const ZONES: Readonly<Record<string, string>> = {
  UTC: 'Z',
  GMT: 'Z',
  WET: 'Z',
  WEST: '+01:00',
  CET: '+01:00',
  CEST: '+02:00',
  EET: '+02:00',
  EEST: '+03:00',
  MSK: '+03:00',
  JST: '+09:00',
  EST: '-05:00',
  EDT: '-04:00',
  CST: '-06:00',
  CDT: '-05:00',
  MST: '-07:00',
  MDT: '-06:00',
  PST: '-08:00',
  PDT: '-07:00',
};

/**
 * What `--since` and `--until` say together; `--since A/B` says both. A time is RFC 3339, a day, a duration back from now
 * (`1hour`, `2 hours ago`), `@` with the seconds of `date +%s`, or what `date` prints.
 */
export function parseRange(
  { since, until }: { readonly since?: string | undefined; readonly until?: string | undefined },
  now: number,
): TimeRange {
  const [from, to, ...more] = since?.split('/') ?? [];
  if (more.length > 0) throw notATime(since as string);
  if (to !== undefined && until !== undefined)
    throw new CommandError(
      'INPUT_INVALID',
      'expected either --since A/B or --until, came both; leave one out',
    );
  const start = from === undefined ? null : parseTime(from, now);
  const last = to ?? until;
  const end = last === undefined ? null : parseTime(last, now);
  if (start !== null && end !== null && start > end) {
    const times = `${formatInstant(start)} to ${formatInstant(end)}`;
    throw new CommandError('INPUT_INVALID', `expected a range that ends after it begins, came ${times}`);
  }
  return {
    since: start === null ? null : formatInstant(start),
    until: end === null ? null : formatInstant(end),
  };
}

/** Whether an instant of ours (which are all of one width, so that text compares as time does) is in the range. */
export function isWithin({ since, until }: TimeRange, instant: string): boolean {
  return (since === null || instant >= since) && (until === null || instant < until);
}

/** ms since the epoch; throws for what is no time, since a guessed range would hide what it leaves out. */
export function parseTime(text: string, now: number): number {
  if (text.length > LONGEST) throw notATime(text);
  const plain = text.trim().replaceAll(/ +/g, ' ');
  const found =
    plain === 'now'
      ? now
      : (parsedBack(plain, now) ?? parsedSeconds(plain) ?? parsedInstant(plain) ?? parsedDate(plain));
  if (found === undefined) throw notATime(text);
  return found;
}

function parsedBack(text: string, now: number): number | undefined {
  const ms = parseDuration(text.replace(/ ago$/, ''));
  return ms === undefined ? undefined : Math.max(0, now - ms);
}

function parsedSeconds(text: string): number | undefined {
  return /^@\d{1,11}$/.test(text) ? Number(text.slice(1)) * 1000 : undefined;
}

/** RFC 3339, also with a space for its `T`; without seconds; a day alone, which begins at midnight UTC. */
function parsedInstant(text: string): number | undefined {
  const parts = /^(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d)(:\d\d(?:\.\d{1,9})?)? ?([Zz]|[+-]\d\d:\d\d))?$/.exec(
    text,
  );
  if (parts === null) return undefined;
  const [, day, clock = '00:00', seconds = ':00', zone = 'Z'] = parts;
  return parseInstant(`${day}T${clock}${seconds}${zone}`);
}

const CLOCK = String.raw`(?<hour>\d\d?):(?<minute>\d\d):(?<second>\d\d)(?: (?<half>[AP]M))?`;
const ZONE = String.raw`(?<zone>[A-Z]{3,5}|[+-]\d\d(?::?\d\d)?)`;
const FORMS = [
  // The C locale, then British, American and `-R`.
  String.raw`(?<weekday>\w{3}) (?<month>\w{3}) (?<day>\d{1,2}) ${CLOCK} ${ZONE} (?<year>\d{4})`,
  String.raw`(?<weekday>\w{3}) (?<day>\d{1,2}) (?<month>\w{3}) ${CLOCK} ${ZONE} (?<year>\d{4})`,
  String.raw`(?<weekday>\w{3}),? (?<day>\d{1,2}) (?<month>\w{3}) (?<year>\d{4}) ${CLOCK} ${ZONE}`,
].map((form) => new RegExp(`^${form}$`));

/** What `date` prints. A weekday that is not that day's shows a time that was mangled on its way. */
function parsedDate(text: string): number | undefined {
  const parts = FORMS.map((form) => form.exec(text)?.groups).find((groups) => groups !== undefined);
  if (parts === undefined) return undefined;
  const { weekday, year, month = '', day = '', hour = '', half, minute, second, zone = '' } = parts;
  const two = (value: number | string) => String(value).padStart(2, '0');
  const monthNumber = MONTHS.indexOf(month) + 1;
  const hours = half === undefined ? Number(hour) : hourOfHalf(Number(hour), half);
  const date = `${year}-${two(monthNumber)}-${two(day)}`;
  const at = parseInstant(`${date}T${two(hours)}:${minute}:${second}${offsetOf(zone)}`);
  const midnight = parseInstant(`${date}T00:00:00Z`);
  if (at === undefined || midnight === undefined) return undefined;
  return WEEKDAYS[(midnight / 86_400_000) % 7] === weekday ? at : undefined;
}

function hourOfHalf(hour: number, half: string): number {
  if (hour < 1 || hour > 12) return Number.NaN;
  return (hour % 12) + (half === 'PM' ? 12 : 0);
}

function offsetOf(zone: string): string {
  if (!/^[+-]/.test(zone)) return Object.hasOwn(ZONES, zone) ? (ZONES[zone] as string) : '?';
  const digits = zone.replace(':', '').padEnd(5, '0');
  return `${digits.slice(0, 3)}:${digits.slice(3)}`;
}

function notATime(text: string): CommandError {
  return new CommandError(
    'INPUT_INVALID',
    'expected a time such as `2026-03-01T12:00:00Z`, `1hour`, `2 hours ago`, or two with `/` between for --since, came ' +
      `\`${text.slice(0, LONGEST)}\`; \`date -Iseconds\` prints one that is always understood`,
  );
}
