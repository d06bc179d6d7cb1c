import type { ScannedStatement } from '@provability-fabric/evidence';
import type {
  Effect,
  GovernedChangeKind,
  Mode,
  OutcomeKind,
  PermissionCertificate,
  SecretAccessResult,
} from '@provability-fabric/statements';
import { glance } from '../evidence/glance.ts';
import { isWithin, type TimeRange } from '../times.ts';
import { Counted } from './most-frequent.ts';

export interface Selection {
  readonly tenant?: string;
  readonly session?: string;
  readonly range: TimeRange;
  /** How many tools and principals are named. */
  readonly top: number;
}

/** What an action got: an effect each, and how many of the allowed ones were only let through by a mode. */
interface Answers {
  allow: number;
  hold: number;
  block: number;
  let_through: number;
}

/** A clause's violations, by the mode that the clause was in: what monitor mode is for. */
interface Violations {
  shadow: number;
  monitor: number;
  enforce: number;
}

export interface ClauseStats extends Readonly<Violations> {
  /** null: no clause permits the action, or the check has none. */
  readonly clause: string | null;
  readonly code: string;
  readonly check: string;
  readonly total: number;
}

export interface Stats {
  readonly statements: number;
  readonly sessions: number;
  /** Of the first and last decision, in time. */
  readonly first: string | null;
  readonly last: string | null;
  readonly decisions: {
    readonly total: number;
    readonly effect: Readonly<Record<Effect, number>>;
    readonly verdict: Readonly<Record<PermissionCertificate['verdict'], number>>;
    readonly mode: Readonly<Record<Mode | 'disabled', number>>;
    /** Allowed although something was found: what enforcing would have stopped. */
    readonly let_through: number;
  };
  readonly outcomes: Readonly<Record<OutcomeKind, number>>;
  /** To secrets, by what came of them. */
  readonly accesses: Readonly<Record<SecretAccessResult, number>>;
  /** Steps of governed changes, by their kind; those that there are. */
  readonly changes: Readonly<Partial<Record<GovernedChangeKind, number>>>;
  readonly clauses: readonly ClauseStats[];
  readonly tools: Ranking;
  readonly principals: Ranking;
}

export interface Ranking {
  readonly named: readonly (Readonly<Answers> & { readonly name: string; readonly total: number })[];
  /** How many more there are. */
  readonly others: number;
}

/** Counts what was decided, in one reading of the log and in memory that does not grow with it. */
export async function countDecisions(
  statements: AsyncIterable<ScannedStatement>,
  { tenant, session, range, top }: Selection,
): Promise<Stats> {
  const sessions = new Set<string>();
  const effect = { allow: 0, hold: 0, block: 0 };
  const verdict = { accept: 0, hold: 0, reject: 0, error: 0 };
  const mode = { shadow: 0, monitor: 0, enforce: 0, disabled: 0 };
  const outcomes = { done: 0, failed: 0, ambiguous: 0 };
  const accesses = { STARTED: 0, SUCCESS: 0, FAILURE: 0, DENIED: 0 };
  const changes: Partial<Record<GovernedChangeKind, number>> = {};
  const clauses = new Counted<Violations>(() => ({ shadow: 0, monitor: 0, enforce: 0 }));
  const tools = new Counted<Answers>(noAnswers);
  const principals = new Counted<Answers>(noAnswers);
  let counted = 0;
  let letThrough = 0;
  let first: string | null = null;
  let last: string | null = null;

  for await (const scanned of statements) {
    if (tenant !== undefined && scanned.tenant !== tenant) continue;
    if (session !== undefined && scanned.session !== session) continue;
    const statement = glance(scanned);
    if (!isWithin(range, statement.issued_at)) continue;
    counted += 1;
    sessions.add(JSON.stringify([scanned.tenant, scanned.session]));
    if (statement.type === 'secret-access') accesses[statement.result] += 1;
    if (statement.type === 'governed-change') changes[statement.kind] = (changes[statement.kind] ?? 0) + 1;
    if (statement.type === 'outcome-certificate') outcomes[statement.outcome] += 1;
    if (statement.type !== 'permission-certificate') continue;
    effect[statement.effect] += 1;
    verdict[statement.verdict] += 1;
    mode[statement.mode] += 1;
    if (first === null || statement.issued_at < first) first = statement.issued_at;
    if (last === null || statement.issued_at > last) last = statement.issued_at;
    const weakened = statement.effect === 'allow' && statement.verdict !== 'accept';
    if (weakened) letThrough += 1;
    for (const counts of [
      tools.of(`${statement.action.kind} ${statement.action.target}`),
      principals.of(`${statement.principal.id} of ${statement.tenant}`),
    ]) {
      counts[statement.effect] += 1;
      if (weakened) counts.let_through += 1;
    }
    for (const reason of onePerClause(statement)) clauses.of(nameOf(reason))[reason.mode] += 1;
  }
  const total = effect.allow + effect.hold + effect.block;
  return {
    statements: counted,
    sessions: sessions.size,
    first,
    last,
    decisions: { total, effect, verdict, mode, let_through: letThrough },
    outcomes,
    accesses,
    changes,
    clauses: clauses.greatest(Number.POSITIVE_INFINITY, sum).rows.map(([name, counts]) => {
      const [clause, code, check] = JSON.parse(name) as [string | null, string, string];
      return { clause, code, check, ...counts, total: sum(counts) };
    }),
    tools: ranking(tools, top),
    principals: ranking(principals, top),
  };
}

type Reason = PermissionCertificate['reasons'][number];

/** A clause that finds several things in one action is violated once. */
function onePerClause({ reasons }: Pick<PermissionCertificate, 'reasons'>): readonly Reason[] {
  if (reasons.length < 2) return reasons;
  const seen = new Set<string>();
  return reasons.filter((reason) => {
    const name = nameOf(reason);
    return seen.has(name) ? false : seen.add(name);
  });
}

function nameOf({ clause, code, check }: Reason): string {
  return JSON.stringify([clause, code, check]);
}

function noAnswers(): Answers {
  return { allow: 0, hold: 0, block: 0, let_through: 0 };
}

function sum({ shadow, monitor, enforce }: Violations): number {
  return shadow + monitor + enforce;
}

function ranking(counted: Counted<Answers>, top: number): Ranking {
  const all = ({ allow, hold, block }: Answers) => allow + hold + block;
  const { rows, others, rest } = counted.greatest(top, all);
  const named = rows.map(([name, counts]) => ({ name, ...counts, total: all(counts) }));
  if (rest !== null) named.push({ name: '(too many to tell apart)', ...rest, total: all(rest) });
  return { named, others };
}
