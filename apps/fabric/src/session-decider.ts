import type { Enforcer } from '@provability-fabric/enforcement';
import type {
  ActionOutcome,
  ActionRequest,
  Decider,
  Decision,
  Hiding,
  Shown,
} from '@provability-fabric/gateway-mcp';
import type { JsonValue } from '@provability-fabric/kernel';
import type { Capability, Principal } from '@provability-fabric/policy';

/** A call that was let through. */
interface Allowed {
  /** Without a `sid` the agent's session may change once the old one has been idle. */
  readonly session: string;
  /** Whether some outcome is on record. */
  settled: boolean;
  /** The agent may not see all of its result. */
  hides: boolean;
}

/** In the place of what a server says when a hidden result cannot be fetched again. */
const NOT_FETCHED = 'the result could not be fetched again; what the server says of it is hidden';

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

type AskedEnforcer = Pick<
  Enforcer,
  'authorize' | 'settle' | 'mayEverCall' | 'hiding' | 'searchesSecrets' | 'holdsSecret'
>;

/** Decides for the one agent behind a relay; its token may be renewed meanwhile. */
export class SessionDecider implements Decider {
  #enforcer: AskedEnforcer;
  #current: () => Agent;
  /** By certificate, oldest first. */
  #allowed = new Map<string, Allowed>();

  /** Absent where no secrets are known: then nothing is read for them. */
  readonly holdsSecret?: (value: JsonValue) => Promise<boolean>;

  constructor(enforcer: AskedEnforcer, current: () => Agent) {
    this.#enforcer = enforcer;
    this.#current = current;
    if (enforcer.searchesSecrets)
      this.holdsSecret = (value) => enforcer.holdsSecret(current().principal.tenant, value);
  }

  async decide(request: ActionRequest): Promise<Decision> {
    const { principal, capability, session: sid, epoch } = this.#current();
    const answer = await this.#enforcer.authorize({
      principal,
      capability,
      session: sid,
      requestId: request.requestId,
      action: { kind: request.action, target: request.target, args: request.value },
      epoch,
      attributes: {},
      ...(request.beside === undefined ? {} : { beside: request.beside }),
    });
    const { certificateId, effect, refusal, session } = answer;
    if (effect === 'allow') {
      const { arguments: value, answer: own, hides } = answer;
      if (own === undefined)
        this.#allowed.set(certificateId, { session, settled: false, hides: hides === true });
      this.#forgetOldest();
      return {
        effect,
        certificateId,
        ...(value === undefined ? {} : { value }),
        ...(own === undefined ? {} : { answer: own }),
        ...(hides === undefined ? {} : { hides }),
      };
    }
    const { code = 'NOT_PERMITTED', clause = null, ticket } = refusal ?? {};
    const named = { ...(clause !== null && { clause }), ...(ticket !== undefined && { ticket }) };
    return { effect, certificateId, code, ...named };
  }

  async settle(certificateId: string, { outcome, result = null }: ActionOutcome): Promise<Shown> {
    const allowed = this.#allowed.get(certificateId);
    if (allowed === undefined)
      throw new Error('expected the certificate of a call that this relay was allowed');
    // A task's result may fail to be fetched again: then the record says more already. One that is fetched again is the
    // same report repeated, which the enforcer knows.
    if (allowed.settled && outcome === 'ambiguous') return allowed.hides ? { instead: NOT_FETCHED } : {};
    const { principal } = this.#current();
    const reporter = { tenant: principal.tenant, principal: principal.id };
    const shown = await this.#enforcer.settle(reporter, allowed.session, certificateId, outcome, result);
    allowed.settled = true;
    // Another bundle may hide more than the one that it was decided under.
    allowed.hides ||= shown.instead !== undefined;
    return shown;
  }

  hiding(): Hiding | undefined {
    return this.#enforcer.hiding(this.#current().principal);
  }

  mayEverCall(tool: string): boolean {
    return this.#enforcer.mayEverCall(this.#current().principal, tool);
  }

  #forgetOldest(): void {
    const [oldest] = this.#allowed.keys();
    if (oldest !== undefined && this.#allowed.size > REMEMBERED) this.#allowed.delete(oldest);
  }
}
