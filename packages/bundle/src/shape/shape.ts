import { z } from 'zod';

// Every message of a schema completes the sentence "expected …": the reader of issues adds what came and
// where.

/**
 * A map with these keys and no other. For a stranger among them the message lists the keys that are known.
 */
export function map<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  const keys = Object.keys(shape).join(',');
  return z.strictObject(shape, {
    error: (issue) => (issue.code === 'unrecognized_keys' ? keys : 'a map'),
  });
}

export const SOME_OF = 'a map with one of';

/** The same, of which at least one key must be there. */
export function someOf<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  const keys = Object.keys(shape).map((key) => `\`${key}\``);
  return map(shape).refine((value) => Object.values(value as object).some((part) => part !== undefined), {
    error: `${SOME_OF} ${keys.join(', ')} at least`,
  });
}

export function list<Item extends z.ZodType>(item: Item) {
  return z.array(item, { error: 'a list' });
}

export function filledList<Item extends z.ZodType>(item: Item) {
  return list(item).min(1, { error: 'a list that is not empty' });
}

export function choice<const Options extends readonly [string, ...string[]]>(options: Options) {
  return z.enum(options, { error: `one of ${options.join(', ')}` });
}

export function textThat(expected: string, accepts: (text: string) => unknown) {
  return z.string({ error: expected }).refine((text) => holds(accepts, text), { error: expected });
}

function holds(accepts: (text: string) => unknown, text: string): boolean {
  try {
    return accepts(text) !== false;
  } catch {
    return false; // the kernel's readers of names and pointers say no by throwing
  }
}

export function matching(expected: string, pattern: RegExp) {
  return textThat(expected, (text) => pattern.test(text));
}

/** A map whose keys are names; which names are good is checked where they are declared. */
export function named<Content extends z.ZodType>(content: Content) {
  return z.record(z.string(), content, { error: 'a map' });
}

export function someNamed<Content extends z.ZodType>(content: Content) {
  return named(content).refine((value) => Object.keys(value).length > 0, {
    error: 'a map that is not empty',
  });
}

export function integer(least: number) {
  const error = `a whole number of at least ${least}`;
  return z.number({ error }).refine((value) => Number.isSafeInteger(value) && value >= least, { error });
}

export const flag = z.boolean({ error: 'true or false' });

/** Neither empty nor with control characters, which could forge a second line in a log. */
export function isLineOfUpTo(length: number): (text: string) => boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this refuses
  return (text) => text !== '' && text.length <= length && !/[\u0000-\u001f\u007f]/.test(text);
}

export const line = textThat('a line of 1 to 256 characters', isLineOfUpTo(256));
