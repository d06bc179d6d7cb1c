import { field, type JsonValue } from '@provability-fabric/kernel';
import type { z } from 'zod';
import type { Diagnostics } from '../diagnostics.ts';
import { didYouMean } from '../suggestion.ts';
import type { Path } from '../yaml/located.ts';
import type { YamlDocument } from '../yaml/read-yaml.ts';
import { isLaterKey, isLaterValue } from './not-in-version.ts';

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
  for (const issue of result.error.issues) report(issue, document, found);
  return undefined;
}

function report(issue: z.core.$ZodIssue, { value, locations }: YamlDocument, found: Diagnostics): void {
  const { path, message } = issue;
  const clause = clauseAt(value, path);
  if (issue.code === 'unrecognized_keys') {
    const known = message.split(',');
    for (const key of issue.keys) {
      const place = locations.key(...path, key);
      if (isLaterKey(key)) found.error('NOT_IN_VERSION', place, { clause, ...later(key) });
      else {
        found.error('UNKNOWN_KEY', place, {
          clause,
          message: `expected one of the keys ${known.join(', ')}, came \`${show(key)}\``,
          mend: didYouMean(key, known, 'remove it'),
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
      mend: didYouMean(
        typeof came === 'string' ? came : '',
        options,
        options.length > 0 ? 'write one of these' : `write ${message}`,
      ),
    });
  }
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
