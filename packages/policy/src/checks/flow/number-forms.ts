/**
 * A number with its group and decimal marks, as a copy may have changed them; no part of a time or date. Linear: no mark
 * is a digit.
 */
const NUMBER = /(?<![0-9][:/-]?)[0-9]+(?:[.,' \u00a0_][0-9]+)*(?![0-9]|[:/-][0-9])/g;
/** Longer runs are no amounts; their digits are found as text. */
const MAX_LENGTH = 40;

/** Every number that a text may be read to hold, in one form each: `1,234.50` and `1234.5` are `1234.5`. */
export function numberForms(text: string): ReadonlySet<string> {
  const forms = new Set<string>();
  for (const [run] of text.matchAll(NUMBER)) if (run.length <= MAX_LENGTH) addReadings(run, forms);
  return forms;
}

/** The readings of a value that is a number and nothing else but a currency or a sign. */
export function wholeNumberForms(text: string): ReadonlySet<string> {
  const forms = new Set<string>();
  if (text.length > MAX_LENGTH + 16) return forms;
  const [first, second] = text.match(NUMBER) ?? [];
  if (first === undefined || second !== undefined) return forms;
  const at = text.indexOf(first);
  const around = text.slice(0, at) + text.slice(at + first.length);
  if (/^[ \t\r\n"'()+-]*(?:[A-Za-z]{1,3}|[$\u0080-\uffff]{1,2})?[ \t\r\n"'().,%-]*$/.test(around)) {
    addReadings(first, forms);
  }
  return forms;
}

/** The last mark may stand before decimals or before a group of thousands: both readings count, since this taints. */
function addReadings(run: string, forms: Set<string>): void {
  const groups = run.split(/[.,' \u00a0_]/);
  if (groups.length === 1) {
    forms.add(plain(run, ''));
    return;
  }
  const decimals = groups.at(-1) as string;
  const whole = groups.slice(0, -1).join('');
  if (/[.,]/.test(run[run.length - decimals.length - 1] as string)) forms.add(plain(whole, decimals));
  if (groups.slice(1).every((group) => group.length === 3)) forms.add(plain(groups.join(''), ''));
  // Numbers in a row, as in `3 14`.
  if (/[ \u00a0_]/.test(run)) for (const part of run.split(/[ \u00a0_]/)) addReadings(part, forms);
}

function plain(whole: string, decimals: string): string {
  const fraction = decimals.replace(/0+$/, '');
  const integer = whole.replace(/^0+(?=[0-9])/, '');
  return fraction === '' ? `number ${integer}` : `number ${integer}.${fraction}`;
}
