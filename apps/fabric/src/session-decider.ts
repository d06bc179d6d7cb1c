import type { Enforcer } from '@provability-fabric/enforcement';
import type { ActionOutcome, ActionRequest, Decider, Decision } from '@provability-fabric/gateway-mcp';
import type { Principal } from '@provability-fabric/policy';

/** A call that was let through. */
interface Allowed {
  /** Without a `sid` the agent's session may change once the old one has been idle. */
  readonly session: string;
  /** Whether some outcome is on record. */
  settled: boolean;
}

/** More than a relay has under way at once, tasks included: older calls are over. */
const REMEMBERED = 20_000;

/** Decides for the one agent behind a stdio relay: the host vouches for it, so there is no token to check. */
export class SessionDecider implements Decider {
  #enforcer: Pick<Enforcer, 'authorize' | 'settle' | 'mayEverCall'>;
  #principal: Principal;
  #sid: string | null;
  /** By certificate, oldest first. */
  #allowed = new Map<string, Allowed>();

  constructor(
    enforcer: Pick<Enforcer, 'authorize' | 'settle' | 'mayEverCall'>,
    principal: Principal,
    sid: string | null,
  ) {
    this.#enforcer = enforcer;
    this.#principal = principal;
    this.#sid = sid;
  }

  async decide(request: ActionRequest): Promise<Decision> {
    const { certificateId, effect, refusal, session } = await this.#enforcer.authorize({
      principal: this.#principal,
      capability: null,
      session: this.#sid,
      requestId: request.requestId,
      action: { kind: request.action, target: request.target, args: request.value },
      epoch: null,
      attributes: {},
    });
    if (effect === 'allow') {
      this.#allowed.set(certificateId, { session, settled: false });
      this.#forgetOldest();
      return { effect, certificateId };
    }
    const { code = 'NOT_PERMITTED', clause = null } = refusal ?? {};
    return { effect, certificateId, code, ...(clause !== null && { clause }) };
  }

  async settle(certificateId: string, { outcome, result = null }: ActionOutcome): Promise<void> {
    const allowed = this.#allowed.get(certificateId);
    if (allowed === undefined)
      throw new Error('expected the certificate of a call that this relay was allowed');
    // A task's result may fail to be fetched again: then the record says more already. One that is fetched again is the
    // same report repeated, which the enforcer knows.
    if (allowed.settled && outcome === 'ambiguous') return;
    const reporter = { tenant: this.#principal.tenant, principal: this.#principal.id };
    await this.#enforcer.settle(reporter, allowed.session, certificateId, outcome, result);
    allowed.settled = true;
  }

  mayEverCall(tool: string): boolean {
    return this.#enforcer.mayEverCall(this.#principal, tool);
  }

  #forgetOldest(): void {
    const [oldest] = this.#allowed.keys();
    if (oldest !== undefined && this.#allowed.size > REMEMBERED) this.#allowed.delete(oldest);
  }
}
