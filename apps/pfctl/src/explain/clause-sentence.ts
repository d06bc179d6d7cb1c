import { formatLabel } from '@provability-fabric/kernel';
import {
  type Clause,
  type CompiledBundle,
  formatInstant,
  type ReleaseClause,
} from '@provability-fabric/policy';
import { approvalPhrase } from './approval-phrase.ts';
import { policyPhrase } from './cedar-phrase.ts';
import { classPhrase } from './event-class.ts';
import { limitSentence } from './limit-sentence.ts';
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
    case 'limit':
      return limitSentence(clause);
    case 'hold':
      return `${classPhrase(clause.on)} waits until ${approvalPhrase(clause)}`;
  }
}

function releaseSentence({ rule, on, parameter, type, from, to, approver }: ReleaseClause): string {
  const asked = approver === undefined ? '' : `, once ${approvalPhrase(approver)}`;
  const what = parameter === null ? 'the whole call' : parameter;
  const typed = type === null ? '' : ` that is of type ${type}`;
  const labels = `counts as ${formatLabel(to)} where at most ${formatLabel(from)} was read`;
  return `on ${classPhrase(on)}, ${what}${typed} is ${rule === 'endorse' ? 'endorsed' : 'declassified'}: it ${labels}${asked}`;
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
