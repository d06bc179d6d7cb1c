import { isJsonObject, type JsonObject, type JsonValue } from '@provability-fabric/kernel';
import type { Call, GoalCall, Run, Suite } from './corpus.ts';
import { printed, recordsIn } from './records.ts';

/**
 * The suite with every name and value exchanged, the same one always for the same one: letters for letters
 * (so that words stay words, addresses addresses, and parts of a name parts of it), digits for digits,
 * dates for dates. Names of tools, arguments and fields are the tools' own and stay. A policy about sources
 * and sinks cannot tell the difference.
 */
export function renamed(suite: Suite): Suite {
  return {
    ...suite,
    attacks: suite.attacks.map(renamedRun),
    benign: suite.benign.map(renamedRun),
    tasks: suite.tasks.map(renamedRun),
    goals: new Map([...suite.goals].map(([id, goals]) => [id, goals.map(renamedGoal)])),
  };
}

function renamedRun(run: Run): Run {
  return { ...run, prompt: renamedText(run.prompt), calls: run.calls.map(renamedCall) };
}

function renamedCall(call: Call): Call {
  return {
    ...call,
    args: renamedValue(call.args) as JsonObject,
    result: call.result === null ? null : renamedResult(call.result),
  };
}

function renamedGoal({ tool, named }: GoalCall): GoalCall {
  return { tool, named: named.map(({ argument, value }) => ({ argument, value: renamedValue(value) })) };
}

/** Names of fields are the tool's own, so records are renamed value by value. */
function renamedResult(text: string): string {
  const records = recordsIn(text);
  return records === undefined ? renamedText(text) : printed(renamedValue(records));
}

function renamedValue(value: JsonValue): JsonValue {
  if (typeof value === 'string') return renamedText(value);
  if (typeof value === 'number') return Number(renamedText(String(value)));
  if (Array.isArray(value)) return value.map(renamedValue);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, renamedValue(inner)]));
}

// A permutation without a fixed point, vowels among the vowels, so that what comes out still looks like
// words.
const FROM = 'aeioubcdfghjklmnpqrstvwxyz';
const TO = 'eiouacdfghjklmnpqrstvwxyzb';
const LETTERS = new Map(
  [...FROM].flatMap((letter, index) => {
    const other = TO[index] as string;
    return [
      [letter, other],
      [letter.toUpperCase(), other.toUpperCase()],
    ] as const;
  }),
);

const MONTHS = 'January February March April May June July August September October November December'.split(
  ' ',
);
const TOKENS = new RegExp(`\\b(?:${MONTHS.join('|')})\\b|[A-Za-z]|\\d+\\.\\d+|\\d+`, 'g');

function renamedText(text: string): string {
  return text.replace(TOKENS, (token) => {
    const month = MONTHS.indexOf(token) + 1;
    if (month > 0) return MONTHS[exchanged(month) - 1] as string;
    const letter = LETTERS.get(token);
    if (letter !== undefined) return letter;
    const [whole = '', fraction] = token.split('.');
    return fraction === undefined ? renamedDigits(whole) : `${renamedDigits(whole)}.${eachDigit(fraction)}`;
  });
}

function renamedDigits(digits: string): string {
  if (digits.length <= 2) return String(exchanged(Number(digits))).padStart(digits.length, '0');
  // Years move on by a leap year's period; "May 15" and 2024-05-15 stay one day.
  if (/^(?:19|20)\d\d$/.test(digits)) return String(Number(digits) + 4);
  return eachDigit(digits);
}

function eachDigit(digits: string): string {
  return digits.replace(/[1-9]/g, (digit) => String((Number(digit) % 9) + 1));
}

// Small numbers are days, months, hours, minutes and ids, often one of them in one text and another in the
// next. They change places only where every reading of them stays what it was: a day a day, a month of 31
// days one of 31.
const CYCLES = [[1, 3, 5, 7, 8], [4, 6, 9], [10, 12], span(13, 23), span(24, 28), span(32, 59), span(60, 99)];
const EXCHANGES = new Map(
  CYCLES.flatMap((cycle) =>
    cycle.map((number, at) => [number, cycle[(at + 1) % cycle.length] as number] as const),
  ),
);

function exchanged(number: number): number {
  return EXCHANGES.get(number) ?? number;
}

function span(first: number, last: number): readonly number[] {
  return Array.from({ length: last - first + 1 }, (_, at) => first + at);
}
