import { equalLabels } from '@provability-fabric/kernel';
import type { LoadedBundle } from '../load-bundle.ts';
import type { Decision, Reason } from '../output.ts';
import { type DecidedInput, decideAgain, isIntent } from '../replay/decide-again.ts';
import type { PlayedInput, PlayedSession } from '../replay/played-session.ts';
import type { State } from '../state.ts';
import { type Change, changedBundle, changedInputs } from './change.ts';
import { withoutAskedReleases } from './variant.ts';

/** What the action in question got under some changes, and on the way there. */
export interface Run {
  readonly decision: Decision;
  /** Of every action that was stopped, up to the one in question. */
  readonly stopping: readonly Reason[];
  /** Why the action in question was not let through: also what it would meet without a release that it waits for. */
  readonly reasons: readonly Reason[];
  /** The actions before it that were let through. */
  readonly allowed: readonly AllowedAction[];
}

interface AllowedAction {
  readonly place: number;
  readonly target: string;
  /** Whether the session's label or an automaton moved by it. */
  moved: boolean;
}

/** Plays one session up to one action, over and over, with this and that changed. Counts what it costs. */
export class PlayedVariants {
  readonly base: Run;
  /** What the action in question is on. */
  readonly target: string;
  /** How many more inputs may be run through `step`. */
  left: number;
  readonly #bundle: LoadedBundle;
  readonly #place: number;
  readonly #inputs: readonly PlayedInput[];
  /** The state before each input, so that a run begins where it first differs. */
  readonly #states: State[] = [];

  /** `place` names an action of the session. */
  constructor(bundle: LoadedBundle, session: PlayedSession, place: number, budget: number) {
    const end = session.inputs.findIndex((one) => isIntent(one) && one.place === place);
    const asked = session.inputs[end];
    if (asked === undefined || !isIntent(asked))
      throw new Error(`expected an action at ${place} of the session`);
    this.target = asked.input.action.target;
    this.#bundle = bundle;
    this.#place = place;
    this.#inputs = session.inputs.slice(0, end + 1);
    this.left = budget;
    const watched = new Watched(bundle);
    for (const decided of decideAgain(bundle, this.#inputs)) {
      this.#states.push(decided.before);
      watched.add(decided);
    }
    this.base = watched.run(this.#place);
  }

  /** undefined where no more may be run. */
  play(changes: readonly Change[]): Run | undefined {
    const bundle = changedBundle(this.#bundle, changes);
    const inputs = changedInputs(this.#inputs, changes);
    // A run is another one from its first difference on; under another bundle, or where something is counted outside the
    // state, from its beginning.
    const same = bundle === this.#bundle && bundle.sharedLimits.length === 0 ? this.#sameUntil(inputs) : 0;
    this.left -= inputs.length - same;
    if (this.left < 0) return undefined;
    const watched = new Watched(bundle);
    const state = same === 0 ? undefined : this.#states[same];
    const beginning = state === undefined ? {} : { state };
    for (const decided of decideAgain(bundle, inputs.slice(same), beginning)) watched.add(decided);
    return watched.run(this.#place);
  }

  #sameUntil(inputs: readonly PlayedInput[]): number {
    let at = 0;
    while (at < inputs.length && inputs[at] === this.#inputs[at]) at += 1;
    return at;
  }
}

class Watched {
  readonly #bundle: LoadedBundle;
  #unreleased: LoadedBundle | undefined;
  #decision: Decision | undefined;
  #reasons: readonly Reason[] = [];
  readonly #stopping: Reason[] = [];
  readonly #allowed = new Map<string, AllowedAction>();

  constructor(bundle: LoadedBundle) {
    this.#bundle = bundle;
  }

  add(decided: DecidedInput): void {
    const { one, before, after, decision } = decided;
    const { input } = one;
    if (input.kind === 'outcome' || input.kind === 'intent') {
      const known = this.#allowed.get(input.certificate_id);
      if (known !== undefined) known.moved ||= moves(before, after);
    }
    if (decision === null || !isIntent(one)) return;
    this.#decision = decision;
    const { certificate_id, action } = one.input;
    this.#reasons = [...decision.reasons, ...this.#behindReleases(decided, decision)];
    if (decision.effect !== 'allow')
      this.#stopping.push(...this.#reasons.filter(({ mode }) => mode === 'enforce'));
    else {
      const { place } = one;
      this.#allowed.set(certificate_id, { place, target: action.target, moved: moves(before, after) });
    }
  }

  /** The last action is the one in question. */
  run(place: number): Run {
    if (this.#decision === undefined) throw new Error('expected the session to be open before its actions');
    const allowed = [...this.#allowed.values()].filter((action) => action.place !== place);
    return { decision: this.#decision, stopping: this.#stopping, reasons: this.#reasons, allowed };
  }

  /** A release asks for an approval in the place of clauses that would refuse: without these nobody were asked. */
  #behindReleases({ one, before }: DecidedInput, { reasons }: Decision): readonly Reason[] {
    const { clauses } = this.#bundle;
    const waits = reasons.some(
      ({ clause, mode }) => mode === 'enforce' && clause !== null && clauses.get(clause)?.kind === 'release',
    );
    if (!waits) return [];
    this.#unreleased ??= withoutAskedReleases(this.#bundle);
    const [decided] = decideAgain(this.#unreleased, [one], { state: before });
    return decided?.decision?.reasons.filter(({ check }) => check === 'flow') ?? [];
  }
}

function moves(before: State, after: State): boolean {
  return before.trace.states !== after.trace.states || !equalLabels(before.flow.label, after.flow.label);
}
