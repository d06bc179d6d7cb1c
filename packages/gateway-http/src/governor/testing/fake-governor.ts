import {
  type ApplyAnswer,
  type ApplyRequest,
  ChangeRefused,
  type GovernorCaller,
  GovernorError,
  type GovernorErrorCode,
  type GovernorStatus,
  type KillState,
  type PlanResult,
  type Proposal,
  type ProposalAnswer,
  type RefusalFacts,
  type RollbackAnswer,
  type RollbackRequest,
  type VerifyAnswer,
} from '@provability-fabric/governor';
import { asDigest, type Digest, type JsonValue } from '@provability-fabric/kernel';
import type { AuditVerdict, GovernorUseCases } from '../ports.ts';

export const HASH = asDigest('ab'.repeat(32));
export const OTHER = asDigest('cd'.repeat(32));
const ROOT = 'ef'.repeat(32);

export const PLAN: PlanResult = {
  verdict: 'blocked',
  reasons: ['deny_paths: `.git/config` is denied'],
  blocked_paths: ['.git/config'],
  blocked_patterns: [],
  rules: [{ rule: 'deny_paths', verdict: 'blocked', detail: 'denied', paths: ['.git/config'] }],
  policy: { digest: OTHER, version: 3 },
};
const ALIVE: KillState = {
  active: false,
  env_enabled: true,
  sentinel_exists: false,
  reason: null,
  sources: [],
};

export function proposalBy(proposer: string, hash: Digest): Proposal {
  return {
    hash,
    proposer,
    at: 1_767_225_600_000,
    manifest: {
      version: '1.0.0',
      targets: ['src/a.ts'],
      edits: [],
      diffs: [],
      files: [{ path: 'src/a.ts', base: null, content: { text: 'x' } }],
      tests: [],
      rationale: 'because it has to be',
      base_tree: OTHER,
      policy: PLAN.policy,
      expires_at: '2026-01-01T01:00:00Z',
      idempotency_key: 'k1',
    },
    envelope: null,
    plan: PLAN,
    status: 'open',
    outcome: null,
  };
}

/** Says what it was asked, and answers what tests want to see rendered: what a governor decides is not looked at here. */
export class FakeGovernor implements GovernorUseCases {
  readonly asked: unknown[][] = [];
  state: KillState = ALIVE;
  refusal: Error | undefined;
  records: object[] = [];
  kept: Proposal[] = [proposalBy('proposer-1', HASH), proposalBy('somebody', OTHER)];

  refuseWith(code: GovernorErrorCode, facts?: Partial<RefusalFacts>): void {
    const all = { manifest: null, plan: null, sandbox: null, position: null, ...facts };
    this.refusal =
      facts === undefined
        ? new GovernorError(code, 'expected this, came that')
        : new ChangeRefused(code, 'expected this, came that', all);
  }

  async verify(caller: GovernorCaller, envelope: JsonValue): Promise<VerifyAnswer> {
    this.#ask('verify', caller, envelope);
    return {
      valid: true,
      manifest_hash: HASH,
      targets: ['src/a.ts'],
      rationale: 'because',
      signers: [{ keyId: 'ed25519:ann', role: 'human' }],
      expires_at: '2026-01-01T01:00:00Z',
    };
  }

  async plan(caller: GovernorCaller, manifest: JsonValue): Promise<PlanResult> {
    this.#ask('plan', caller, manifest);
    return PLAN;
  }

  async apply(caller: GovernorCaller, request: ApplyRequest): Promise<ApplyAnswer> {
    this.#ask('apply', caller, request);
    return this.#applied();
  }

  async rollback(caller: GovernorCaller, request: RollbackRequest): Promise<RollbackAnswer> {
    this.#ask('rollback', caller, request);
    return {
      success: true,
      reverted_hash: HASH,
      manifest_hash: OTHER,
      new_merkle_root: ROOT,
      audit_index: 8,
      message: 'taken back',
      commit: null,
    };
  }

  async auditLast(count: number): Promise<readonly object[]> {
    this.#ask('auditLast', count);
    return this.records.slice(-count);
  }

  async auditVerify(): Promise<AuditVerdict> {
    this.#ask('auditVerify');
    return { valid: false, error: '3 behind', current_root: ROOT, behind: 3 };
  }

  async status(): Promise<GovernorStatus> {
    this.#ask('status');
    return {
      tree: { digest: OTHER, files: 2 },
      policy: null,
      policy_problem: 'expected a policy',
      kill_switch: this.state,
      sandbox: { tier: 'none', engine: 'none', missing: ['bwrap'], demanded: null },
      audit: null,
      can_apply: false,
      problems: ['expected a policy'],
    };
  }

  async propose(caller: GovernorCaller, manifest: JsonValue): Promise<ProposalAnswer> {
    this.#ask('propose', caller, manifest);
    return { hash: HASH, status: 'open', verdict: 'approved', reasons: [], outcome: null, next: 'sign it' };
  }

  async proposals(query: { readonly limit: number }): Promise<readonly Proposal[]> {
    this.#ask('proposals', query);
    return this.kept.slice(0, query.limit);
  }

  async proposal(hash: Digest): Promise<Proposal> {
    this.#ask('proposal', hash);
    const found = this.kept.find((one) => one.hash === hash);
    if (found === undefined) throw new GovernorError('PROPOSAL_UNKNOWN', 'expected a proposal');
    return found;
  }

  async approve(caller: GovernorCaller, hash: Digest, envelope: JsonValue): Promise<ApplyAnswer> {
    this.#ask('approve', caller, hash, envelope);
    return this.#applied();
  }

  async kill(caller: GovernorCaller, reason: string): Promise<KillState> {
    this.#ask('kill', caller, reason);
    this.state = { ...ALIVE, active: true, sentinel_exists: true, reason, sources: ['sentinel'] };
    return this.state;
  }

  async revive(caller: GovernorCaller, reason: string): Promise<KillState> {
    this.#ask('revive', caller, reason);
    this.state = ALIVE;
    return this.state;
  }

  #ask(...what: unknown[]): void {
    this.asked.push(what);
    if (this.refusal !== undefined) throw this.refusal;
  }

  #applied(): ApplyAnswer {
    return {
      success: true,
      manifest_hash: HASH,
      merkle_root: ROOT,
      audit_index: 7,
      message: 'applied',
      sandbox_result: null,
      error: null,
      commit: null,
    };
  }
}
