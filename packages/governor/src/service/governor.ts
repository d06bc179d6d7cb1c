import type { JsonValue } from '@provability-fabric/kernel';
import type { AuditPosition } from '../audit/change-event.ts';
import { GovernorError } from '../errors.ts';
import type { AsyncSigner } from '../gate/ports.ts';
import type { KillState } from '../kill-switch/kill-switch.ts';
import type { PlanResult } from '../policy/plan.ts';
import type { Proposal, ProposalStatus } from '../proposal.ts';
import { SANDBOX_TIERS } from '../sandbox/sandbox.ts';
import { applyChange, verifyChange } from './apply-change.ts';
import { changeEvent } from './change-events.ts';
import { manifestOf, planChange } from './desk.ts';
import { adoptPolicy } from './land-change.ts';
import { policyInForce } from './policy-in-force.ts';
import type { GovernorParts } from './ports.ts';
import { approveProposal, checkProposal, findProposal, proposeChange } from './proposals.ts';
import type {
  ApplyAnswer,
  ApplyRequest,
  GovernorCaller,
  GovernorStatus,
  ProposalAnswer,
  RollbackAnswer,
  RollbackRequest,
  VerifyAnswer,
} from './requests.ts';
import { rollbackChange } from './rollback-change.ts';
import { settleRecovered } from './settle-recovered.ts';

/**
 * Everything that may be asked of the governor. Who may ask for what is decided before: here a caller is only put on record.
 * Throws GovernorError, and ChangeRefused for changes that were not made.
 */
export interface Governor {
  /** Whose signatures an envelope bears and what it would change. */
  verify(caller: GovernorCaller, envelope: JsonValue): Promise<VerifyAnswer>;
  plan(caller: GovernorCaller, manifest: JsonValue): Promise<PlanResult>;
  apply(caller: GovernorCaller, request: ApplyRequest): Promise<ApplyAnswer>;
  rollback(caller: GovernorCaller, request: RollbackRequest): Promise<RollbackAnswer>;
  propose(caller: GovernorCaller, manifest: JsonValue): Promise<ProposalAnswer>;
  check(caller: GovernorCaller, hash: string): Promise<ProposalAnswer>;
  proposals(query: {
    readonly status?: ProposalStatus;
    readonly limit: number;
  }): Promise<readonly Proposal[]>;
  proposal(hash: string): Promise<Proposal>;
  approve(caller: GovernorCaller, hash: string, envelope: JsonValue): Promise<ApplyAnswer>;
  kill(caller: GovernorCaller, reason: string): Promise<KillState>;
  revive(caller: GovernorCaller, reason: string): Promise<KillState>;
  killState(): KillState;
  /** Whether an order to stop or go on is on its way from here, which is put on record with it. */
  isOrdering(): boolean;
  status(): Promise<GovernorStatus>;
}

export interface GovernorOptions extends GovernorParts {
  /** What signs for agents under tier stable; answers undefined where the operator gave no such key. */
  signForAgents?(): Promise<AsyncSigner | undefined>;
  /** Where the record stands; null before the first event. */
  position(): Promise<AuditPosition | null>;
}

const MOST_REASON = 200;

export function createGovernor(options: GovernorOptions): Governor {
  const parts: GovernorParts = options;
  let orders = 0;
  const switched = async (kind: 'killed' | 'revived', caller: GovernorCaller, given: string) => {
    orders += 1;
    try {
      return await order(kind, caller, given);
    } finally {
      orders -= 1;
    }
  };
  const order = async (kind: 'killed' | 'revived', caller: GovernorCaller, given: string) => {
    const reason = given.trim().slice(0, MOST_REASON);
    if (reason === '')
      throw new GovernorError('MANIFEST_INVALID', 'expected a `reason`, for those who read the record');
    const at = parts.now();
    const words = { reason, by: caller.principal, at };
    // Stopping waits for nothing; starting again is on record before it happens.
    const failure = kind === 'killed' ? await failureOf(parts.kill.kill(words)) : undefined;
    const event = changeEvent({ id: parts.newId(), kind, at }, caller, {
      detail: reason,
      errorCode: failure?.code ?? null,
    });
    await parts.recorder.record(event);
    parts.observer.recorded(event);
    // Some places took the order, and it holds.
    if (failure !== undefined) throw failure;
    if (kind === 'revived') await parts.kill.revive(words);
    return parts.kill.state();
  };
  return {
    async verify(_caller, envelope) {
      const { manifest, hash, signers } = await verifyChange(parts, envelope);
      const { targets, rationale, expires_at } = manifest;
      return { valid: true, manifest_hash: hash, targets, rationale, signers, expires_at };
    },
    plan: (_caller, manifest) => planChange(parts, manifestOf(manifest)),
    apply: (caller, request) => applyChange(parts, caller, request),
    rollback: (caller, request) => rollbackChange(parts, caller, request),
    propose: (caller, manifest) => proposeChange(parts, caller, manifest, options.signForAgents),
    check: (caller, hash) => checkProposal(parts, caller, hash),
    proposals: (query) => parts.proposals.list(query),
    proposal: (hash) => findProposal(parts, hash),
    approve: (caller, hash, envelope) => approveProposal(parts, caller, hash, envelope),
    kill: (caller, reason) => switched('killed', caller, reason),
    revive: (caller, reason) => switched('revived', caller, reason),
    killState: () => parts.kill.state(),
    isOrdering: () => orders > 0,
    status: () => statusOf(options),
  };
}

async function failureOf(order: Promise<void>): Promise<GovernorError | undefined> {
  try {
    await order;
    return undefined;
  } catch (error) {
    if (error instanceof GovernorError) return error;
    throw error;
  }
}

/** At the start: the tree is made whole and the policy put on record, so that what is wrong shows before the first change. */
export async function prepareGovernor(parts: GovernorParts): Promise<void> {
  await parts.lock.withLock(async () => {
    await settleRecovered(parts);
    await adoptPolicy(parts);
  });
}

/** Puts a policy on record that has changed since; takes the tree's lock only then. */
export async function keepPolicy(parts: GovernorParts): Promise<void> {
  await parts.record.catchUp();
  const { isNew } = await policyInForce(parts.policies, parts.record);
  if (isNew) await parts.lock.withLock(() => adoptPolicy(parts));
}

async function statusOf(options: GovernorOptions): Promise<GovernorStatus> {
  const { tree, kill, sandbox, record, policies } = options;
  await record.catchUp();
  const [{ digest, files }, ability, inForce, audit] = [
    await tree.state(),
    await sandbox.ability(),
    await policyInForce(policies, record).catch(asProblem),
    await options.position(),
  ];
  const state = kill.state();
  const known = 'policy' in inForce ? inForce : undefined;
  const demanded = known?.policy.sandbox.tier ?? null;
  const weak = demanded !== null && SANDBOX_TIERS.indexOf(ability.tier) < SANDBOX_TIERS.indexOf(demanded);
  const problems = [
    ...(state.active ? [`killed: ${state.reason ?? 'no reason was given'}`] : []),
    ...('problem' in inForce ? [inForce.problem] : []),
    ...(known?.policy.tier === 'alpha' ? ['autonomy tier alpha: changes are planned only'] : []),
    ...(weak ? [`no sandbox of tier ${demanded}: tests cannot run (${ability.missing.join('; ')})`] : []),
  ];
  return {
    tree: { digest, files: files.size },
    policy:
      known === undefined
        ? null
        : { ...known.identity, tier: known.policy.tier, safe_mode: known.policy.safeMode },
    policy_problem: 'problem' in inForce ? inForce.problem : null,
    kill_switch: state,
    sandbox: { ...ability, demanded },
    audit,
    can_apply: problems.length === 0,
    problems,
  };
}

function asProblem(error: unknown): { readonly problem: string } {
  if (error instanceof GovernorError) return { problem: error.message };
  throw error;
}
