import { digestJson, type JsonValue } from '@provability-fabric/kernel';
import {
  type Action,
  type Capability,
  type Decision,
  type Environment,
  type Input,
  type IntentInput,
  mayEverCall,
  type Principal,
  type State,
} from '@provability-fabric/policy';
import type { OutcomeKind } from '@provability-fabric/statements';
import { EnforcementError } from './errors.ts';
import { type Answer, answerOf, fingerprint, loadSession, outcomeKey } from './load-session.ts';
import type { Clock, Observer, Surroundings } from './ports.ts';
import { Session, type SessionTools } from './session.ts';

export interface AuthorizeRequest {
  readonly principal: Principal;
  readonly capability: Capability | null;
  /** The `sid` of the host's token; null: the principal's running session, or a new one after `session.idle`. */
  readonly session: string | null;
  /** Unique per action within the session: a repeat gets the first answer. */
  readonly requestId: string;
  readonly action: Action;
  /** The epoch the caller believes in; null: the one in force. */
  readonly epoch: number | null;
  readonly attributes: JsonValue;
}

/** Who reports an outcome: only the session's own principal may, or the host. */
export interface Reporter {
  readonly tenant: string;
  readonly principal: string | null;
}

export interface Authorized extends Answer {
  readonly session: string;
}

export interface EnforcerOptions extends SessionTools {
  readonly clock: Clock;
  readonly surroundings: Surroundings;
  readonly observer: Observer;
  /** How long a session without a `sid` lasts after its last action, in ms. */
  readonly sessionIdleMs: number;
  /** Sessions kept in memory; the least recently used come back from the journal when needed. */
  readonly maxSessions: number;
}

interface Kept {
  readonly loading: Promise<Session>;
  used: number;
}

/** A session used within this time is kept, since somebody may be about to queue on it. */
const KEEP_MS = 5000;

/** Loads, asks `step`, commits, answers. Decides nothing itself. */
export class Enforcer {
  #options: EnforcerOptions;
  #sessions = new Map<string, Kept>();
  #running = new Map<string, string>();
  #closed = false;

  constructor(options: EnforcerOptions) {
    this.#options = options;
  }

  mayEverCall(principal: Principal, tool: string): boolean {
    return mayEverCall(this.#options.bundle, principal, tool);
  }

  /** Decides an action and makes the decision durable before answering. Rejects with an EnforcementError; then nothing is allowed. */
  async authorize(request: AuthorizeRequest): Promise<Authorized> {
    const started = performance.now();
    const { clock, surroundings, crypto, observer } = this.#options;
    const { principal, action } = request;
    const session = await this.#sessionFor(principal, request.session);
    return session.exclusively(async () => {
      const at = clock.now();
      const input: IntentInput = {
        kind: 'intent',
        at,
        certificate_id: digestJson(crypto, [session.tenant, session.id, request.requestId]),
        principal,
        capability: request.capability,
        action,
        epoch: request.epoch ?? surroundings.epoch(principal.tenant),
        attributes: request.attributes,
      };
      const repeated = this.#repeated(session, input);
      if (repeated !== undefined) return { ...repeated, session: session.id };
      const { outputs, stepMs } = await this.#submit(session, [
        ...this.#preparing(session, principal, at),
        input,
      ]);
      const decision = outputs.at(-1) as Decision;
      const answer = answerOf({ ...decision, certificate_id: input.certificate_id });
      session.answers.set(input.certificate_id, { fingerprint: fingerprint(crypto, input), answer });
      observer.decided({
        tenant: session.tenant,
        session: session.id,
        principal: principal.id,
        certificateId: input.certificate_id,
        action: action.kind,
        target: action.target,
        decision,
        stepMs,
        latencyMs: performance.now() - started,
      });
      return { ...answer, session: session.id };
    });
  }

  /**
   * Records what came of an allowed action; the result may be shown only after this resolves. `principal` null: the host
   * reports, who answers for all agents of the tenant. A repeat of the same report is taken as done.
   */
  async settle(
    { tenant, principal }: Reporter,
    sessionId: string,
    certificateId: string,
    outcome: OutcomeKind,
    result: JsonValue,
  ): Promise<void> {
    const session = await this.#existing(tenant, sessionId);
    if (session === undefined) throw noSuchAction(certificateId);
    await session.exclusively(async () => {
      if (principal !== null && session.state.opening?.principal !== principal)
        throw noSuchAction(certificateId);
      const input: Input = {
        kind: 'outcome',
        at: this.#options.clock.now(),
        certificate_id: certificateId,
        outcome,
        result,
      };
      const recorded = session.outcomes.get(certificateId);
      if (recorded !== undefined && recorded === this.#outcomeKey(outcome, result)) return;
      const [settled] = (await this.#submit(session, [input])).outputs;
      if (settled?.kind !== 'settled') throw noSuchAction(certificateId);
      session.outcomes.set(certificateId, outcomeKey(outcome, settled.result_digest));
      this.#options.observer.settled({ tenant, session: sessionId, certificateId, outcome });
    });
  }

  /** Adds to the trusted prompt of a session. Only the host may call this: the agent lacks the credential. */
  async prompt(principal: Principal, sessionId: string | null, text: string): Promise<string> {
    const session = await this.#sessionFor(principal, sessionId);
    await session.exclusively(async () => {
      const at = this.#options.clock.now();
      await this.#submit(session, [...this.#preparing(session, principal, at), { kind: 'prompt', at, text }]);
    });
    return session.id;
  }

  /**
   * Brings every session back once, so that what an earlier process left open is marked before anything new happens.
   * Returns those that cannot go on (their records were erased): each stays refused, the others are served.
   */
  async recover(): Promise<
    readonly { readonly tenant: string; readonly session: string; readonly problem: string }[]
  > {
    const lost = [];
    for (const { tenant, session } of [...this.#options.journal.heads()]) {
      try {
        await this.#load(tenant, session);
      } catch (error) {
        if (!(error instanceof EnforcementError) || error.code !== 'SESSION_CORRUPT') throw error;
        lost.push({ tenant, session, problem: error.message });
      }
    }
    return lost;
  }

  /** Sessions in memory, for operators' dumps: no value, argument or result is in it. */
  async snapshot(): Promise<readonly { tenant: string; session: string; seq: number; state: State }[]> {
    const sessions = await Promise.all([...this.#sessions.values()].map(({ loading }) => loading));
    return sessions.map(({ tenant, id, seq, state }) => ({ tenant, session: id, seq, state }));
  }

  /** Takes nothing new and waits until all that was begun is durable. */
  async close(): Promise<void> {
    this.#closed = true;
    const sessions = await Promise.allSettled([...this.#sessions.values()].map(({ loading }) => loading));
    await Promise.all(
      sessions.map((s) => s.status === 'fulfilled' && s.value.exclusively(async () => undefined)),
    );
  }

  /** What has to be on record before the next intent: the opening, a change of mode, a change of epoch. */
  #preparing(session: Session, principal: Principal, at: number): Input[] {
    const { surroundings } = this.#options;
    const environment = surroundings.environment();
    const epoch = surroundings.epoch(principal.tenant);
    const { state, tenant, id } = session;
    if (state.opening === null)
      return [{ kind: 'open', at, tenant, session: id, principal: principal.id, environment, epoch }];
    const inputs: Input[] = [];
    if (!sameEnvironment(state.environment, environment)) inputs.push({ kind: 'mode', at, environment });
    if (epoch > state.epoch) inputs.push({ kind: 'epoch', at, epoch });
    return inputs;
  }

  async #submit(session: Session, inputs: readonly Input[]) {
    try {
      return await session.submit(inputs);
    } catch (cause) {
      const { tenant, id } = session;
      this.#options.observer.unavailable({ tenant, session: id, cause });
      if (cause instanceof EnforcementError) {
        this.#sessions.delete(key(tenant, id));
        throw cause;
      }
      throw new EnforcementError(
        'EVIDENCE_UNAVAILABLE',
        'the evidence could not be made durable, so nothing was done',
        { cause },
      );
    }
  }

  #repeated(session: Session, input: IntentInput): Answer | undefined {
    const past = session.answers.get(input.certificate_id);
    if (past === undefined) return undefined;
    if (past.fingerprint === fingerprint(this.#options.crypto, input)) return past.answer;
    const problem = 'this request id was used before with other content; expected a new id for a new action';
    throw new EnforcementError('REQUEST_CONFLICT', problem);
  }

  async #sessionFor(principal: Principal, sid: string | null): Promise<Session> {
    if (this.#closed)
      throw new EnforcementError('CLOSED', 'the fabric is shutting down; retry against a running one');
    if (sid !== null) return this.#load(principal.tenant, sid);
    const owner = key(principal.tenant, principal.id);
    const now = this.#options.clock.now();
    const current = this.#running.get(owner) ?? this.#lastOf(principal);
    if (current !== undefined) {
      const session = await this.#load(principal.tenant, current).catch(ignoreCorrupt);
      if (session !== undefined && now - session.state.time <= this.#options.sessionIdleMs) {
        this.#running.set(owner, current);
        return session;
      }
    }
    const id = `${this.#ownPrefix(principal)}${now}`;
    this.#running.set(owner, id);
    return this.#load(principal.tenant, id);
  }

  /** The newest session without a `sid` that the journal has of a principal. */
  #lastOf(principal: Principal): string | undefined {
    let last: string | undefined;
    let newest = -1;
    const prefix = this.#ownPrefix(principal);
    for (const { tenant, session } of this.#options.journal.heads()) {
      if (tenant !== principal.tenant || !session.startsWith(prefix)) continue;
      const opened = Number(session.slice(prefix.length));
      if (opened > newest) [newest, last] = [opened, session];
    }
    return last;
  }

  /** Only for a certificate that has an outcome already: a large result is costly to digest, and `step` does so anyway. */
  #outcomeKey(outcome: OutcomeKind, result: JsonValue): string {
    return outcomeKey(outcome, result === null ? null : digestJson(this.#options.crypto, result));
  }

  /** By digest: a principal's id may have characters, or a length, that a session's may not. */
  #ownPrefix(principal: Principal): string {
    return `own-${digestJson(this.#options.crypto, principal.id).slice(0, 16)}@`;
  }

  async #existing(tenant: string, id: string): Promise<Session | undefined> {
    const known = this.#sessions.has(key(tenant, id)) || this.#options.journal.head(tenant, id) !== undefined;
    return known ? this.#load(tenant, id) : undefined;
  }

  #load(tenant: string, id: string): Promise<Session> {
    const name = key(tenant, id);
    const loading = this.#sessions.get(name)?.loading ?? this.#open(tenant, id);
    // Re-inserting keeps the map in order of use, so that the first entry is the one to let go.
    this.#sessions.delete(name);
    this.#sessions.set(name, { loading, used: performance.now() });
    loading.catch(() => this.#sessions.delete(name));
    if (this.#sessions.size > this.#options.maxSessions) void this.#evict();
    return loading;
  }

  async #open(tenant: string, id: string): Promise<Session> {
    const { crypto, bundle, journal, clock } = this.#options;
    const head = journal.head(tenant, id);
    if (head === undefined) return new Session(this.#options, tenant, id);
    const loaded = await loadSession(crypto, bundle, journal, head);
    const session = new Session(this.#options, tenant, id, loaded);
    const at = clock.now();
    if (loaded.bundle !== bundle.digest) await session.adoptBundle(at, loaded.certified);
    // What was allowed by a process that is gone: its outcome is unknown, and never guessed.
    const unknown = [...session.state.pending.keys()].map(
      (certificate_id): Input => ({
        kind: 'outcome',
        at,
        certificate_id,
        outcome: 'ambiguous',
        result: null,
      }),
    );
    if (unknown.length > 0) await this.#submit(session, unknown);
    return session;
  }

  async #evict(): Promise<void> {
    for (const [name, kept] of this.#sessions) {
      if (this.#sessions.size <= this.#options.maxSessions) return;
      if (performance.now() - kept.used < KEEP_MS) return;
      const session = await kept.loading.catch(() => undefined);
      if (session?.idle && session.state.pending.size === 0) this.#sessions.delete(name);
    }
  }
}

/** A session whose records were erased is over; its principal goes on in a new one. */
function ignoreCorrupt(error: unknown): undefined {
  if (error instanceof EnforcementError && error.code === 'SESSION_CORRUPT') return undefined;
  throw error;
}

function sameEnvironment(a: Environment, b: Environment): boolean {
  return (
    a.enforcement_mode === b.enforcement_mode && a.default_mode === b.default_mode && a.overlay === b.overlay
  );
}

function key(tenant: string, id: string): string {
  return `${tenant}\n${id}`;
}

function noSuchAction(certificate: string): EnforcementError {
  const problem = `expected the certificate of an allowed action without an outcome, came \`${certificate.slice(0, 64)}\``;
  return new EnforcementError('OUTCOME_REFUSED', problem);
}
