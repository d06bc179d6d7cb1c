import type { ChainedStatement, SessionRecord } from '@provability-fabric/statements';
import type { Verification, VerifiedEvent } from './verify-evidence.ts';

type Status = 're-derived' | 'facts trusted' | 'signature only' | 'failed';

/** One event as people read it. */
export interface EventSummary {
  readonly entry: number;
  readonly tenant: string;
  readonly session: string;
  readonly seq: number;
  readonly at: string;
  /** `call`, `read`, `outcome`, what a session record notes, what was done with a secret: `READ`, …, or a step of a
   * governed change: `change-applied`, …. */
  readonly what: string;
  readonly target: string;
  /** `accept`, …; of an outcome `done`, …; of an access `SUCCESS`, …; of a change what refused it, or what
   * its policy says; null for what is only noted. */
  readonly verdict: string | null;
  readonly effect: string | null;
  readonly status: Status;
  /** Why it could not be derived anew; null where it was. */
  readonly because: string | null;
}

export function summarise({ events }: Verification): readonly EventSummary[] {
  const targets = new Map<string, string>();
  return events.map((event) => {
    const { statement } = event.entry;
    const { tenant, session, seq, issued_at: at } = statement;
    return {
      entry: event.entry.place.entry,
      tenant,
      session,
      seq,
      at,
      ...described(statement, targets),
      ...standingOf(event),
    };
  });
}

export function countByStatus(events: readonly EventSummary[]): Readonly<Record<Status, number>> {
  const counts = { 're-derived': 0, 'facts trusted': 0, 'signature only': 0, failed: 0 };
  for (const { status } of events) counts[status] += 1;
  return counts;
}

function standingOf({ standing, failed }: VerifiedEvent): Pick<EventSummary, 'status' | 'because'> {
  const because = standing.status === 're-derived' ? null : standing.because;
  return { status: failed ? 'failed' : standing.status, because };
}

/** `targets` remembers what each certificate was about, for the outcomes that name it. */
function described(
  statement: ChainedStatement,
  targets: Map<string, string>,
): Pick<EventSummary, 'what' | 'target' | 'verdict' | 'effect'> {
  const of = (certificate: string) => JSON.stringify([statement.tenant, statement.session, certificate]);
  switch (statement.type) {
    case 'permission-certificate': {
      const { action, verdict, effect, certificate_id: id } = statement;
      targets.set(of(id), action.target);
      return { what: action.kind, target: action.target, verdict, effect };
    }
    case 'outcome-certificate': {
      const { certificate_id: id, outcome } = statement;
      return { what: 'outcome', target: targets.get(of(id)) ?? id, verdict: outcome, effect: null };
    }
    case 'session-record': {
      const target = noted(statement);
      return { what: statement.kind, target, verdict: null, effect: null };
    }
    case 'secret-access': {
      const { action, secret, result } = statement;
      return { what: action, target: secret, verdict: result, effect: null };
    }
    case 'governed-change': {
      const { kind, manifest, error_code, verdict } = statement;
      return { what: kind, target: manifest ?? '', verdict: error_code ?? verdict, effect: null };
    }
  }
}

function noted({ kind, bundle, epoch, mode }: SessionRecord): string {
  switch (kind) {
    case 'open':
    case 'bundle':
      return `${bundle.name} version ${bundle.version}`;
    case 'mode':
      return mode;
    case 'epoch':
      return `${epoch}`;
    default:
      return '';
  }
}
