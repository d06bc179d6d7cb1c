import type { LocalPlace, PolicyView } from '@provability-fabric/fabric';
import type {
  ApplyAnswer,
  GovernorStatus,
  KillState,
  PlanResult,
  Proposal,
  RollbackAnswer,
} from '@provability-fabric/governor';
import type { Digest, JsonValue } from '@provability-fabric/kernel';
import type { AuditFinding, Governance, LocalGovernor } from './governance.ts';

export const HASH = 'ab'.repeat(32) as Digest;
export const ROOT = 'cd'.repeat(32);
export const TREE = 'ef'.repeat(32) as Digest;
export const POLICY = { digest: '12'.repeat(32) as Digest, version: 4 };

export const PLAN: PlanResult = {
  verdict: 'blocked',
  reasons: ['deny_paths: `config/keys/a` is denied'],
  blocked_paths: ['config/keys/a'],
  blocked_patterns: [],
  rules: [
    { rule: 'max_files', verdict: 'passed', detail: '1 of at most 20 files', paths: [] },
    {
      rule: 'deny_paths',
      verdict: 'blocked',
      detail: 'expected no path below `config/keys/`',
      paths: ['config/keys/a\u001b[2J'],
    },
    { rule: 'binary', verdict: 'not-applicable', detail: 'no binary file', paths: [] },
  ],
  policy: POLICY,
};

export const APPLIED: ApplyAnswer = {
  success: true,
  manifest_hash: HASH,
  merkle_root: ROOT,
  audit_index: 3,
  message: 'applied',
  sandbox_result: null,
  error: null,
  commit: null,
};

const ROLLED_BACK: RollbackAnswer = {
  success: true,
  reverted_hash: HASH,
  manifest_hash: TREE,
  new_merkle_root: ROOT,
  audit_index: 4,
  message: 'rolled back',
  commit: null,
};

const ALIVE: KillState = {
  active: false,
  env_enabled: true,
  sentinel_exists: false,
  reason: null,
  sources: [],
};

export const STATUS: GovernorStatus = {
  tree: { digest: TREE, files: 2 },
  policy: { ...POLICY, tier: 'beta', safe_mode: true },
  policy_problem: null,
  kill_switch: ALIVE,
  sandbox: { tier: 'rlimits', engine: 'bubblewrap 0.8.0', missing: ['no cgroup'], demanded: 'rlimits' },
  audit: { index: 3, merkle_root: ROOT },
  can_apply: true,
  problems: [],
};

/** What came to the governor, by the name of the use case. */
export interface Came {
  readonly use: string;
  readonly place: LocalPlace;
  readonly given: unknown;
}

/** Stands in for the composition root: no policy, no sandbox, no record; it answers what it is told to. */
export class FakeGovernance implements Governance {
  readonly came: Came[] = [];
  plan: PlanResult = PLAN;
  finding: AuditFinding = { valid: true, error: null, current_root: ROOT, behind: 0, problems: [] };
  status: GovernorStatus = STATUS;
  found: readonly Proposal[] = [];
  /** Thrown by whatever changes something. */
  refusal: Error | undefined;
  killed: KillState = ALIVE;
  open_ = 0;

  async open(place: LocalPlace, use: 'change' | 'look'): Promise<LocalGovernor> {
    this.open_++;
    const took = (name: string, given: unknown) =>
      void this.came.push({ use: `${name} (${use})`, place, given });
    const changed = <Answer>(name: string, given: unknown, answer: Answer): Answer => {
      took(name, given);
      if (this.refusal !== undefined) throw this.refusal;
      return answer;
    };
    return {
      plan: async (_caller, manifest: JsonValue) => {
        took('plan', manifest);
        return this.plan;
      },
      apply: async (caller, request) => changed('apply', { caller, request }, APPLIED),
      rollback: async (_caller, request) => changed('rollback', request, ROLLED_BACK),
      auditVerify: async () => this.finding,
      status: async () => this.status,
      proposals: async (query) => {
        took('proposals', query);
        return this.found;
      },
      proposal: async (hash) => {
        took('proposal', hash);
        return this.found.find((one) => one.hash === hash) ?? Promise.reject(new Error('no such proposal'));
      },
      approve: async (_caller, hash, envelope) => changed('approve', { hash, envelope }, APPLIED),
      close: async () => {
        this.open_--;
      },
    };
  }

  async openKillSwitch(place: LocalPlace) {
    this.open_++;
    return {
      state: () => this.killed,
      kill: async (order: { readonly reason: string }) => {
        this.came.push({ use: 'kill', place, given: order });
        this.killed = { ...ALIVE, active: true, reason: order.reason, sources: ['sentinel'] };
      },
      revive: async (order: { readonly reason: string }) => {
        this.came.push({ use: 'revive', place, given: order });
        if (this.killed.env_enabled) this.killed = ALIVE;
      },
      close: async () => {
        this.open_--;
      },
    };
  }

  async readPolicy(place: LocalPlace): Promise<PolicyView> {
    this.came.push({ use: 'policy', place, given: null });
    const cedar = '@id("deny_paths")\nforbid (principal, action, resource);\n';
    return { digest: POLICY.digest, version: 4, tier: 'beta', safe_mode: true, cedar };
  }

  async restoreAudit(place: LocalPlace, _caller: unknown, file: string) {
    this.came.push({ use: 'restore', place, given: file });
    return { records: 7, added: 2, compared: false, current_root: ROOT };
  }

  async issueToken(place: LocalPlace, wish: { readonly lifetimeMs: number }) {
    this.came.push({ use: 'token', place, given: wish });
    return { token: 'a.b.c', id: 'T-1', expiresAt: 1_772_366_400_000 + wish.lifetimeMs };
  }

  async serveMcp(place: LocalPlace): Promise<void> {
    this.came.push({ use: 'mcp', place, given: null });
  }
}
