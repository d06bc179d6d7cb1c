/**
 * A text without what a copy may change: ASCII letters in lower case, digits, and everything beyond ASCII as it is;
 * spaces, quotes and punctuation are gone. `starts` are where an unbroken run of it begins, the text's words and
 * numbers. Only ASCII is folded: what Unicode calls a letter changes with its version, and replay must not.
 */
export interface SqueezedText {
  readonly codes: Uint16Array;
  readonly starts: readonly number[];
  /** Which runs are parts of a time, a date or a decimal, as the two of `11:00`: by themselves they say nothing. */
  readonly parts: ReadonlySet<number>;
  readonly hasDigit: boolean;
}

export function squeeze(text: string): SqueezedText {
  const codes = new Uint16Array(text.length);
  const starts: number[] = [];
  let parts: Set<number> | undefined;
  let length = 0;
  let within = false;
  let hasDigit = false;
  for (let index = 0; index < text.length; index += 1) {
    const code = folded(text.charCodeAt(index));
    if (code === 0) {
      within = false;
      continue;
    }
    if (!within) {
      starts.push(length);
      if (isDigit(code) && joinsDigits(text, index)) {
        parts ??= new Set();
        parts.add(starts.length - 2).add(starts.length - 1);
      }
    }
    within = true;
    hasDigit ||= isDigit(code);
    codes[length] = code;
    length += 1;
  }
  return { codes: codes.subarray(0, length), starts, parts: parts ?? NO_PARTS, hasDigit };
}

const NO_PARTS: ReadonlySet<number> = new Set();

/** Whether the digit at `index` goes on with what a digit and a single mark before it began. */
function joinsDigits(text: string, index: number): boolean {
  if (!isDigit(text.charCodeAt(index - 2))) return false;
  const mark = text[index - 1];
  return mark === ':' || mark === '.' || mark === ',' || mark === '/' || mark === '-';
}

/** 0 for what squeezing drops. */
function folded(code: number): number {
  if (code > 0x60 && code < 0x7b) return code;
  if (code > 0x2f && code < 0x3a) return code;
  if (code > 0x40 && code < 0x5b) return code + 0x20;
  return code > 0x7f && code !== 0xa0 ? code : 0;
}

export function isDigit(code: number | undefined): boolean {
  return code !== undefined && code > 0x2f && code < 0x3a;
}

/** Where the unbroken run that begins with `starts[index]` ends. */
export function runEnd({ codes, starts }: SqueezedText, index: number): number {
  return starts[index + 1] ?? codes.length;
}
