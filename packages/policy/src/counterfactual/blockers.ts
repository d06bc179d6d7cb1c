import type { CertifiedReason } from '@provability-fabric/statements';

/** What stopped an action: a clause, default deny, or a code that no mode weakens. */
export interface Blocker {
  readonly by: 'clause' | 'default deny' | 'code';
  readonly name: string;
}

const DEFAULT_DENY: Blocker = { by: 'default deny', name: 'default deny' };

export function blockerOf({
  check,
  clause,
  code,
}: Pick<CertifiedReason, 'check' | 'clause' | 'code'>): Blocker {
  if (clause !== null) return { by: 'clause', name: clause };
  // The one finding without a clause that a mode weakens. Another check that permits nothing is not asked for permits.
  return check === 'permit' && code === 'NOT_PERMITTED' ? DEFAULT_DENY : { by: 'code', name: code };
}

/** Each once, of what was in force. */
export function blockersIn(
  reasons: readonly Pick<CertifiedReason, 'check' | 'clause' | 'code' | 'mode'>[],
): readonly Blocker[] {
  const found = new Map<string, Blocker>();
  for (const reason of reasons) {
    if (reason.mode !== 'enforce') continue;
    const blocker = blockerOf(reason);
    found.set(blockerKey(blocker), blocker);
  }
  return [...found.values()];
}

export function blockerKey({ by, name }: Blocker): string {
  return `${by} ${name}`;
}
