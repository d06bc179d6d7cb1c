import type {
  ApprovalEvent,
  DecidedEvent,
  Observer,
  OverdueEvent,
  SettledEvent,
} from '@provability-fabric/enforcement';
import type { Logger } from 'pino';

/** What the HTTP gateway's metrics want to hear of. */
export interface DecisionMetrics {
  recordDecision(event: DecidedEvent): void;
  recordUnavailable(): void;
  recordOverdue(): void;
  recordApproval(decision: ApprovalEvent['decision']): void;
}

/** Logs and counts what was decided: codes, clauses and certificate ids, never an argument, a result or a prompt. */
export function observeDecisions(
  log: Logger,
  metrics: DecisionMetrics,
  /** Whether plainly accepted decisions are left out of the log; they are counted and certified all the same. */
  isBrief: () => boolean,
): Observer {
  return {
    decided(event) {
      metrics.recordDecision(event);
      const { decision, certificateId, tenant, session, principal, action, target, latencyMs } = event;
      const tags = tagsOf(event);
      if (tags.length === 0 && decision.effect === 'allow' && isBrief()) return;
      const level = decision.effect !== 'allow' || tags.length > 0 ? 'warn' : 'info';
      log[level](
        {
          event: 'decision',
          tags,
          tenant,
          session,
          principal,
          action,
          target,
          verdict: decision.verdict,
          effect: decision.effect,
          mode: decision.mode,
          reasons: decision.reasons.map(({ code, clause, severity }) => ({ code, clause, severity })),
          ...(decision.expired.length > 0 && { expired_clauses: decision.expired }),
          ...(decision.ticket !== null && { ticket: decision.ticket }),
          certificate_id: certificateId,
          latency_ms: Math.round(latencyMs * 1000) / 1000,
        },
        decision.effect,
      );
    },
    settled({ tenant, session, certificateId, outcome }: SettledEvent) {
      log.debug(
        { event: 'outcome', tags: [], tenant, session, certificate_id: certificateId, outcome },
        outcome,
      );
    },
    overdue({ tenant, session, clause, since }: OverdueEvent) {
      metrics.recordOverdue();
      log.warn(
        {
          event: 'obligation_overdue',
          tags: ['POLICY_VIOLATION'],
          tenant,
          session,
          clause,
          since: new Date(since).toISOString(),
        },
        `what the clause ${clause} asks for was not done in time`,
      );
    },
    approval({ tenant, session, ticket, target, approver, decision, status }: ApprovalEvent) {
      metrics.recordApproval(decision);
      const details = { tenant, session, ticket, target, approver, decision, status };
      log.warn({ event: 'approval', tags: ['APPROVAL'], ...details }, `${decision} ${ticket}`);
    },
    unavailable({ tenant, session, cause }) {
      metrics.recordUnavailable();
      const problem = cause instanceof Error ? cause.message : 'unknown';
      log.error(
        { event: 'evidence_unavailable', tags: ['ERROR', 'REJECT'], tenant, session, problem },
        'evidence unavailable',
      );
    },
  };
}

/** The words that operators grep for (CONTRACTS §7). */
function tagsOf({ decision }: DecidedEvent): readonly string[] {
  const tags: string[] = [];
  if (decision.verdict !== 'accept')
    tags.push('REJECT', decision.effect === 'allow' ? 'POLICY_VIOLATION' : 'BLOCKED_ACTION');
  if (decision.verdict === 'error') tags.push('ERROR');
  if (decision.effect === 'allow' && decision.ticket !== null) tags.push('OVERRIDE');
  if (decision.mode === 'disabled') tags.push('BYPASS');
  return tags;
}
