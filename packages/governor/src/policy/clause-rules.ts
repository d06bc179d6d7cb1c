import type { CedarPolicySummary } from '@provability-fabric/policy/cedar';
import type { Ruling } from './cedar-requests.ts';
import type { ExplainedRule } from './plan.ts';
import { shownPath } from './rule.ts';

/**
 * What the operator's own clauses said. One that could not be evaluated blocks if it forbids: Cedar itself would skip it,
 * and that opens a door.
 */
export function explainClauses(
  clauses: readonly CedarPolicySummary[],
  rulings: readonly Ruling[],
): readonly ExplainedRule[] {
  return clauses.map(({ id, effect }): ExplainedRule => {
    const failed = rulings.filter(({ errors }) => errors.has(id));
    const hit = rulings.filter(({ permits, forbids }) => (effect === 'permit' ? permits : forbids).has(id));
    if (effect === 'permit') {
      const paths = pathsOf(hit);
      if (hit.length > 0) return { rule: id, verdict: 'passed', detail: `permits ${placesOf(hit)}`, paths };
      const why =
        failed.length > 0
          ? 'could not be evaluated, so it permits nothing'
          : 'permits nothing of this change';
      return { rule: id, verdict: 'not-applicable', detail: why, paths: [] };
    }
    const blocking = [...new Set([...hit, ...failed])];
    if (blocking.length === 0)
      return { rule: id, verdict: 'passed', detail: 'forbids nothing of this change', paths: [] };
    const why =
      hit.length > 0 ? `forbids ${placesOf(hit)}` : `could not be evaluated for ${placesOf(failed)}`;
    const mend = hit.length > 0 ? 'the clause is in policy.cedar' : 'mend the clause in policy.cedar';
    return { rule: id, verdict: 'blocked', detail: `${why}; ${mend}`, paths: pathsOf(blocking) };
  });
}

function pathsOf(rulings: readonly Ruling[]): readonly string[] {
  return rulings.flatMap(({ about }) => (typeof about === 'object' && 'path' in about ? [about.path] : []));
}

function placesOf(rulings: readonly Ruling[]): string {
  const places = rulings.map(({ about }) => {
    if (about === 'change') return 'the change';
    return 'path' in about ? shownPath(about.path) : `test ${about.test + 1}`;
  });
  const more = places.length > 5 ? ` and ${places.length - 5} more` : '';
  return `${places.slice(0, 5).join(', ')}${more}`;
}
