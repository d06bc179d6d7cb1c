// A JavaScript string may hold half of a surrogate pair. Such a string has no UTF-8 form, and encoders
// disagree about it (most write U+FFFD), so two different texts would get one digest. We refuse it
// everywhere.
const LONE_SURROGATE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

// ES2024, present in every engine we run on, constant time for Latin-1 strings; the pattern is the fallback.
const native = (String.prototype as { isWellFormed?: (this: string) => boolean }).isWellFormed;

export const isWellFormed: (text: string) => boolean =
  native === undefined ? (text) => !LONE_SURROGATE.test(text) : (text) => native.call(text);

/** The position of the first lone surrogate, or -1. */
export function loneSurrogateAt(text: string): number {
  return text.search(LONE_SURROGATE);
}
