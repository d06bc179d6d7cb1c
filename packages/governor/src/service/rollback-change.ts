import { asDigest, type Digest } from '@provability-fabric/kernel';
import { GovernorError } from '../errors.ts';
import { inverseManifest } from '../manifest/inverse-manifest.ts';
import { manifestHash } from '../manifest/parse-manifest.ts';
import { adoptPolicy, landChange } from './land-change.ts';
import type { GovernorParts } from './ports.ts';
import { type Attempt, newAttempt, refuse } from './refusals.ts';
import type { GovernorCaller, RollbackAnswer, RollbackRequest } from './requests.ts';
import { settleRecovered } from './settle-recovered.ts';

/**
 * Takes a change back by another one, which the policy decides like any other and which is on record as its inverse. Throws
 * ChangeRefused: ROLLBACK_OVERLAP names later changes of the same files.
 */
export async function rollbackChange(
  parts: GovernorParts,
  caller: GovernorCaller,
  request: RollbackRequest,
): Promise<RollbackAnswer> {
  const wanted = wantedOf(request);
  parts.kill.check();
  const attempt = newAttempt(parts, caller, 'rollback');
  try {
    const answer = await parts.lock.withLock((held) =>
      // Its end is on record before anybody else has the tree.
      underLock(parts, attempt, wanted, held).catch((error) => refuse(parts, attempt, error)),
    );
    parts.observer.rolledBack('success');
    return answer;
  } catch (error) {
    return refuse(parts, attempt, error);
  }
}

function wantedOf({ manifest_hash: hash, audit_index: index }: RollbackRequest): Digest | number {
  if ((hash === undefined) === (index === undefined))
    throw new GovernorError('MANIFEST_INVALID', 'expected one of `manifest_hash` and `audit_index`');
  if (index !== undefined) {
    if (Number.isSafeInteger(index) && index >= 0) return index;
    throw new GovernorError('MANIFEST_INVALID', 'expected `audit_index` to be a whole number from 0');
  }
  if (/^[0-9a-f]{64}$/.test(hash as string)) return asDigest(hash as string);
  throw new GovernorError('MANIFEST_INVALID', 'expected `manifest_hash` to be 64 hex digits');
}

async function underLock(
  parts: GovernorParts,
  attempt: Attempt,
  wanted: Digest | number,
  held: () => Promise<void>,
): Promise<RollbackAnswer> {
  const { tree, record, kill, crypto } = parts;
  kill.check();
  await settleRecovered(parts);
  const inForce = await adoptPolicy(parts);
  attempt.policy = inForce.identity;
  const change = await record.find(wanted);
  if (change === undefined)
    throw new GovernorError(
      'CHANGE_UNKNOWN',
      'expected the hash or index of a change that was applied; see `safeai audit`',
    );
  attempt.reverts = change.manifest;
  const changes = await tree.inverse(change, await record.after(change.index));
  const { digest } = await tree.state();
  const manifest = inverseManifest(change, changes, digest);
  const hash = manifestHash(crypto, manifest);
  attempt.manifest = hash;
  const landed = await landChange(parts, { attempt, manifest, hash, changes, base: digest, inForce, held });
  return {
    success: true,
    reverted_hash: change.manifest,
    manifest_hash: hash,
    new_merkle_root: landed.position.merkle_root,
    audit_index: landed.position.index,
    message: `rolled back: ${changes.length} ${changes.length === 1 ? 'file' : 'files'}`,
    commit: landed.commit,
  };
}
