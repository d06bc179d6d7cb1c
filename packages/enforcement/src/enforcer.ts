import type { JsonValue } from '@provability-fabric/kernel';
import { type LoadedBundle, mayEverCall, type Principal, type State } from '@provability-fabric/policy';
import type { OutcomeKind } from '@provability-fabric/statements';
import { Approvals } from './approvals/approvals.ts';
import { type ConfirmingTools, confirmAnswer, confirmRecorded } from './confirm-answer.ts';
import {
  type AuthorizeRequest,
  type DecidingTools,
  decideRequest,
  preparingInputs,
} from './decide-request.ts';
import { EnforcementError } from './errors.ts';
import { findPast } from './find-past.ts';
import { existingSession, type FindingTools, requireAgentSession, sessionFor } from './find-session.ts';
import { type HidingRules, hidingFor } from './handles/hiding-rules.ts';
import type { Carrying } from './handles/own-actions.ts';
import { KeptSessions, nameOf } from './kept-sessions.ts';
import { LedgerGate, type LedgerSettings } from './ledger-gate.ts';
import { Obligations } from './obligations.ts';
import { openSession } from './open-session.ts';
import { OwnSessions } from './own-sessions.ts';
import type { Answer, PastAnswer } from './past-requests.ts';
import type { Clock, Leases, Observer, SessionArchive, Surroundings } from './ports.ts';
import type { ReadingTools } from './recorded-statements.ts';
import type { SecretBroker } from './secrets/ports.ts';
import { holdsSecret, searchedResult } from './secrets/search.ts';
import { SecretAnswers } from './secrets/secret-answers.ts';
import type { Session, SessionTools } from './session.ts';
import { noSuchAction, type Shown, settleOutcome } from './settle-outcome.ts';
import { type LostSession, sweepSessions } from './sweep.ts';
import { closed, UnderWay } from './under-way.ts';
import type { Usage } from './usage/ports.ts';
import { WakeablePause } from './wakeable-pause.ts';

/** Who reports an outcome: only the session's own principal may, or the host. */
export interface Reporter {
  readonly tenant: string;
  readonly principal: string | null;
}

export interface Authorized extends Answer, Carrying {
  readonly session: string;
}

export interface EnforcerOptions extends SessionTools, LedgerSettings, ReadingTools {
  readonly clock: Clock;
  readonly surroundings: Surroundings;
  readonly observer: Observer;
  /** How long a session without a `sid` lasts after its last action, in ms. */
  readonly sessionIdleMs: number;
  /** Sessions kept in memory; the least recently used come back from the journal when needed. A function is asked each time. */
  readonly maxSessions: number | (() => number);
  /**
   * Statements that the sessions in memory may have in all: what is remembered of a session grows with them, by 150 to
   * 600 bytes each. 200,000 unless said.
   */
  readonly maxStatements?: number | (() => number);
  /** Present where several fabrics share a ledger; then so are `archive` and `ledgered`. */
  readonly leases?: Leases;
  readonly archive?: SessionArchive;
  /** Where limits are counted that sessions share; without it what they count is refused. */
  readonly usage?: Usage;
  /** Where secrets are had from; without it none is used, and nothing is searched for any. */
  readonly secrets?: SecretBroker;
}

const DEFAULT_MAX_STATEMENTS = 200_000;

/** Loads, asks `step`, commits, answers. Decides nothing itself. */
export class Enforcer {
  readonly #options: EnforcerOptions;
  readonly #gate: LedgerGate;
  readonly #sessions: KeptSessions;
  readonly #own: OwnSessions;
  readonly #obligations: Obligations;
  /** Actions that wait for somebody to decide about them. */
  readonly approvals: Approvals;
  readonly #finding: FindingTools;
  readonly #deciding: DecidingTools;
  readonly #confirming: ConfirmingTools;
  readonly #secrets: SecretAnswers;
  #bundle: LoadedBundle;
  /** Under which fence each session's newest statements were decided. */
  readonly #fences = new Map<string, number>();
  readonly #underWay = new UnderWay();
  /** Set once nothing new is taken. */
  #closed = false;
  #sweeping: Promise<unknown> = Promise.resolve();
  readonly #pause = new WakeablePause();

  constructor(options: EnforcerOptions) {
    const { maxSessions, maxStatements = DEFAULT_MAX_STATEMENTS, surroundings, clock, crypto } = options;
    this.#options = options;
    this.#bundle = options.bundle;
    this.#gate = new LedgerGate(options, () => this.#bundle.ir.assurance === 'high');
    this.#own = new OwnSessions(options);
    const fenced = (tenant: string, session: string, fence: number) =>
      void this.#fences.set(nameOf(tenant, session), fence);
    const opening = { ...options, gate: this.#gate, fenced };
    this.#sessions = new KeptSessions({
      open: async (tenant, id, goesOn) => {
        requireAgentSession(id);
        const session = await openSession({ ...opening, bundle: this.#bundle }, tenant, id, goesOn);
        this.approvals.note(session);
        return session;
      },
      isCurrent: (session) => session.bundle === this.#bundle.digest,
      most: asked(maxSessions),
      mostStatements: asked(maxStatements),
      mayLeave: async ({ lastIndex }) => options.leases === undefined || this.#gate.has(lastIndex),
      left: (session) => this.#release(session),
    });
    this.#obligations = new Obligations({
      now: () => clock.now(),
      tick: (tenant, id) => this.#underWay.run(() => this.#tick(tenant, id)),
    });
    this.#finding = { ...options, sessions: this.#sessions, own: this.#own };
    const recall = (session: Session, certificate: string) => this.#recall(session, certificate);
    this.#deciding = {
      ...{ crypto, clock, surroundings, recall, observer: options.observer },
      ...(options.usage === undefined ? {} : { usage: options.usage }),
    };
    const within: ConfirmingTools['within'] = (session, work) => this.#within(session, work);
    this.#confirming = { gate: this.#gate, clock, observer: options.observer, within };
    this.#secrets = new SecretAnswers({ ...this.#confirming, broker: options.secrets });
    this.approvals = new Approvals({
      ...options,
      bundle: () => this.#bundle,
      find: (tenant, id) => existingSession(this.#finding, tenant, id),
      within,
      run: (work) => this.#underWay.run(work),
      requireEvidence: (tenant, id) => this.#requireEvidence(tenant, id),
      confirm: (session) => confirmRecorded(this.#confirming, session),
    });
  }

  mayEverCall(principal: Principal, tool: string): boolean {
    const { surroundings, clock } = this.#options;
    const environment = surroundings.environment();
    return mayEverCall(this.#bundle, principal, tool, { environment, at: clock.now() });
  }

  /** How results are hidden from an agent; undefined where it sees all of them. */
  hiding(principal: Principal): HidingRules | undefined {
    return hidingFor(this.#bundle, (tool) => this.mayEverCall(principal, tool));
  }

  /**
   * From now on this bundle is in force. Each session is folded anew under it before its next action, and what is under
   * way in it goes on.
   */
  adopt(bundle: LoadedBundle): void {
    this.#bundle = bundle;
  }

  /** Decides an action and makes the decision durable before answering. Rejects with an EnforcementError; then nothing is allowed. */
  authorize(request: AuthorizeRequest): Promise<Authorized> {
    return this.#underWay.run(() => this.#authorize(request));
  }

  async #authorize(request: AuthorizeRequest): Promise<Authorized> {
    const started = performance.now();
    const { principal, action } = request;
    this.#requireEvidence(principal.tenant, request.session);
    const searched = await this.#secrets.searched(request);
    const session = await this.#sessionFor(principal, request.session);
    const decided = await this.#within(session, () => decideRequest(this.#deciding, session, searched));
    const { past, decision, stepMs, carries } = decided;
    await confirmAnswer(this.#confirming, session, past);
    // The fabric's own answer is on record after the decision.
    if (carries.answer !== undefined) await confirmRecorded(this.#confirming, session);
    if (decision !== undefined) {
      this.#options.observer.decided({
        tenant: session.tenant,
        session: session.id,
        principal: principal.id,
        certificateId: past.answer.certificateId,
        action: action.kind,
        target: searched.action.target,
        decision,
        stepMs,
        latencyMs: performance.now() - started,
      });
    }
    return { ...(await this.#secrets.answerTo(session, request, decided)), session: session.id };
  }

  /** Whether anything is searched for secrets at all. */
  get searchesSecrets(): boolean {
    return this.#options.secrets !== undefined;
  }

  /** Whether something holds a secret that goes on no record; where nobody can look, it does. */
  holdsSecret(tenant: string, value: JsonValue): Promise<boolean> {
    return holdsSecret(this.#options.secrets, tenant, value);
  }

  /** Whether whoever is answered here may be given values that the agent must not have. */
  get usesSecrets(): boolean {
    return this.#bundle.ir.secrets !== undefined;
  }

  /**
   * Records what came of an allowed action; the result may be shown only after this resolves. `principal` null: the host
   * reports, who answers for all agents of the tenant. A repeat of the same report is taken as done. However far the
   * ledger is behind, an outcome is recorded: what has happened must not be lost. Resolves with what the agent may see of
   * the result.
   */
  settle(
    reporter: Reporter,
    sessionId: string,
    certificateId: string,
    outcome: OutcomeKind,
    result: JsonValue,
  ): Promise<Shown> {
    return this.#underWay.run(() => this.#settle(reporter, sessionId, certificateId, outcome, result));
  }

  async #settle(
    { tenant, principal }: Reporter,
    sessionId: string,
    certificateId: string,
    outcome: OutcomeKind,
    result: JsonValue,
  ): Promise<Shown> {
    const session = await existingSession(this.#finding, tenant, sessionId);
    if (session === undefined) throw noSuchAction(certificateId);
    const searched = await searchedResult(this.#options.secrets, tenant, result);
    const report = { principal, certificateId, outcome, ...searched };
    const { isNew, shown } = await this.#within(session, () =>
      settleOutcome(this.#deciding, session, report),
    );
    await confirmRecorded(this.#confirming, session);
    if (isNew) this.#options.observer.settled({ tenant, session: sessionId, certificateId, outcome });
    return shown;
  }

  /** Adds to the trusted prompt of a session. Only the host may call this: the agent lacks the credential. */
  prompt(principal: Principal, sessionId: string | null, text: string): Promise<string> {
    return this.#underWay.run(() => this.#prompt(principal, sessionId, text));
  }

  async #prompt(principal: Principal, sessionId: string | null, text: string): Promise<string> {
    this.#requireEvidence(principal.tenant, sessionId);
    const session = await this.#sessionFor(principal, sessionId);
    await this.#within(session, () => {
      const at = this.#options.clock.now();
      const before = preparingInputs(this.#options.surroundings, session, principal, at);
      return session.submit([...before, { kind: 'prompt', at, text }]);
    });
    await confirmRecorded(this.#confirming, session);
    return session.id;
  }

  /**
   * Looks through the journal, at leisure and until `close`, for sessions that an earlier process left an action open in,
   * and marks it, and for those where something is due or waits for somebody. Nobody has to wait for this: a session that is used before is looked after then. Resolves with those
   * that cannot go on (their records were erased): each stays refused, the others are served.
   */
  recover(): Promise<readonly LostSession[]> {
    const sweep = sweepSessions({
      ...this.#options,
      isLoaded: (tenant, session) => this.#sessions.has(tenant, session),
      load: async (tenant, session) => this.#watch(await this.#sessions.load(tenant, session)),
      isOver: () => this.#closed,
      now: () => this.#options.clock.now(),
      bundle: this.#bundle,
      pause: (ms) => this.#pause.of(ms),
    });
    this.#sweeping = sweep.catch(() => undefined);
    return sweep;
  }

  /** The fence under which what the journal has of a session, and the ledger has not, was decided. */
  fenceOf(tenant: string, session: string): number | undefined {
    return this.#fences.get(nameOf(tenant, session));
  }

  /** Sessions in memory, for operators' dumps: no value, argument or result is in it. */
  async snapshot(): Promise<readonly { tenant: string; session: string; seq: number; state: State }[]> {
    const sessions = await this.#sessions.all();
    return sessions.map(({ tenant, id, seq, state }) => ({ tenant, session: id, seq, state }));
  }

  /**
   * Takes nothing new and waits until all that was begun is durable. Then gives its sessions away, each once the ledger
   * has all of it: what ships the journal, and the leases, are closed after this.
   */
  async close(): Promise<void> {
    this.#closed = true;
    this.#pause.wake();
    await this.#sweeping;
    await this.#obligations.close();
    await this.#underWay.end();
    const sessions = await this.#sessions.all();
    await Promise.all(sessions.map((session) => session.end()));
    if (this.#options.leases === undefined) return;
    // One that the ledger does not get in time stays this fabric's: its next start ships the rest.
    await Promise.allSettled(
      sessions.map(async (session) => {
        await this.#gate.reached(session.lastIndex);
        await this.#release(session);
      }),
    );
  }

  #requireEvidence(tenant: string, session: string | null): void {
    const problem = this.#gate.problem();
    if (problem === undefined) return;
    this.#options.observer.unavailable({ tenant, session: session ?? '', cause: problem });
    throw problem;
  }

  async #within<T>(session: Session, work: () => Promise<T>): Promise<T> {
    try {
      return await session.exclusively(work);
    } catch (error) {
      const isOver =
        error instanceof EnforcementError &&
        (error.code === 'SESSION_CORRUPT' || error.code === 'SESSION_ELSEWHERE');
      if (isOver) this.#sessions.drop(session);
      throw error;
    } finally {
      this.#watch(session);
    }
  }

  #watch(session: Session): void {
    this.approvals.note(session);
    // Of one that is another's now, its owner keeps watch.
    this.#obligations.note(session.tenant, session.id, session.held ? session.deadline : undefined);
  }

  /** Records that time has passed where that makes an obligation overdue, and tells of it. */
  async #tick(tenant: string, id: string): Promise<void> {
    const session = await this.#sessions.load(tenant, id);
    const output = await this.#within(session, async () => {
      const at = this.#options.clock.now();
      if (session.deadline === undefined || at <= session.deadline) return undefined;
      return (await session.submit([{ kind: 'tick', at }])).outputs.at(-1);
    });
    if (output?.kind !== 'ticked') return;
    for (const each of output.overdue) this.#options.observer.overdue({ tenant, session: id, ...each });
  }

  #sessionFor(principal: Principal, sid: string | null): Promise<Session> {
    if (this.#closed) throw closed();
    return sessionFor(this.#finding, principal, sid);
  }

  #recall({ tenant, id }: Session, certificate: string): Promise<PastAnswer | undefined> {
    return findPast(this.#options, id, this.#options.journal.readSession(tenant, id), certificate);
  }

  async #release({ tenant, id }: Session): Promise<void> {
    const { leases } = this.#options;
    if (leases === undefined) return;
    this.#fences.delete(nameOf(tenant, id));
    await leases.release(tenant, id);
    await this.#own.left(tenant, id);
  }
}

function asked(setting: number | (() => number)): () => number {
  return typeof setting === 'number' ? () => setting : setting;
}
