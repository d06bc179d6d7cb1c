import type { EventClass, TracePattern } from '@provability-fabric/policy';
import type { Compilation } from '../compilation.ts';
import { parseDuration } from '../duration.ts';
import { compileEventClass } from '../event-classes.ts';
import type { ClauseDocument } from '../shape/bundle-shape.ts';

type TraceDocument = Extract<ClauseDocument, { kind: 'trace' }>;

const KEYS = ['only', 'after', 'never', 'until', 'at_most', 'of', 'then', 'within', 'tolerance'] as const;

/** Which pattern a clause is, by the keys it has: required ones, then those that may be absent. */
const FORMS = {
  never: [['never'], []],
  only_after: [['only', 'after'], []],
  after_never: [['after', 'never'], ['until']],
  at_most: [['at_most', 'of'], []],
  after_then: [['after', 'then', 'within'], ['tolerance']],
} as const satisfies Record<TracePattern['kind'], readonly [readonly string[], readonly string[]]>;

/** undefined where the keys are those of no pattern; `found` says so then. */
export function compilePattern(
  written: TraceDocument,
  index: number,
  compilation: Compilation,
): TracePattern | undefined {
  const { id } = written;
  const { locations, found } = compilation;
  const kind = patternKind(written);
  const classAt = (key: 'only' | 'after' | 'never' | 'until' | 'of' | 'then'): EventClass =>
    compileEventClass(written[key] ?? {}, ['clauses', index, key], id, compilation);
  switch (kind) {
    case 'never':
      return { kind, never: classAt('never') };
    case 'only_after':
      return { kind, only: classAt('only'), after: classAt('after') };
    case 'after_never':
      return {
        kind,
        after: classAt('after'),
        never: classAt('never'),
        until: written.until === undefined ? null : classAt('until'),
      };
    case 'at_most':
      return { kind, most: written.at_most as number, of: classAt('of') };
    case 'after_then': {
      const within_ms = parseDuration(written.within as string) ?? 1;
      const tolerance_ms = parseDuration(written.tolerance ?? '0s') ?? 0;
      if (tolerance_ms >= within_ms) {
        found.error('WRONG_VALUE', locations.value('clauses', index, 'tolerance'), {
          clause: id,
          message: `expected a tolerance below \`within\`, came \`${written.tolerance}\` of \`${written.within}\``,
          mend: 'the tolerance shortens the time: lengthen `within`, or lower it',
        });
      }
      return { kind, after: classAt('after'), response: classAt('then'), within_ms, tolerance_ms };
    }
    case undefined:
      found.error('TRACE_PATTERN', locations.value('clauses', index), {
        clause: id,
        message: `expected the keys of one pattern (${patterns()}), came ${keysOf(written).join(', ') || 'none of them'}`,
        mend: 'write one pattern a clause',
      });
      return undefined;
  }
}

function keysOf(written: TraceDocument): readonly string[] {
  return KEYS.filter((key) => written[key] !== undefined);
}

function patternKind(written: TraceDocument): TracePattern['kind'] | undefined {
  const has = keysOf(written);
  const fits = ([required, optional]: readonly [readonly string[], readonly string[]]) =>
    required.every((key) => has.includes(key)) &&
    has.every((key) => required.includes(key) || optional.includes(key));
  const form = Object.entries(FORMS).find(([, keys]) => fits(keys));
  return form?.[0] as TracePattern['kind'] | undefined;
}

function patterns(): string {
  const forms: readonly (readonly [readonly string[], readonly string[]])[] = Object.values(FORMS);
  return forms
    .map(([required, optional]) => [...required, ...optional.map((key) => `[${key}]`)].join(' + '))
    .join('; ');
}
