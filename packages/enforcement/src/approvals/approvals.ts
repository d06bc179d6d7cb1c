import type { JsonValue } from '@provability-fabric/kernel';
import {
  type ApprovalDecision,
  type Approver,
  approve,
  type LoadedBundle,
  OPEN_MS,
  type OpenTicket,
  rulesOf,
  type TicketStatus,
  ticketStatus,
} from '@provability-fabric/policy';
import { preparingInputs } from '../decide-request.ts';
import { EnforcementError } from '../errors.ts';
import type { Clock, Journal, Observer, Surroundings } from '../ports.ts';
import type { ReadingTools } from '../recorded-statements.ts';
import type { Session } from '../session.ts';
import { argumentsOf } from './held-arguments.ts';
import { type HeldSession, HeldSessions } from './held-sessions.ts';

/** An action that waits for somebody, as far as its tenant may know of it. */
export interface HeldAction {
  readonly ticket: string;
  readonly session: string;
  /** Who asks. */
  readonly principal: string;
  readonly kind: string;
  readonly target: string;
  readonly certificateId: string;
  readonly clauses: readonly string[];
  readonly status: TicketStatus;
  /** ms since the epoch: when it was asked for, and until when somebody may decide. */
  readonly asked: number;
  readonly expires: number;
  readonly decisions: readonly { readonly approver: string; readonly decision: ApprovalDecision }[];
}

export interface HeldActionDetails extends HeldAction {
  /** Exactly what is asked for: whoever approves has to see it. */
  readonly args: JsonValue;
  /** Of each clause, who may approve and how many have to. */
  readonly approvers: readonly {
    readonly approvals: number;
    readonly roles: readonly string[];
    readonly ids: readonly string[];
    readonly within_ms: number;
  }[];
}

export interface ApprovalRequest {
  readonly ticket: string;
  /** Where the ticket is; null: as far as it is known here. */
  readonly session: string | null;
  readonly approver: Approver;
  readonly decision: ApprovalDecision;
  /** The epoch that the approver's credential is of. */
  readonly epoch: number;
}

export interface Approving {
  readonly ticket: string;
  readonly session: string;
  readonly status: TicketStatus;
}

export interface ApprovalsOptions extends ReadingTools {
  readonly clock: Clock;
  readonly surroundings: Surroundings;
  readonly observer: Pick<Observer, 'approval'>;
  readonly journal: Pick<Journal, 'readSession'>;
  /** In force now. */
  readonly bundle: () => LoadedBundle;
  /** undefined for a session that never was. */
  find(tenant: string, session: string): Promise<Session | undefined>;
  within<T>(session: Session, work: () => Promise<T>): Promise<T>;
  /** Counts as work that a shutdown waits for. */
  run<T>(work: () => Promise<T>): Promise<T>;
  requireEvidence(tenant: string, session: string): void;
  /** Resolves once what is on record may be answered. */
  confirm(session: Session): Promise<void>;
}

/** What is held, and what people say about it. Whether that is enough is decided when the action is asked for again. */
export class Approvals {
  readonly #options: ApprovalsOptions;
  readonly #held = new HeldSessions();

  constructor(options: ApprovalsOptions) {
    this.#options = options;
  }

  /** To be told whenever a session may have moved. */
  note(session: Pick<Session, 'tenant' | 'id' | 'bundle' | 'state'>): void {
    this.#held.note(session);
  }

  /** Oldest first; of the sessions that this fabric knows of. */
  list(tenant: string, most: number): readonly HeldAction[] {
    const listed: HeldAction[] = [];
    for (const [held, ticket, open] of [...this.#open(tenant)].sort(
      ([, , a], [, , b]) => a.asked - b.asked,
    )) {
      const action = this.#describe(held, ticket, open);
      if (action.status !== 'lapsed') listed.push(action);
      if (listed.length >= most) break;
    }
    return listed;
  }

  /** undefined where nothing of the tenant's is held under that ticket. */
  show(tenant: string, ticket: string): Promise<HeldActionDetails | undefined> {
    return this.#options.run(async () => {
      const [held, , open] = this.#find(tenant, ticket) ?? [];
      if (held === undefined || open === undefined) return undefined;
      const statements = this.#options.journal.readSession(tenant, held.session);
      const args = await argumentsOf(this.#options, held.session, statements, open.certificate_id);
      if (args === undefined) return undefined;
      const approvers = rulesOf(this.#options.bundle(), open).map(
        ({ approvals, approvers: { roles, ids }, within_ms }) => ({ approvals, roles, ids, within_ms }),
      );
      return { ...this.#describe(held, ticket, open), args, approvers };
    });
  }

  /**
   * Puts on record what somebody says about a held action; the same again is taken as said. Throws TICKET_UNKNOWN,
   * TICKET_DECIDED or APPROVER_REFUSED, and then nothing is on record.
   */
  decide(request: ApprovalRequest): Promise<Approving> {
    return this.#options.run(() => this.#decide(request));
  }

  async #decide({ ticket, session: named, approver, decision, epoch }: ApprovalRequest): Promise<Approving> {
    const { tenant } = approver;
    const { surroundings, clock, observer, within } = this.#options;
    if (epoch !== surroundings.epoch(tenant)) {
      throw new EnforcementError(
        'APPROVER_REFUSED',
        'expected a credential of the epoch in force; get a new one',
      );
    }
    const id = named ?? this.#find(tenant, ticket)?.[0].session;
    if (id === undefined) throw unknownTicket();
    this.#options.requireEvidence(tenant, id);
    const session = await this.#options.find(tenant, id);
    if (session === undefined) throw unknownTicket();
    const done = await within(session, async () => {
      const at = clock.now();
      // A higher epoch ends the ticket, so it has to be on record first.
      const before = preparingInputs(
        surroundings,
        session,
        { id: '', roles: [], org: tenant, tenant, attributes: {} },
        at,
      );
      if (session.state.opening === null || !session.state.holds.has(ticket)) throw unknownTicket();
      if (before.length > 0) await session.submit(before);
      const ruling = approve(session.rules, session.state, { at, ticket, approver, decision });
      if (ruling.kind === 'refused')
        throw new EnforcementError(ruling.code, `${ruling.problem}; nothing is on record`);
      if (ruling.kind === 'taken')
        await session.submit([{ kind: 'approval', at, ticket, approver, decision }]);
      const open = session.state.holds.get(ticket) as OpenTicket;
      const status = ticketStatus(session.rules, open, session.state.time);
      return { isNew: ruling.kind === 'taken', target: open.target, status };
    });
    await this.#options.confirm(session);
    const { isNew, target, status } = done;
    if (isNew)
      observer.approval({ tenant, session: id, ticket, target, approver: approver.id, decision, status });
    return { ticket, session: id, status };
  }

  *#open(tenant: string): Generator<readonly [HeldSession, string, OpenTicket]> {
    const bundle = this.#options.bundle().digest;
    const epoch = this.#options.surroundings.epoch(tenant);
    for (const held of this.#held.of(tenant)) {
      if (held.bundle !== bundle || held.epoch !== epoch) continue;
      for (const [ticket, open] of held.tickets) yield [held, ticket, open];
    }
  }

  #find(tenant: string, wanted: string): readonly [HeldSession, string, OpenTicket] | undefined {
    for (const found of this.#open(tenant)) if (found[1] === wanted) return found;
    return undefined;
  }

  #describe({ session, principal }: HeldSession, ticket: string, open: OpenTicket): HeldAction {
    const { kind, target, certificate_id: certificateId, clauses, asked, decisions } = open;
    return {
      ticket,
      session,
      principal,
      kind,
      target,
      certificateId,
      clauses,
      status: ticketStatus(this.#options.bundle(), open, this.#options.clock.now()),
      asked,
      expires: asked + OPEN_MS,
      decisions: decisions.map(({ approver, decision }) => ({ approver: approver.id, decision })),
    };
  }
}

function unknownTicket(): EnforcementError {
  const problem = 'expected the ticket of an action of this tenant that is held now, came another';
  return new EnforcementError('TICKET_UNKNOWN', problem);
}
