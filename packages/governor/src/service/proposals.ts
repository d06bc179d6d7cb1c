import { type Envelope, type JsonValue, parseEnvelope } from '@provability-fabric/kernel';
import { GovernorError, type GovernorErrorCode } from '../errors.ts';
import type { AsyncSigner } from '../gate/ports.ts';
import { signManifest } from '../gate/sign-manifest.ts';
import type { Signer } from '../gate/signer.ts';
import { keyidOf } from '../keys/key-id.ts';
import { bindManifest, manifestHash } from '../manifest/parse-manifest.ts';
import type { Proposal, ProposalStatus } from '../proposal.ts';
import { applyChange, verifyChange } from './apply-change.ts';
import { changeEvent } from './change-events.ts';
import { digestOfHash, manifestOf, planUnder } from './desk.ts';
import { policyInForce } from './policy-in-force.ts';
import type { GovernorParts } from './ports.ts';
import type { ApplyAnswer, GovernorCaller, ProposalAnswer } from './requests.ts';

/** After these a proposal can never be applied; after all else it can be tried again. */
const FINAL: ReadonlySet<GovernorErrorCode> = new Set<GovernorErrorCode>([
  'STALE_BASE',
  'CHANGE_EXPIRED',
  'CHANGE_BLOCKED',
  'POLICY_MISMATCH',
  'TESTS_FAILED',
]);

/**
 * Takes what an agent puts forward, bound to the tree and policy of this moment. Under autonomy tier stable, and where the
 * operator has given the governor a key to sign for agents, it is applied at once; otherwise a person signs it first.
 */
export async function proposeChange(
  parts: GovernorParts,
  caller: GovernorCaller,
  value: JsonValue,
  signForAgents: (() => Promise<AsyncSigner | undefined>) | undefined,
): Promise<ProposalAnswer> {
  parts.kill.check();
  const manifest = manifestOf(value);
  await parts.record.catchUp();
  const inForce = await policyInForce(parts.policies, parts.record);
  const { policy, identity } = inForce;
  const [plan, { digest: base_tree }] = [await planUnder(parts, inForce, manifest), await parts.tree.state()];
  const at = parts.now();
  const bound = bindManifest(manifest, {
    base_tree,
    policy: identity,
    expires_at: new Date(at + policy.maxValidityMs).toISOString(),
    idempotency_key: parts.newId(),
  });
  const hash = manifestHash(parts.crypto, bound);
  const proposal: Proposal = {
    hash,
    manifest: bound,
    envelope: null,
    proposer: caller.principal,
    at,
    plan,
    status: plan.verdict === 'approved' ? 'open' : 'refused',
    outcome: plan.verdict === 'approved' ? null : 'CHANGE_BLOCKED',
  };
  const event = changeEvent({ id: parts.newId(), kind: 'change-proposed', at }, caller, {
    manifest: hash,
    idempotencyKey: bound.idempotency_key,
    verdict: plan.verdict,
    policy: identity,
    detail: plan.reasons.length === 0 ? null : plan.reasons.join('; '),
  });
  // What the policy blocks need not be kept for anybody: the answer says why. What cannot be kept was not proposed.
  if (proposal.status === 'open') await parts.proposals.add(proposal);
  await parts.recorder.record(event);
  parts.observer.recorded(event);
  if (proposal.status === 'refused') return answerOf(proposal);
  const signer = policy.tier === 'stable' ? await signForAgents?.() : undefined;
  if (signer === undefined) return answerOf(proposal);
  return applyAtOnce(parts, caller, proposal, signer);
}

async function applyAtOnce(
  parts: GovernorParts,
  caller: GovernorCaller,
  proposal: Proposal,
  signer: AsyncSigner,
): Promise<ProposalAnswer> {
  const envelope = await signManifest(proposal.manifest, [signer]);
  try {
    await applySigned(parts, caller, proposal, envelope);
  } catch (error) {
    // What came of it is in the proposal, and says so.
    if (!(error instanceof GovernorError)) throw error;
  }
  return answerOf((await parts.proposals.get(proposal.hash)) ?? proposal);
}

/** Of one's own proposals alone: what others put forward is not an agent's to see. */
export async function checkProposal(
  parts: GovernorParts,
  caller: GovernorCaller,
  hash: string,
): Promise<ProposalAnswer> {
  const proposal = await findProposal(parts, hash);
  if (proposal.proposer !== caller.principal) throw unknown();
  return answerOf(proposal);
}

export async function findProposal(parts: GovernorParts, hash: string): Promise<Proposal> {
  const proposal = await parts.proposals.get(digestOfHash(hash));
  if (proposal === undefined) throw unknown();
  return proposal;
}

/** Adds a person's signature; once there are enough of them, the change is applied. */
export async function approveProposal(
  parts: GovernorParts,
  caller: GovernorCaller,
  hash: string,
  value: JsonValue,
): Promise<ApplyAnswer> {
  const proposal = await findProposal(parts, hash);
  const verified = await verifyChange(parts, value);
  if (verified.hash !== proposal.hash)
    throw new GovernorError(
      'MANIFEST_MISMATCH',
      'expected a signature of this proposal, came one of another change',
    );
  if (proposal.status !== 'open')
    throw new GovernorError(
      'CHANGE_REPLAYED',
      `expected an open proposal, came one that is ${proposal.status}`,
    );
  const added = heldOf(parseEnvelope(value), verified.signers);
  return applySigned(parts, caller, proposal, merged(proposal.envelope, added));
}

/** What no key of the ring has made is not kept: it would take the room of others, and never hold once such a key comes. */
function heldOf(envelope: Envelope, signers: readonly Signer[]): Envelope {
  const keyids = new Set(signers.map(({ keyId }) => keyidOf(keyId)));
  return { ...envelope, signatures: envelope.signatures.filter(({ keyid }) => keyids.has(keyid)) };
}

async function applySigned(
  parts: GovernorParts,
  caller: GovernorCaller,
  proposal: Proposal,
  envelope: Envelope,
): Promise<ApplyAnswer> {
  const signed = { ...proposal, envelope };
  if (!(await parts.proposals.update(signed, 'open')))
    throw new GovernorError('TREE_BUSY', 'this proposal is being decided by somebody else; ask again');
  try {
    const applied = await applyChange(parts, caller, {
      signed_envelope: envelope as unknown as JsonValue,
      // Whoever applied it by its envelope has applied the proposal.
      idempotency_key: proposal.manifest.idempotency_key,
    });
    await parts.proposals.update({ ...signed, status: 'applied', outcome: applied.message }, 'open');
    return applied;
  } catch (error) {
    if (error instanceof GovernorError) {
      await parts.proposals.update(
        { ...signed, status: statusAfter(error.code), outcome: error.code },
        'open',
      );
    }
    throw error;
  }
}

/** What was applied before is in the tree. */
function statusAfter(code: GovernorErrorCode): ProposalStatus {
  if (code === 'CHANGE_REPLAYED') return 'applied';
  return FINAL.has(code) ? 'refused' : 'open';
}

/** One signature per key: the newest. */
function merged(before: Envelope | null, added: Envelope): Envelope {
  const fresh = new Set(added.signatures.map(({ keyid }) => keyid));
  const kept = before?.signatures.filter(({ keyid }) => !fresh.has(keyid)) ?? [];
  return { ...added, signatures: [...kept, ...added.signatures] };
}

function answerOf({ hash, status, plan, outcome }: Proposal): ProposalAnswer {
  const next: Record<ProposalStatus, string> = {
    open: `a person decides: \`safeai proposals show ${hash}\`, then \`safeai proposals approve ${hash}\``,
    applied: 'it is in the tree',
    refused: 'propose another change, for the tree and policy as `status` says they are',
    expired: 'propose it again',
  };
  return { hash, status, verdict: plan.verdict, reasons: plan.reasons, outcome, next: next[status] };
}

function unknown(): GovernorError {
  return new GovernorError('PROPOSAL_UNKNOWN', 'expected the hash of a proposal that was made here');
}
