import type { Digest } from '@provability-fabric/kernel';
import { GovernorError } from '../errors.ts';
import type { GovernorPolicy, PolicyIdentity } from '../policy/plan.ts';
import type { ChangeRecord, PolicyLoader } from './ports.ts';

export interface PolicyInForce {
  readonly policy: GovernorPolicy;
  readonly identity: PolicyIdentity;
  /** Whether it is yet to be put on record. */
  readonly isNew: boolean;
}

/**
 * Which version the policy at hand has, held against every policy that was adopted before. Versions only go up: going back to
 * an earlier content means a higher version that says which one it restores. Throws POLICY_ROLLBACK, POLICY_INVALID.
 */
export async function policyInForce(loader: PolicyLoader, record: ChangeRecord): Promise<PolicyInForce> {
  const policy = await loader.load();
  const { digest, declaredVersion, restores } = policy;
  const adopted = record.policies();
  const newest = newestOf(adopted);
  const isSame = newest?.digest === digest;
  const next = (newest?.version ?? 0) + 1;
  const version = declaredVersion ?? (isSame ? newest.version : next);
  if (isSame && version === newest.version) return { policy, identity: newest, isNew: false };
  const before = isSame ? undefined : adopted.find((one) => one.digest === digest);
  if (version < next) throw rollback(version, before, next);
  if (restores !== null) requireRestored(adopted, digest, restores);
  else if (before !== undefined) throw rollback(version, before, next);
  return { policy, identity: { digest, version }, isNew: true };
}

function requireRestored(adopted: readonly PolicyIdentity[], digest: Digest, restores: number): void {
  if (adopted.some((one) => one.version === restores && one.digest === digest)) return;
  throw new GovernorError(
    'POLICY_INVALID',
    `expected \`restores: ${restores}\` beside the content of a version ${restores} that was adopted, came another; leave it out`,
  );
}

/** Of two that were adopted under one version at the same time the first on record counts. */
function newestOf(adopted: readonly PolicyIdentity[]): PolicyIdentity | undefined {
  let newest: PolicyIdentity | undefined;
  for (const one of adopted) if (newest === undefined || one.version > newest.version) newest = one;
  return newest;
}

function rollback(version: number, before: PolicyIdentity | undefined, next: number): GovernorError {
  const came =
    before === undefined ? `version ${version}` : `the content of version ${before.version} once more`;
  const mend = before === undefined ? '' : ` and \`restores: ${before.version}\``;
  return new GovernorError(
    'POLICY_ROLLBACK',
    `expected a policy after version ${next - 1}, came ${came}; nothing is applied until it is mended: set ` +
      `\`version: ${next}\`${mend}`,
  );
}
