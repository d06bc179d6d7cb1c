import type { HeldValue } from '../../handles/held-value.ts';
import type { LoadedBundle } from '../../load-bundle.ts';
import type { Event } from '../check.ts';
import type { Demand } from './demands.ts';
import { ofAnotherTenant } from './provenance.ts';
import type { ParameterRule, Source } from './rules.ts';

/**
 * The demands that a hidden value does not meet. Nobody can write a handle: its one source is the result that it stands
 * for a part of. What the value is enters nowhere, or the agent would learn of it by what is refused.
 */
export function* unmetByHidden(
  bundle: LoadedBundle,
  event: Event,
  rule: ParameterRule,
  held: HeldValue,
): Generator<Demand> {
  const { label } = held;
  const has = (source: Source) => isSource(bundle, source, held);
  // What an action answers that did not succeed may repeat what it was asked, and vouches for nothing.
  const isTrusted = label.integrity === 'trusted' && held.vouches;
  const endorsed = rule.endorse.some(has);
  const { from } = rule;
  const demand = (code: Demand['code'], wanted: string, mayBeEndorsed: boolean): Demand => ({
    code,
    witness: { demand: wanted, result_of: held.tool },
    label,
    mayBeEndorsed,
  });
  if (!endorsed && from !== null && !from.some(has)) {
    // What no untrusted result holds is taken where an unknown source is.
    const isTaken = isTrusted && from.some(({ kind }) => kind === 'unknown');
    if (!isTaken) yield demand('UNTRUSTED_ARGUMENT', 'from', true);
  }
  if (!endorsed && rule.trusted && !isTrusted) yield demand('UNTRUSTED_ARGUMENT', 'trusted', true);
  if (rule.same_tenant && ofAnotherTenant(label.compartments, event.intent.principal.tenant))
    yield demand('CROSS_TENANT', 'same_tenant', false);
  if (rule.member_of !== null) {
    const isMember = isTrusted && has({ kind: 'result', ...rule.member_of });
    if (!isMember) yield demand('UNTRUSTED_ARGUMENT', 'member_of', false);
  }
}

function isSource(bundle: LoadedBundle, source: Source, { tool, places, vouches }: HeldValue): boolean {
  if (source.kind !== 'result' || source.tool !== tool || !vouches) return false;
  if (source.field === null) return true;
  return (places & (bundle.places.get(tool)?.get(source.field) ?? 0)) !== 0;
}
