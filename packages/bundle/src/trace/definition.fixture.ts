import type { EventClass, TracePattern } from '@provability-fabric/policy';
import type { Happening } from './history.fixture.ts';

// What each pattern means, said over positions in the whole trace and without any automaton.

/** An event that was asked for. */
interface Asked {
  readonly at: number;
  readonly time: number;
  readonly event: Extract<Happening, { kind: 'ask' }>;
  /** It went ahead, and did not violate the clause. */
  counted: boolean;
  /** Went ahead at all. */
  allowed: boolean;
  /** Position of its outcome `done`. */
  done: number;
  settled: boolean;
}

/** What one clause says at each position; `allowed` says which events went ahead. */
export class Definition {
  readonly #pattern: TracePattern;
  readonly #asked: Asked[] = [];
  readonly #reported = new Set<number>();

  constructor(pattern: TracePattern) {
    this.#pattern = pattern;
  }

  violates(at: number, time: number, event: Asked['event']): boolean {
    const now: Asked = { at, time, event, counted: false, allowed: false, done: Infinity, settled: false };
    this.#asked.push(now);
    return this.#isViolation(now);
  }

  get isObligation(): boolean {
    return this.#pattern.kind === 'after_then';
  }

  /** Whether an obligation is overdue and this event meets it. */
  waitsFor(at: number, time: number, event: Asked['event']): boolean {
    const p = this.#pattern;
    const now: Asked = { at, time, event, counted: false, allowed: false, done: Infinity, settled: false };
    if (p.kind !== 'after_then' || !surely(p.response, now)) return false;
    return this.#unmet(at).some((each) => this.#deadline(each) < time);
  }

  wentAhead(counted: boolean, allowed: boolean): void {
    const last = this.#asked.at(-1) as Asked;
    last.counted = counted;
    last.allowed = allowed;
  }

  settle(which: number, outcome: string, at: number): void {
    const event = this.#asked.at(-1 - which);
    if (event === undefined || event.settled || !event.allowed) return;
    event.settled = outcome !== 'ambiguous';
    if (outcome === 'done') event.done = at;
  }

  /** When what is overdue at this time ought to have been done; each time of waiting is told of once. */
  overdue(at: number, time: number): number | null {
    const first = this.#unmet(at)[0];
    if (first === undefined || this.#deadline(first) >= time || this.#reported.has(first.at)) return null;
    this.#reported.add(first.at);
    return this.#deadline(first);
  }

  #isViolation(now: Asked): boolean {
    const p = this.#pattern;
    const before = this.#asked.filter(({ at, counted }) => at < now.at && counted);
    switch (p.kind) {
      case 'never':
        return possibly(p.never, now);
      case 'only_after':
        return possibly(p.only, now) && !before.some((each) => surely(p.after, each) && each.done < now.at);
      case 'after_never':
        return (
          possibly(p.never, now) &&
          before.some(
            (begin) =>
              possibly(p.after, begin) &&
              !before.some(
                (end) =>
                  begin.at < end.at &&
                  end.done < now.at &&
                  p.until !== null &&
                  surely(p.until, end) &&
                  !possibly(p.after, end),
              ),
          )
        );
      case 'at_most':
        return possibly(p.of, now) && before.filter((each) => possibly(p.of, each)).length >= p.most;
      case 'after_then':
        return (
          !surely(p.response, now) && this.#unmet(now.at).some((each) => this.#deadline(each) < now.time)
        );
    }
  }

  #unmet(until: number): readonly Asked[] {
    const p = this.#pattern;
    if (p.kind !== 'after_then') return [];
    const before = this.#asked.filter(({ at, counted }) => at < until && counted);
    const begins = before.filter((each) => possibly(p.after, each) && !surely(p.response, each));
    const meets = before.filter(
      (each) =>
        surely(p.response, each) &&
        each.done < until &&
        !begins.some((other) => each.at < other.at && other.at < each.done),
    );
    return begins.filter((each) => !meets.some((other) => each.at < other.at));
  }

  #deadline({ time }: Asked): number {
    const p = this.#pattern;
    return p.kind === 'after_then' ? time + p.within_ms - p.tolerance_ms : Infinity;
  }
}

/** Of the fixture's classes: tools, and perhaps a demand that `x` is a number. */
function tell({ tools, args }: EventClass, { event }: Asked): boolean | undefined {
  if (tools !== null && !tools.includes(event.tool)) return false;
  const wanted = args?.['/x']?.equals?.[0];
  if (wanted === undefined) return true;
  const { x } = event.args as { readonly x?: unknown };
  return typeof x === 'number' ? x === wanted : undefined;
}

const possibly = (on: EventClass, event: Asked) => tell(on, event) !== false;
const surely = (on: EventClass, event: Asked) => tell(on, event) === true;
