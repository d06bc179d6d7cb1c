import { field, isJsonObject, type JsonValue, nearestName } from '@provability-fabric/kernel';
import type { z } from 'zod';
import type { Diagnostics } from '../diagnostics.ts';
import { didYouMean } from '../suggestion.ts';
import type { Path } from '../yaml/located.ts';
import type { YamlDocument } from '../yaml/read-yaml.ts';
import { approverMend, misplacedApproverMend } from './approver-mend.ts';
import { isLaterKey, isLaterValue } from './not-in-version.ts';
import { SOME_OF } from './shape.ts';

/**
 * Holds a document against its shape. undefined once something is wrong, and then `found` says what and
 * where.
 */
export function readShape<Shape extends z.ZodType>(
  shape: Shape,
  document: YamlDocument,
  found: Diagnostics,
): z.infer<Shape> | undefined {
  const result = shape.safeParse(document.value);
  if (result.success) return result.data;
  const issues = result.error.issues.flatMap((issue) => withinMap(issue, document.value));
  for (const issue of issues) if (!isExplained(issue, issues, document.value)) report(issue, document, found);
  return undefined;
}

/** Where a map came, and only one of the alternatives is a map, what is wrong is what is wrong with that one. */
function withinMap(issue: z.core.$ZodIssue, value: JsonValue): readonly z.core.$ZodIssue[] {
  if (issue.code !== 'invalid_union' || !isJsonObject(at(value, issue.path))) return [issue];
  const maps = issue.errors.filter((branch) =>
    branch.every(({ path, code }) => path.length > 0 || code === 'unrecognized_keys'),
  );
  const [only, ...others] = maps;
  if (only === undefined || others.length > 0) return [issue];
  return only.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }));
}

/** A mistyped key is one mistake: that the key which was meant is missing goes without saying. */
function isExplained(issue: z.core.$ZodIssue, all: readonly z.core.$ZodIssue[], value: JsonValue): boolean {
  const isKeyless = issue.code === 'custom' && issue.message.startsWith(SOME_OF);
  if (!isKeyless && at(value, issue.path) !== undefined) return false;
  const place = isKeyless ? issue.path : issue.path.slice(0, -1);
  return all.some((other) => {
    if (other.code !== 'unrecognized_keys' || !samePath(other.path, place)) return false;
    const known = knownKeys(other);
    const meant = other.keys
      .filter((key) => !isLaterKey(key))
      .map((key) => meantBy(key, known, other.path.at(-1)));
    return isKeyless ? meant.some((key) => key !== undefined) : meant.includes(String(issue.path.at(-1)));
  });
}

function meantBy(key: string, known: readonly string[], parent: PropertyKey | undefined): string | undefined {
  if (misplacedApproverMend(parent, key, known, undefined) !== undefined) return 'approvers';
  const [only, ...others] = known;
  return others.length === 0 ? only : nearestName(key, known);
}

function knownKeys({ message }: z.core.$ZodIssue): readonly string[] {
  return message.split(',').sort();
}

function samePath(a: readonly PropertyKey[], b: readonly PropertyKey[]): boolean {
  return a.length === b.length && a.every((step, index) => step === b[index]);
}

function report(issue: z.core.$ZodIssue, { value, locations }: YamlDocument, found: Diagnostics): void {
  const { path, message } = issue;
  const clause = clauseAt(value, path);
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(issue);
    for (const key of issue.keys) {
      const place = locations.key(...path, key);
      if (isLaterKey(key)) found.error('NOT_IN_VERSION', place, { clause, ...later(key) });
      else {
        found.error('UNKNOWN_KEY', place, {
          clause,
          message: `expected one of the keys ${known.join(', ')}, came \`${show(key)}\``,
          mend: keyMend(key, known, path.at(-1), at(value, [...path, key])),
        });
      }
    }
    return;
  }
  const last = path.at(-1);
  const came = at(value, path);
  if (came === undefined) {
    found.error('MISSING_KEY', locations.value(...path), {
      clause,
      message: `expected a key \`${String(last)}\` with ${message}, came none`,
      mend: `add \`${String(last)}: …\``,
    });
  } else if (isLaterValue(last, came)) {
    found.error('NOT_IN_VERSION', locations.value(...path), { clause, ...later(show(came)) });
  } else {
    const options = message.startsWith('one of ') ? message.slice('one of '.length).split(', ') : [];
    found.error('WRONG_VALUE', locations.value(...path), {
      clause,
      message: `expected ${message}, came \`${show(came)}\``,
      mend:
        approverMend(last, came) ??
        didYouMean(
          typeof came === 'string' ? came : '',
          options,
          options.length > 0 ? 'write one of these' : `write ${message}`,
        ),
    });
  }
}

function keyMend(
  key: string,
  known: readonly string[],
  parent: PropertyKey | undefined,
  came: JsonValue | undefined,
): string {
  const misplaced = misplacedApproverMend(parent, key, known, came);
  if (misplaced !== undefined) return misplaced;
  const [only, ...others] = known;
  return others.length === 0 && only !== undefined
    ? `did you mean \`${only}\`? otherwise remove it`
    : didYouMean(key, known, 'remove it');
}

function later(what: string) {
  return {
    message: `expected only what this version does, came \`${what}\`: not in this version`,
    mend: 'remove it: a rule that is not enforced must not look as if it were',
  };
}

function at(value: JsonValue, path: Path): JsonValue | undefined {
  let here: JsonValue | undefined = value;
  for (const step of path) {
    here =
      typeof step === 'number' ? (Array.isArray(here) ? here[step] : undefined) : field(here, String(step));
  }
  return here;
}

function clauseAt(value: JsonValue, [top, index]: Path): string | undefined {
  if (top !== 'clauses' || typeof index !== 'number') return undefined;
  const id = at(value, [top, index, 'id']);
  return typeof id === 'string' ? show(id) : undefined;
}

/** A value as a message may show it: short, and one line. */
export function show(value: JsonValue): string {
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'a list' : 'a map';
  const text = String(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
