import { digestJson } from '@provability-fabric/kernel';
import type { LimitClause, SharedLimitClause } from '../../compiled-bundle.ts';
import { matches } from '../../event-class.ts';
import type { LoadedBundle } from '../../load-bundle.ts';
import type { Decision } from '../../output.ts';
import type { Event } from '../check.ts';
import { amountOf } from './amounts.ts';

/** What an action would take from a limit that other sessions count for as well. */
export interface SharedCharge {
  readonly clause: string;
  readonly unit: string;
  /** Whose count it is, within the tenant: `principal:DIGEST`, `tenant`, `tool:NAME`, or one for all that is no named tool. */
  readonly key: string;
  readonly amount: number;
  readonly max: number;
  readonly window_ms: number | null;
  readonly tolerance_ms: number;
}

/**
 * What has to be reserved before the event can be decided. Of what no limit can allow (an amount that cannot be told, one
 * above `max`) nothing is: `step` refuses it by itself.
 */
export function chargesOf(bundle: LoadedBundle, event: Event): readonly SharedCharge[] {
  const charges: SharedCharge[] = [];
  for (const clause of bundle.sharedLimits) {
    if (!matches(clause.on, event)) continue;
    const amount = amountOf(bundle, clause, event);
    if (amount === null || amount === 0 || amount > clause.max) continue;
    const { id, unit = 'calls', max, window_ms, tolerance_ms } = clause;
    charges.push({
      clause: id,
      unit,
      key: keyOf(bundle, clause, event),
      amount,
      max,
      window_ms,
      tolerance_ms,
    });
  }
  return charges;
}

function keyOf(bundle: LoadedBundle, { per }: SharedLimitClause, { intent }: Event): string {
  const { action, principal } = intent;
  switch (per) {
    case 'principal':
      // By digest: an id may have characters, or a length, that no key of a table can.
      return `principal:${digestJson(bundle.crypto, principal.id).slice(0, 32)}`;
    case 'tenant':
      return 'tenant';
    case 'tool':
      if (action.kind === 'read') return 'documents';
      // The agent may invent names: all that the bundle does not name share one count.
      return Object.hasOwn(bundle.ir.tools, action.target) ? `tool:${action.target}` : 'tool:*';
  }
}

/** Which of its charges an action keeps: none unless it was allowed, and none of a clause that it violated. */
export function keepsCharge(
  { effect, reasons }: Pick<Decision, 'effect' | 'reasons'>,
  clause: string,
): boolean {
  return (
    effect === 'allow' && !reasons.some((reason) => reason.check === 'limits' && reason.clause === clause)
  );
}

export function isShared(clause: LimitClause): clause is SharedLimitClause {
  return clause.per !== undefined;
}
