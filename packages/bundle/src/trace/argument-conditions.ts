import { type ArgumentCondition, matchesWildcard, type ScalarConstant } from '@provability-fabric/policy';
import type { Compilation } from '../compilation.ts';
import type { ArgumentDocument, EventClassDocument } from '../shape/bundle-shape.ts';
import { show } from '../shape/read-shape.ts';
import { didYouMean } from '../suggestion.ts';
import type { Path } from '../yaml/located.ts';

/** What a class asks of arguments, by JSON pointer; constants stand in it with their values, so that it says all by itself. */
export function compileArguments(
  written: NonNullable<EventClassDocument['args']>,
  path: Path,
  clause: string,
  compilation: Compilation,
): Readonly<Record<string, ArgumentCondition>> {
  const { locations, found } = compilation;
  const conditions: Record<string, ArgumentCondition> = {};
  for (const [key, condition] of Object.entries(written)) {
    const pointer = key.startsWith('/') ? key : `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    const place = locations.key(...path, key);
    if (/~(?![01])/.test(pointer) || pointer === '/' || pointer === '/__proto__') {
      found.error('WRONG_VALUE', place, {
        clause,
        message: `expected the name of an argument or a JSON pointer, came \`${show(key)}\``,
        mend: 'write `path`, or `/paths/*` for every element; `~` and `/` in a name are `~0` and `~1`',
      });
    } else if (Object.hasOwn(conditions, pointer)) {
      found.error('DUPLICATE_PARAMETER', place, {
        clause,
        message: `expected each argument once, came \`${show(key)}\`, which is \`${show(pointer)}\` again`,
        mend: 'write its conditions into one map',
      });
    } else conditions[pointer] = compileArgument(condition, [...path, key], clause, compilation);
  }
  return conditions;
}

function compileArgument(
  written: ArgumentDocument,
  path: Path,
  clause: string,
  compilation: Compilation,
): ArgumentCondition {
  const { document, locations, found } = compilation;
  const { one_of: set, equals, matches, present } = written;
  let values = equals === undefined ? null : listed(equals);
  if (set !== undefined) {
    if (Object.hasOwn(document.constants, set)) {
      values = intersected(values, document.constants[set] as readonly ScalarConstant[]);
    } else {
      found.error('UNKNOWN_CONSTANT', locations.value(...path, 'one_of'), {
        clause,
        message: `expected a set that \`constants\` declares, came \`${show(set)}\``,
        mend: didYouMean(set, Object.keys(document.constants), 'declare it under `constants`'),
      });
      return { present: null, equals: null, matches: null, at_least: null, at_most: null };
    }
  }
  const condition = {
    present: present ?? null,
    equals: values,
    matches: matches === undefined ? null : [...new Set(listed(matches))].sort(),
    at_least: written.at_least ?? null,
    at_most: written.at_most ?? null,
  };
  const why = contradiction(condition);
  if (why === undefined) return condition;
  found.error('NEVER_MATCHES', locations.value(...path), {
    clause,
    message: `expected conditions that some value meets, came ${why}`,
    mend: 'all conditions of one argument must hold together: remove one, or write two clauses',
  });
  // An empty list would not read back; the bundle will not be used.
  return { ...condition, equals: values?.length === 0 ? null : values };
}

function listed<T>(value: T | readonly T[]): readonly T[] {
  return Array.isArray(value) ? (value as readonly T[]) : [value as T];
}

function intersected(
  values: readonly ScalarConstant[] | null,
  set: readonly ScalarConstant[],
): readonly ScalarConstant[] {
  return values === null ? set : values.filter((value) => set.includes(value));
}

/** Why no value can meet the condition; undefined where one may. */
function contradiction({
  present,
  equals,
  matches,
  at_least,
  at_most,
}: ArgumentCondition): string | undefined {
  const asksMore = equals !== null || matches !== null || at_least !== null || at_most !== null;
  if (present === false && asksMore) return '`present: false` beside a demand on the value';
  if (at_least !== null && at_most !== null && at_least > at_most)
    return `at least ${at_least} and at most ${at_most}`;
  if (matches !== null && (at_least !== null || at_most !== null))
    return 'a pattern of text beside a range of numbers';
  if (equals === null) return undefined;
  if (equals.length === 0) return 'no value at all';
  const inRange = (value: ScalarConstant) =>
    typeof value === 'number' && value >= (at_least ?? value) && value <= (at_most ?? value);
  if ((at_least !== null || at_most !== null) && !equals.some(inRange)) return 'no value within the range';
  if (
    matches !== null &&
    !equals.some(
      (value) =>
        typeof value === 'string' && matches.some((pattern) => matchesWildcard(value, pattern.split('*'))),
    )
  )
    return 'no value that the pattern describes';
  return undefined;
}
