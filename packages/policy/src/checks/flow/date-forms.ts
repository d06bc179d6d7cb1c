import { isDigit, runEnd, type SqueezedText } from './squeezed-text.ts';

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const MONTH_NAMES =
  /^(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)$/;
const MONTH_INITIALS: ReadonlySet<number | undefined> = new Set(MONTHS.map((name) => name.charCodeAt(0)));
const LONGEST = 'september'.length;

interface Part {
  /** -1: no number. */
  readonly number: number;
  readonly digits: number;
  /** 1 to 12; 0: no name of a month. */
  readonly month: number;
}

interface DateForm {
  /** null: none was said. */
  readonly year: number | null;
  readonly month: number;
  readonly day: number;
  /** Which runs of the text it spans. */
  readonly from: number;
  readonly to: number;
}

/** Every date that a text may be read to hold, in any common order of its parts. */
export function dateForms(text: SqueezedText): readonly DateForm[] {
  const found: DateForm[] = [];
  let before: Part = NO_PART;
  let last: Part = NO_PART;
  for (let index = 0; index < text.starts.length; index += 1) {
    const part = partAt(text, index);
    if (part.digits === 8) compact(part.number, index, found);
    if (part !== NO_PART && last !== NO_PART) {
      if (last.month > 0) add(null, last.month, part.number, index - 1, index, found);
      if (part.month > 0) add(null, part.month, last.number, index - 1, index, found);
      if (before !== NO_PART) three(before, last, part, index, found);
    }
    before = last;
    last = part;
  }
  return found;
}

const NO_PART: Part = { number: -1, digits: 0, month: 0 };

function three(a: Part, b: Part, c: Part, index: number, found: DateForm[]): void {
  const from = index - 2;
  if (a.digits === 4) add(a.number, b.month || b.number, c.number, from, index, found);
  if (c.digits !== 4) return;
  if (b.month > 0 || a.month > 0) {
    add(c.number, b.month || a.month, b.month > 0 ? a.number : b.number, from, index, found);
  } else {
    add(c.number, b.number, a.number, from, index, found);
    add(c.number, a.number, b.number, from, index, found);
  }
}

function compact(number: number, index: number, found: DateForm[]): void {
  const month = Math.floor(number / 100) % 100;
  add(Math.floor(number / 10_000), month, number % 100, index, index, found);
}

function add(
  year: number | null,
  month: number,
  day: number,
  from: number,
  to: number,
  found: DateForm[],
): void {
  if (month < 1 || month > 12 || day < 1 || day > 31) return;
  if (year !== null && (year < 1000 || year > 9999)) return;
  found.push({ year, month, day, from, to });
}

/** `15`, `15th`, `15t10` (of a time stamp), `march`, `2024`. */
function partAt(text: SqueezedText, index: number): Part {
  const { codes, starts } = text;
  const start = starts[index] as number;
  const end = runEnd(text, index);
  let digits = 0;
  let number = 0;
  while (start + digits < end && digits < 9 && isDigit(codes[start + digits])) {
    number = number * 10 + (codes[start + digits] as number) - 0x30;
    digits += 1;
  }
  if (digits > 0) return digits < 9 ? { number, digits, month: 0 } : NO_PART;
  if (end - start < 3 || end - start > LONGEST || !MONTH_INITIALS.has(codes[start])) return NO_PART;
  const word = String.fromCharCode(...codes.subarray(start, end));
  return MONTH_NAMES.test(word)
    ? { number: -1, digits: 0, month: MONTHS.indexOf(word.slice(0, 3)) + 1 }
    : NO_PART;
}

/** What a date in a result is filed under. */
export function filedForms({ year, month, day }: DateForm): readonly string[] {
  const ofAnyYear = `day ${month}-${day}`;
  return year === null
    ? [ofAnyYear, `yearless ${month}-${day}`]
    : [ofAnyYear, `date ${year}-${month}-${day}`];
}

/** What a date in a value is looked for under: the same date, or one of which either side leaves the year out. */
export function soughtForms({ year, month, day }: DateForm): readonly string[] {
  return year === null
    ? [`day ${month}-${day}`]
    : [`yearless ${month}-${day}`, `date ${year}-${month}-${day}`];
}
