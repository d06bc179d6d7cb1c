import type { Digest } from '@provability-fabric/kernel';
import type { AuditPosition } from '../audit/change-event.ts';
import type { FileChange } from '../change.ts';
import { GovernorError } from '../errors.ts';
import type { ChangeManifest } from '../manifest/manifest.ts';
import { askPolicy } from './ask-policy.ts';
import { changeEvent } from './change-events.ts';
import { type PolicyInForce, policyInForce } from './policy-in-force.ts';
import type { GovernorParts, LandedChange } from './ports.ts';
import { type Attempt, attemptFields } from './refusals.ts';
import { runTests } from './run-tests.ts';

/** A change whose right to be made is yet to be decided. Everything here runs under the tree's lock. */
export interface Candidate {
  readonly attempt: Attempt;
  readonly manifest: ChangeManifest;
  readonly hash: Digest;
  readonly changes: readonly FileChange[];
  readonly base: Digest;
  readonly inForce: PolicyInForce;
  held(): Promise<void>;
}

export interface Landed extends LandedChange {
  readonly position: AuditPosition;
}

/** Decides, tests, writes, records. Throws with the tree as it was, unless `attempt.landed`. */
export async function landChange(parts: GovernorParts, candidate: Candidate): Promise<Landed> {
  const { attempt, manifest, changes, inForce } = candidate;
  await decide(parts, candidate);
  await begin(parts, attempt);
  const { sandbox } = inForce.policy;
  const tested = await runTests(parts, attempt, { changes, tests: manifest.tests, demand: sandbox });
  // The tests may have taken minutes.
  parts.kill.check();
  const landed = await write(parts, candidate, tested);
  const position = await end(parts, attempt, landed);
  return { ...landed, position };
}

async function decide(parts: GovernorParts, candidate: Candidate): Promise<void> {
  const { attempt, manifest, changes, inForce } = candidate;
  const plan = await askPolicy(parts, inForce, {
    manifest,
    changes,
    signers: attempt.signers,
    purpose: attempt.undertaking === 'change' ? 'apply' : 'rollback',
  });
  attempt.plan = plan;
  if (plan.verdict === 'approved') return;
  throw new GovernorError('CHANGE_BLOCKED', `the policy blocks the change: ${plan.reasons.join('; ')}`);
}

/** What begins is on record for all to see before anything of it happens. */
async function begin(parts: GovernorParts, attempt: Attempt): Promise<void> {
  const started = changeEvent(
    { id: attempt.id, kind: `${attempt.undertaking}-started`, at: parts.now() },
    attempt.caller,
    { ...attemptFields(attempt), verdict: 'approved' },
  );
  const { statement } = await parts.recorder.record(started);
  await parts.recorder.positionOf(statement);
  attempt.started = true;
  parts.observer.recorded(started);
}

function write(
  { tree, kill }: GovernorParts,
  { attempt, manifest, hash, changes, base, inForce, held }: Candidate,
  tested: Digest | null,
): Promise<LandedChange> {
  const { policy, identity } = inForce;
  const { commit, sign } = policy.git;
  return tree.land({
    id: attempt.id,
    manifest: hash,
    reverts: attempt.reverts,
    changes,
    expectedBase: base,
    expectedAfter: tested,
    async held() {
      await held();
      // Preparing takes its time as well; from here on the change lands whole.
      kill.check();
    },
    ...(commit ? { commit: { message: messageOf(attempt, manifest, hash, identity.version), sign } } : {}),
  });
}

/**
 * What the manifest says is indented: nothing in it can pose as a trailer. Whether it takes another change back the attempt tells:
 * whoever signs a manifest can write anything into it.
 */
function messageOf(
  { reverts }: Attempt,
  { rationale }: ChangeManifest,
  hash: Digest,
  version: number,
): string {
  const subject = `safeai: ${reverts === null ? 'apply' : 'roll back'} ${(reverts ?? hash).slice(0, 12)}`;
  const body = rationale
    .split(/\r\n|[\n\r]/)
    .map((line) => `    ${line}`.trimEnd())
    .join('\n');
  const trailers = [`Change-Manifest: ${hash}`, `Policy-Version: ${version}`];
  if (reverts !== null) trailers.push(`Reverts-Manifest: ${reverts}`);
  return `${subject}\n\n${body}\n\n${trailers.join('\n')}\n`;
}

async function end(parts: GovernorParts, attempt: Attempt, landed: LandedChange): Promise<AuditPosition> {
  attempt.landed = true;
  const { tree, files, commit } = landed;
  const applied = changeEvent(
    { id: attempt.id, kind: `${attempt.undertaking}-applied`, at: parts.now() },
    attempt.caller,
    { ...attemptFields(attempt), verdict: 'approved', tree, files, commit },
  );
  const { statement } = await parts.recorder.record(applied);
  // Until here a restart would put it on record.
  await parts.tree.confirm(attempt.id);
  parts.observer.recorded(applied);
  return parts.recorder.positionOf(statement);
}

/** The policy in force, put on record where it is new. Under the tree's lock: of two new ones one is first. */
export async function adoptPolicy(parts: GovernorParts): Promise<PolicyInForce> {
  await parts.record.catchUp();
  const found = await policyInForce(parts.policies, parts.record);
  if (!found.isNew) return found;
  const adopted = changeEvent({ id: parts.newId(), kind: 'policy-adopted', at: parts.now() }, 'governor', {
    policy: found.identity,
    detail: found.policy.restores === null ? null : `restores version ${found.policy.restores}`,
  });
  const { statement } = await parts.recorder.record(adopted);
  await parts.recorder.positionOf(statement);
  parts.observer.recorded(adopted);
  await parts.record.catchUp();
  // Another governor's may have come first.
  return policyInForce(parts.policies, parts.record);
}
