import { joinLabels, type Label } from '@provability-fabric/kernel';
import type { ToolRule } from '../checks/flow/rules.ts';
import type { HandlesRule } from './rules.ts';

/** What the policy knows the fabric's own tool as: one that reads, decided like any other. */
export function extractToolRule({ extract }: HandlesRule): ToolRule {
  const [first, ...rest] = extract.map(({ label }) => label as Label);
  return {
    effect: 'read',
    once: false,
    returns: rest.reduce(joinLabels, first as Label),
    fields: {},
    text: 'json',
    clearance: null,
    parameters: {},
  };
}
