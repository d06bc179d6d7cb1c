import type { Digest, JsonValue } from '@provability-fabric/kernel';
import { GovernorError } from '../errors.ts';
import { checkBinding, checkThreshold } from '../gate/check-envelope.ts';
import { bindManifest, manifestHash, parseBoundManifest, parseManifest } from '../manifest/parse-manifest.ts';
import { changesInTree } from './changes-in-tree.ts';
import type { VerifiedManifest } from './gate.ts';
import { adoptPolicy, type Landed, landChange } from './land-change.ts';
import { policyInForce } from './policy-in-force.ts';
import type { GovernorParts, RecordedChange } from './ports.ts';
import { type Attempt, newAttempt, refuse } from './refusals.ts';
import type { ApplyAnswer, ApplyRequest, GovernorCaller } from './requests.ts';
import { settleRecovered } from './settle-recovered.ts';

/** Applies a signed change, whole or not at all. Throws ChangeRefused with what is known, on record. */
export async function applyChange(
  parts: GovernorParts,
  caller: GovernorCaller,
  request: ApplyRequest,
): Promise<ApplyAnswer> {
  // Who signed nothing that holds leaves no trace but a count: anybody could fill the record.
  parts.kill.check();
  const verified = await verifyChange(parts, request.signed_envelope);
  const attempt = newAttempt(parts, caller, 'change');
  attempt.manifest = verified.hash;
  attempt.idempotencyKey = verified.manifest.idempotency_key;
  attempt.signers = verified.signers;
  try {
    requireSame(parts, verified, request);
    checkBinding(verified.manifest, { now: parts.now() });
    return await claimed(parts, attempt, verified, request);
  } catch (error) {
    return refuse(parts, attempt, error);
  }
}

export async function verifyChange(parts: GovernorParts, envelope: JsonValue): Promise<VerifiedManifest> {
  try {
    const verified = await parts.gate.verify(envelope);
    parts.observer.verified('valid');
    return verified;
  } catch (error) {
    if (error instanceof GovernorError) parts.observer.verified('invalid');
    throw error;
  }
}

/** What stands beside the envelope has to say what was signed. */
function requireSame(
  { crypto }: GovernorParts,
  { hash, manifest }: VerifiedManifest,
  request: ApplyRequest,
): void {
  const { manifest: beside, idempotency_key: key } = request;
  if (key !== undefined && key !== manifest.idempotency_key)
    throw new GovernorError('MANIFEST_MISMATCH', 'expected `idempotency_key` to be the one that was signed');
  if (beside !== undefined && besideHash(crypto, beside, manifest) !== hash)
    throw new GovernorError(
      'MANIFEST_MISMATCH',
      'expected `manifest` to be the one that was signed, came another',
    );
}

/** As signed, or without what the signature also bound. */
function besideHash(
  crypto: GovernorParts['crypto'],
  beside: JsonValue,
  { base_tree, policy, expires_at, idempotency_key }: VerifiedManifest['manifest'],
): Digest {
  const isBound = typeof beside === 'object' && beside !== null && 'base_tree' in beside;
  if (isBound) return manifestHash(crypto, parseBoundManifest(beside));
  return manifestHash(
    crypto,
    bindManifest(parseManifest(beside), { base_tree, policy, expires_at, idempotency_key }),
  );
}

async function claimed(
  parts: GovernorParts,
  attempt: Attempt,
  verified: VerifiedManifest,
  request: ApplyRequest,
): Promise<ApplyAnswer> {
  const { hash, manifest } = verified;
  const { idempotency_key: idempotencyKey } = manifest;
  const claim = await parts.claims.take({ idempotencyKey, manifest: hash, at: parts.now() });
  if (claim.kind === 'other-manifest')
    throw new GovernorError(
      'IDEMPOTENCY_CONFLICT',
      'expected an idempotency key of its own, came one that another change was signed with',
    );
  if (claim.kind === 'same-manifest') return repeated(parts, hash, claim.state, request);
  try {
    const landed = await parts.lock.withLock((held) =>
      // Its end is on record before anybody else has the tree.
      underLock(parts, attempt, verified, { held, envelope: request.signed_envelope }).catch((error) =>
        refuse(parts, attempt, error),
      ),
    );
    await parts.claims.applied(hash);
    parts.observer.applied('success');
    return answer(hash, landed, attempt);
  } catch (error) {
    await (attempt.landed ? parts.claims.applied(hash) : parts.claims.release(hash));
    throw error;
  }
}

async function underLock(
  parts: GovernorParts,
  attempt: Attempt,
  verified: VerifiedManifest,
  { held, envelope }: { readonly held: () => Promise<void>; readonly envelope: JsonValue },
): Promise<Landed> {
  const { manifest, hash, signers } = verified;
  const { kill, tree } = parts;
  // Others may have had the tree for minutes.
  kill.check();
  await settleRecovered(parts);
  const inForce = await adoptPolicy(parts);
  const { policy, identity } = inForce;
  attempt.policy = identity;
  await requireNew(parts, hash);
  checkBinding(manifest, { now: parts.now(), policy: identity, maxValidityMs: policy.maxValidityMs });
  checkThreshold(policy.signatures, signers);
  const { digest } = await tree.state();
  if (digest !== manifest.base_tree)
    throw new GovernorError(
      'STALE_BASE',
      `expected a change of the tree as it is, came one of another: sign it anew for base \`${digest}\``,
    );
  const changes = await changesInTree(parts, manifest);
  return landChange(parts, {
    attempt,
    manifest,
    hash,
    changes,
    base: digest,
    inForce,
    async held() {
      await held();
      await requireStill(parts, verified, envelope);
    },
  });
}

/** What let the change begin has to hold when its first file is touched: its tests may have taken an hour. */
async function requireStill(
  { gate, policies, record, now }: GovernorParts,
  { manifest, signers }: VerifiedManifest,
  envelope: JsonValue,
): Promise<void> {
  const again = await gate.verify(envelope);
  if (JSON.stringify(again.signers) !== JSON.stringify(signers))
    throw new GovernorError(
      'SIGNATURE_INVALID',
      'expected the keys that signed the change to stay in use until it lands, the ring was changed; sign it anew',
    );
  const { identity } = await policyInForce(policies, record);
  checkBinding(manifest, { now: now(), policy: identity });
}

/** A claim whose replica was lost can be taken up again; the record, which is complete here, has the last word. */
async function requireNew({ record, claims }: GovernorParts, hash: Digest): Promise<void> {
  if ((await record.find(hash)) === undefined) return;
  await claims.applied(hash);
  throw replayed();
}

function replayed(): GovernorError {
  return new GovernorError(
    'CHANGE_REPLAYED',
    'expected a change that was not applied yet, came one that was; sign it anew to apply it again',
  );
}

/** A repeat that names its key gets the first answer; one that does not is a replay. */
async function repeated(
  parts: GovernorParts,
  hash: Digest,
  state: 'under-way' | 'applied',
  request: ApplyRequest,
): Promise<ApplyAnswer> {
  if (state === 'under-way')
    throw new GovernorError('TREE_BUSY', 'this very change is being applied; ask again for what came of it');
  await parts.record.catchUp();
  const first = await parts.record.find(hash);
  if (request.idempotency_key === undefined || first === undefined) throw replayed();
  return firstAnswer(first);
}

function firstAnswer({ manifest, merkle_root, index, commit }: RecordedChange): ApplyAnswer {
  return {
    success: true,
    manifest_hash: manifest,
    merkle_root,
    audit_index: index,
    message: 'this change was applied before; nothing was done again',
    sandbox_result: null,
    error: null,
    commit,
  };
}

function answer(hash: Digest, { position, commit, files }: Landed, { sandbox }: Attempt): ApplyAnswer {
  return {
    success: true,
    manifest_hash: hash,
    merkle_root: position.merkle_root,
    audit_index: position.index,
    message: `applied: ${files.length} ${files.length === 1 ? 'file' : 'files'}`,
    sandbox_result: sandbox,
    error: null,
    commit,
  };
}
