import type { LoadedBundle } from '@provability-fabric/policy';
import { isRecordSession } from '@provability-fabric/statements';
import { OpenTickets } from './approvals/left-waiting.ts';
import { EnforcementError } from './errors.ts';
import type { Journal, SessionHead } from './ports.ts';
import { corrupt, type ReadingTools, recordedIn } from './recorded-statements.ts';

/** A session that cannot go on; it stays refused, the others are served. */
export interface LostSession {
  readonly tenant: string;
  readonly session: string;
  readonly problem: string;
}

export interface SweepOptions extends ReadingTools {
  readonly journal: Journal;
  /** Whether the session is in memory, where nothing of an earlier process is open. */
  readonly isLoaded: (tenant: string, session: string) => boolean;
  /** Brings a session back, which marks what is open. */
  load(tenant: string, session: string): Promise<unknown>;
  readonly isOver: () => boolean;
  readonly now: () => number;
  /** Under which sessions are decided from now on. */
  readonly bundle: Pick<LoadedBundle, 'digest' | 'automata'>;
  pause(ms: number): Promise<void>;
}

/** For each unit of time at work, this many at rest: those who wait for a decision come first. */
const REST = 3;
const LONGEST_REST_MS = 250;

/**
 * Finds the sessions that an earlier process left an action open in, and brings those back. What their agents do in the
 * meantime needs none of it: a session is looked after when it is loaded, whoever comes first.
 */
export async function sweepSessions(options: SweepOptions): Promise<readonly LostSession[]> {
  const { journal, isLoaded, isOver, pause } = options;
  const lost: LostSession[] = [];
  for (const head of [...journal.heads()]) {
    const { tenant, session } = head;
    if (isRecordSession(session) || isLoaded(tenant, session)) continue;
    const started = performance.now();
    try {
      if (await isLeftOpen(options, head)) await options.load(tenant, session);
    } catch (error) {
      const problem = problemOf(error);
      if (problem !== undefined) lost.push({ tenant, session, problem });
    }
    await pause(Math.min(LONGEST_REST_MS, REST * (performance.now() - started)));
    if (isOver()) break;
  }
  return lost;
}

/**
 * Whether an allowed action has no outcome, a held one waits for somebody, or an obligation may be running. Nothing is
 * folded for it, which would cost several times as much.
 */
async function isLeftOpen(options: SweepOptions, head: SessionHead): Promise<boolean> {
  const open = new Set<string>();
  const mayOwe = options.bundle.automata.timed.length > 0;
  const tickets = new OpenTickets(options.now(), options.bundle.digest);
  for await (const stored of options.journal.readSession(head.tenant, head.session)) {
    if (stored.record === null)
      throw corrupt(head.session, `the input record of seq ${stored.seq} was erased`);
    const { statement } = recordedIn(options, head.session, stored);
    tickets.take(statement);
    if (statement.type === 'outcome-certificate') open.delete(statement.certificate_id);
    else if (statement.type === 'permission-certificate' && statement.effect === 'allow') {
      if (mayOwe) return true;
      open.add(statement.certificate_id);
    }
  }
  return open.size > 0 || tickets.any;
}

/** undefined for what passes by itself: the session is looked after when it is loaded next. */
function problemOf(error: unknown): string | undefined {
  if (error instanceof EnforcementError) return error.code === 'SESSION_CORRUPT' ? error.message : undefined;
  return error instanceof Error ? error.message : String(error);
}
