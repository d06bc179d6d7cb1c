import { formatDuration } from '@provability-fabric/configuration';
import { formatLabel } from '@provability-fabric/kernel';
import {
  type Clause,
  type CompiledBundle,
  formatInstant,
  type ReleaseClause,
} from '@provability-fabric/policy';
import { policyPhrase } from './cedar-phrase.ts';
import { classPhrase } from './event-class.ts';
import { patternSentence } from './pattern-sentence.ts';

/** What a clause demands, in a sentence. */
export function clauseSentence(ir: CompiledBundle, clause: Clause): string {
  switch (clause.kind) {
    case 'permit': {
      const policy = ir.cedar.policies.find(({ id }) => id === clause.id);
      return policy === undefined ? 'a Cedar policy that is not in this bundle' : policyPhrase(policy);
    }
    case 'trace':
      return patternSentence(clause.pattern);
    case 'flow':
      if (clause.rule === 'session_label') {
        return `on ${classPhrase(clause.on)}, all that the session has read must be cleared for where it is sent`;
      }
      return `on ${classPhrase(clause.on)}, every parameter's value must come from where its rule allows`;
    case 'release':
      return releaseSentence(clause);
    case 'limit': {
      const { on, max, window_ms: window, tolerance_ms: tolerance } = clause;
      const span = window === null ? 'in a whole session' : `per session within ${formatDuration(window)}`;
      const widened = tolerance === 0 ? '' : ` (widened by ${formatDuration(tolerance)} of clock tolerance)`;
      return `at most ${max} of ${classPhrase(on)} ${span}${widened}`;
    }
  }
}

function releaseSentence({ rule, on, parameter, type, from, to }: ReleaseClause): string {
  const what = parameter === null ? 'the whole call' : parameter;
  const typed = type === null ? '' : ` that is of type ${type}`;
  const labels = `counts as ${formatLabel(to)} where at most ${formatLabel(from)} was read`;
  return `on ${classPhrase(on)}, ${what}${typed} is ${rule === 'endorse' ? 'endorsed' : 'declassified'}: it ${labels}`;
}

/** Its mode, severity and what else is not as usual. */
export function clauseStanding(
  { mode, severity, critical, expires, owner }: Clause,
  bundleOwner: string,
): string {
  return [
    mode,
    `severity ${severity}`,
    ...(critical ? ['marked critical'] : []),
    ...(expires === null ? [] : [`until ${formatInstant(expires)}`]),
    ...(owner === bundleOwner ? [] : [`owner ${owner}`]),
  ].join(', ');
}
