import { GovernorError } from '../errors.ts';
import type { BoundManifest } from '../manifest/manifest.ts';
import type { GovernorPolicy, PolicyIdentity } from '../policy/plan.ts';
import type { Signer } from './signer.ts';

/** How far a signer's clock may be ahead: it lets nothing be applied later than what was signed says. */
const CLOCK_TOLERANCE_MS = 5_000;

/** Throws SIGNATURES_MISSING where too few distinct keys that the policy counts have signed. */
export function checkThreshold(signatures: GovernorPolicy['signatures'], signers: readonly Signer[]): void {
  const { required, keys, roles } = signatures;
  const counted = new Set(
    signers
      .filter(({ keyId }) => keys === null || keys.includes(keyId))
      .filter(({ role }) => roles === null || roles.includes(role))
      .map(({ keyId }) => keyId),
  );
  if (counted.size >= required) return;
  const whose = [
    ...(keys === null ? [] : [`of the keys ${list(keys)}`]),
    ...(roles === null ? [] : [`by keys of role ${list(roles)}`]),
  ].join(' ');
  const came = counted.size === 0 ? 'none' : `${counted.size} (${list([...counted])})`;
  throw new GovernorError(
    'SIGNATURES_MISSING',
    `expected ${required} distinct signatures${whose === '' ? '' : ` ${whose}`}, came ${came}; add one with \`safeai sign --add\``,
  );
}

/**
 * Whether a manifest may be applied now, and under the policy in force where that is given. Throws CHANGE_EXPIRED, also for one
 * that is valid for longer than the policy allows, and POLICY_MISMATCH.
 */
export function checkBinding(
  manifest: BoundManifest,
  {
    now,
    policy,
    maxValidityMs,
  }: { readonly now: number; readonly policy?: PolicyIdentity; readonly maxValidityMs?: number },
): void {
  const expiresAt = Date.parse(manifest.expires_at);
  // Written so that a clock or limit that is no number refuses.
  if (!(now < expiresAt))
    throw new GovernorError(
      'CHANGE_EXPIRED',
      `expected a change that may still be applied, came one that expired at ${manifest.expires_at}; sign it anew`,
    );
  if (maxValidityMs !== undefined && !(expiresAt - now <= maxValidityMs + CLOCK_TOLERANCE_MS))
    throw new GovernorError(
      'CHANGE_EXPIRED',
      `expected a change that expires within ${maxValidityMs / 1000} s, as the policy's \`max_validity\` has it, came ` +
        `${manifest.expires_at}; sign it for a shorter time`,
    );
  if (policy !== undefined) checkPolicy(manifest, policy);
}

function checkPolicy({ policy: signed }: BoundManifest, inForce: PolicyIdentity): void {
  if (signed.version === inForce.version && signed.digest === inForce.digest) return;
  const came =
    signed.version === inForce.version ? 'other content of that version' : `version ${signed.version}`;
  throw new GovernorError(
    'POLICY_MISMATCH',
    `expected a change signed under the policy in force, version ${inForce.version}, came ${came}; plan and sign it anew`,
  );
}

function list(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(', ');
}
