import { parseInstant } from '@provability-fabric/policy';
import type { CedarIr } from '@provability-fabric/policy/cedar';
import type { Compilation } from './compilation.ts';
import type { Diagnostics } from './diagnostics.ts';
import { POLICY_FILE, startOf } from './sources.ts';

export function checkPermits(cedar: CedarIr, found: Diagnostics): void {
  if (cedar.policies.some((policy) => policy.effect === 'permit')) return;
  found.warning('NO_PERMIT', startOf(POLICY_FILE), {
    message: 'expected a `permit`, came none: every action will be refused',
    mend: 'permit what the agent is there for',
  });
}

/**
 * What is past its expiry already. A warning only: the same sources must give the same bundle at any time.
 */
export function checkExpiries({ document, locations, found }: Compilation, now: number): void {
  const check = (
    expires: string | undefined,
    path: readonly (string | number)[],
    what: string,
    clause?: string,
  ) => {
    if (expires === undefined || (parseInstant(expires) ?? now) >= now) return;
    found.warning('EXPIRED', locations.value(...path, 'expires'), {
      clause,
      message: `expected an expiry to come, came \`${expires}\`: ${what}`,
      mend: 'renew it or remove it',
    });
  };
  check(document.expires, [], 'every action will be refused');
  for (const [index, clause] of document.clauses.entries()) {
    const { id, expires, kind } = clause;
    const opens = kind === 'flow' && (clause.rule === 'declassify' || clause.rule === 'endorse');
    const means =
      kind === 'permit'
        ? 'a permit no longer permits'
        : opens
          ? 'a release no longer releases'
          : 'the clause keeps restricting';
    check(expires, ['clauses', index], means, id);
  }
}
