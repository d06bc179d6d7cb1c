import { base64 } from '@provability-fabric/kernel';
import { cannotBeChecked } from './exit-code.ts';
import type { Failure, Place } from './failure.ts';
import { countByStatus, type EventSummary, summarise } from './summary.ts';
import { fit, printable } from './terminal-text.ts';
import type { Verification } from './verify-evidence.ts';
import type { VerifiedHead } from './verify-head.ts';

/** A file may be wrong in every entry; the rest is in the JSON report. */
const SHOWN_FAILURES = 50;
const TARGET_WIDTH = 44;
/** Of `rollback-applied` and `rollback-started`: a step that is cut looks like another. */
const MOST_WHAT_WIDTH = 16;
const LEAST_WHAT_WIDTH = 8;
const NO_KEY =
  'no key given signed this checkpoint; give the log’s keys with --keys FOLDER (the .vk files of the fabric that wrote it)';

type Paint = (text: string) => string;
interface Colours {
  readonly good: Paint;
  readonly weak: Paint;
  readonly bad: Paint;
  readonly faint: Paint;
}

const paint =
  (code: number): Paint =>
  (text) =>
    `\u001b[${code}m${text}\u001b[0m`;
const COLOURED: Colours = { good: paint(32), weak: paint(33), bad: paint(31), faint: paint(2) };
const PLAIN: Colours = { good: String, weak: String, bad: String, faint: String };

/** The report for people: the events by session, what is wrong, and one line that says it all. */
export function tableReport(verification: Verification, colour: boolean): string {
  const colours = colour ? COLOURED : PLAIN;
  const events = summarise(verification);
  // Without a key that fits nothing is known to be false: one line says so, instead of a table that looks like tampering.
  const unchecked = cannotBeChecked(verification.failures);
  const lines = unchecked
    ? [NO_KEY, '']
    : [...sessionTables(events, colours), ...failureLines(verification.failures, colours)];
  lines.push(...noteLines(verification), summaryLine(verification, events, colours));
  return lines.join('\n');
}

function* sessionTables(events: readonly EventSummary[], colours: Colours): Generator<string> {
  const width = whatWidth(events);
  let before: EventSummary | undefined;
  for (const event of events) {
    if (event.tenant !== before?.tenant || event.session !== before.session) {
      yield `session ${printable(event.session)} of ${printable(event.tenant)}`;
      yield colours.faint(row(width, 'seq', 'what', 'target', 'verdict/effect', 'status'));
    }
    yield row(width, `${event.seq}`, event.what, event.target, verdictOf(event), statusOf(event, colours));
    before = event;
  }
  if (before !== undefined) yield '';
}

function whatWidth(events: readonly EventSummary[]): number {
  const widest = events.reduce((most, { what }) => Math.max(most, printable(what).length), LEAST_WHAT_WIDTH);
  return Math.min(widest, MOST_WHAT_WIDTH);
}

function row(
  width: number,
  seq: string,
  what: string,
  target: string,
  verdict: string,
  status: string,
): string {
  const shown = fit(printable(target), TARGET_WIDTH).padEnd(TARGET_WIDTH);
  const cut = fit(printable(what), width).padEnd(width);
  return `${seq.padStart(6)}  ${cut}  ${shown}  ${verdict.padEnd(14)}  ${status}`;
}

function verdictOf({ verdict, effect }: EventSummary): string {
  if (verdict === null) return '';
  return effect === null ? verdict : `${verdict}/${effect}`;
}

function statusOf({ status, because }: EventSummary, { good, weak, bad }: Colours): string {
  const why = because === null ? '' : `: ${because}`;
  switch (status) {
    case 're-derived':
      return good(status);
    case 'failed':
      return bad(`FAILED${why}`);
    default:
      return weak(`${status}${why}`);
  }
}

function* failureLines(failures: readonly Failure[], { bad }: Colours): Generator<string> {
  for (const { code, place, message } of failures.slice(0, SHOWN_FAILURES)) {
    yield `${bad(code)} ${whereIs(place)}${printable(message)}`;
  }
  if (failures.length > SHOWN_FAILURES) {
    yield `and ${failures.length - SHOWN_FAILURES} more; --format json lists all`;
  }
  if (failures.length > 0) yield '';
}

function whereIs(place: Place | null): string {
  if (place === null) return '';
  const { entry, session, seq } = place;
  return session === null
    ? `entry ${entry}: `
    : `entry ${entry}, session ${printable(session)}, seq ${seq}: `;
}

function* noteLines({ uncheckedSignatures: count, head, failures }: Verification): Generator<string> {
  if (count > 0)
    yield `note: ${plural(count, 'signature')} on the checkpoint not checked: no key given for it; it proves nothing`;
  if (head !== null) yield headLine(head);
  else if (failures.length === 0)
    yield 'note: no head in the file: it does not show whether statements were left off at the end of a session';
}

function headLine({ at, logSize, sessions, whole, newer }: VerifiedHead): string {
  const ends = `${plural(sessions, 'session ends', 'sessions end')} where it says${whole ? ', and there are no others' : ''}`;
  const rest = newer === 0 ? '' : `; ${plural(newer, 'entry is', 'entries are')} newer than it`;
  return `head of ${printable(at)}, over ${plural(logSize, 'entry', 'entries')}: ${ends}${rest}`;
}

function summaryLine(
  verification: Verification,
  events: readonly EventSummary[],
  { good, bad }: Colours,
): string {
  const { checkpoint, failures, entries } = verification;
  const log =
    checkpoint === null
      ? `${plural(entries, 'entry', 'entries')}, log not verified`
      : [
          `${entries} of the ${plural(checkpoint.size, 'entry', 'entries')} of ${printable(checkpoint.origin)}`,
          `root ${base64(checkpoint.root)}`,
        ].join(', ');
  const counts = Object.entries(countByStatus(events))
    .filter(([, count]) => count > 0)
    .map(([status, count]) => `${count} ${status}`);
  const detail = [log, ...(counts.length === 0 ? [] : [counts.join(', ')])].join('; ');
  if (failures.length === 0) return `${good('verified')}: ${detail}`;
  const word = cannotBeChecked(failures) ? 'CANNOT BE CHECKED' : 'NOT VERIFIED';
  return `${bad(word)}: ${plural(failures.length, 'failure')}; ${detail}`;
}

function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
