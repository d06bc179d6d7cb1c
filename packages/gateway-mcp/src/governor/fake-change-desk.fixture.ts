import {
  ChangeRefused,
  type GovernorCaller,
  GovernorError,
  type GovernorStatus,
  type PlanResult,
  type ProposalAnswer,
} from '@provability-fabric/governor';
import { asDigest, type JsonValue } from '@provability-fabric/kernel';
import type { ChangeDesk, DeskClient, DeskOperation } from './ports.ts';

export const POLICY = { digest: asDigest('1'.repeat(64)), version: 3 };

const PLAN: PlanResult = {
  verdict: 'blocked',
  reasons: ['`deny_paths`: expected no change of `.git/config`'],
  blocked_paths: ['.git/config'],
  blocked_patterns: [],
  rules: [{ rule: 'deny_paths', verdict: 'blocked', detail: 'expected no change', paths: ['.git/config'] }],
  policy: POLICY,
};

const STATUS: GovernorStatus = {
  tree: { digest: asDigest('2'.repeat(64)), files: 12 },
  policy: { ...POLICY, tier: 'beta', safe_mode: true },
  policy_problem: null,
  kill_switch: { active: false, env_enabled: true, sentinel_exists: false, reason: null, sources: [] },
  sandbox: { tier: 'cgroups', engine: 'bubblewrap 0.8.0', missing: [], demanded: 'cgroups' },
  audit: null,
  can_apply: true,
  problems: [],
};

/** A desk that keeps what it is given, and fails where a test says so. */
export function fakeChangeDesk(): ChangeDesk & {
  readonly proposed: { readonly caller: GovernorCaller; readonly manifest: JsonValue }[];
  fails: unknown;
} {
  const proposed: { readonly caller: GovernorCaller; readonly manifest: JsonValue }[] = [];
  const answer = (hash: string): ProposalAnswer => ({
    hash: asDigest(hash),
    status: 'open',
    verdict: 'approved',
    reasons: [],
    outcome: null,
    next: 'a person signs it: safeai proposals approve',
  });
  const desk = {
    proposed,
    fails: undefined as unknown,
    async propose(caller: GovernorCaller, manifest: JsonValue) {
      if (desk.fails !== undefined) throw desk.fails;
      proposed.push({ caller, manifest });
      return answer(`${proposed.length}`.padStart(64, '0'));
    },
    async check(caller: GovernorCaller, hash: string) {
      const found = proposed[Number(hash) - 1];
      if (found?.caller.principal !== caller.principal)
        throw new GovernorError('PROPOSAL_UNKNOWN', 'expected the hash of a proposal of yours');
      return answer(hash);
    },
    plan: async () => PLAN,
    status: async () => STATUS,
  };
  return desk;
}

export function blockedChange(): ChangeRefused {
  const facts = { manifest: null, plan: PLAN, sandbox: null, position: null };
  return new ChangeRefused('CHANGE_BLOCKED', 'expected a change that the policy lets pass', facts);
}

export function deskClient(
  principal: string,
  may: (operation: DeskOperation) => boolean = () => true,
): DeskClient {
  return { caller: { principal, actor: 'mcp' }, may };
}
