import { equalLabels, flowsTo, type Label } from '@provability-fabric/kernel';
import type { ReleaseRule } from './rules.ts';

/**
 * What keeps a release from being one, as the end of "expected …"; undefined where nothing does. Every release goes
 * down: what it leaves is strictly below what it takes, so no chain of releases comes back to where it began.
 */
export function releaseProblem(
  release: ReleaseRule,
): { readonly kind: Kind; readonly expected: string } | undefined {
  const { rule, parameter, type, from, to } = release;
  if (parameter === null && rule === 'endorse')
    return { kind: 'shape', expected: 'a parameter that is endorsed' };
  if (parameter === null && type !== null)
    return { kind: 'shape', expected: 'a type only beside the parameter that has it' };
  if (!flowsTo(to as Label, from as Label))
    return { kind: 'widens', expected: 'to release into a label below `from`' };
  if (equalLabels(to as Label, from as Label))
    return { kind: 'widens', expected: 'to release into a label below `from`, not into the same one' };
  const removed = from.compartments.filter((name) => !to.compartments.includes(name));
  if (removed.some((name) => name.startsWith('tenant:')))
    return { kind: 'tenant', expected: 'to keep every compartment of a tenant' };
  const sameData = from.level === to.level && removed.length === 0;
  if (rule === 'endorse' && !sameData)
    return { kind: 'shape', expected: 'an endorsement to change integrity alone' };
  if (rule === 'declassify' && from.integrity !== to.integrity)
    return { kind: 'shape', expected: 'a declassification to leave integrity as it is' };
  return undefined;
}

type Kind = 'shape' | 'widens' | 'tenant';
