import type { Enforcer } from '@provability-fabric/enforcement';
import type { ActionOutcome, ActionRequest, Decider, Decision } from '@provability-fabric/gateway-mcp';
import type { Capability, Principal } from '@provability-fabric/policy';

/** A call that was let through. */
interface Allowed {
  /** Without a `sid` the agent's session may change once the old one has been idle. */
  readonly session: string;
  /** Whether some outcome is on record. */
  settled: boolean;
}

/** More than a relay has under way at once, tasks included: older calls are over. */
const REMEMBERED = 20_000;

/** For whom a relay asks. */
export interface Agent {
  readonly principal: Principal;
  /** Of its token; null where the host vouches for it. */
  readonly capability: Capability | null;
  /** The `sid` of the host's token; null: the principal's running session. */
  readonly session: string | null;
  /** The epoch of its token; null: the one in force. */
  readonly epoch: number | null;
}

/** Decides for the one agent behind a relay; its token may be renewed meanwhile. */
export class SessionDecider implements Decider {
  #enforcer: Pick<Enforcer, 'authorize' | 'settle' | 'mayEverCall'>;
  #current: () => Agent;
  /** By certificate, oldest first. */
  #allowed = new Map<string, Allowed>();

  constructor(enforcer: Pick<Enforcer, 'authorize' | 'settle' | 'mayEverCall'>, current: () => Agent) {
    this.#enforcer = enforcer;
    this.#current = current;
  }

  async decide(request: ActionRequest): Promise<Decision> {
    const { principal, capability, session: sid, epoch } = this.#current();
    const { certificateId, effect, refusal, session } = await this.#enforcer.authorize({
      principal,
      capability,
      session: sid,
      requestId: request.requestId,
      action: { kind: request.action, target: request.target, args: request.value },
      epoch,
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
    const { principal } = this.#current();
    const reporter = { tenant: principal.tenant, principal: principal.id };
    await this.#enforcer.settle(reporter, allowed.session, certificateId, outcome, result);
    allowed.settled = true;
  }

  mayEverCall(tool: string): boolean {
    return this.#enforcer.mayEverCall(this.#current().principal, tool);
  }

  #forgetOldest(): void {
    const [oldest] = this.#allowed.keys();
    if (oldest !== undefined && this.#allowed.size > REMEMBERED) this.#allowed.delete(oldest);
  }
}
