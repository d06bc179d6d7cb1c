import {
  BOTTOM,
  flowsTo,
  isJsonObject,
  type JsonValue,
  joinLabels,
  type Label,
} from '@provability-fabric/kernel';
import {
  type Decision,
  formatHandle,
  forwardedArguments,
  HANDLE_BYTES,
  handleFacts,
  type Input,
  type IntentInput,
  initialState,
  type LoadedBundle,
  type Environment as Modes,
  ownAnswer,
  type State,
  type Stepped,
  shownOutcome,
  stateDigest,
  step,
} from '@provability-fabric/policy';
import { type Move, Observations } from './agent.ts';
import { type BundleSpec, TENANT } from './bundle-spec.ts';
import { Chance } from './chance.ts';
import type { Answer, Environment, Leaf } from './environment.ts';
import {
  type AnswerLabels,
  type Asked,
  answerLabels,
  extractedLabel,
  toldLabel,
  valuesIn,
} from './ground-truth.ts';
import { type GivenHandle, handlesGiven, payloadOf, scalarsOf } from './shown.ts';

/** What is tested: `step` itself, or something that only looks like it. */
export type Monitor = (bundle: LoadedBundle, state: State, input: Input) => Stepped;
export const GENUINE: Monitor = step;

/** One action, as somebody sees it who sees everything. */
export interface Happening {
  readonly asked: Asked;
  readonly decision: Decision;
  /** The join of all that the agent had observed before it asked. */
  readonly knew: Label;
  /** That, and what the handles in its arguments stand for. */
  readonly carries: Label;
  /** What was sent on: handles stand for values. */
  readonly sent: JsonValue;
  /** What it had observed, and what the host had said. */
  readonly leaves: readonly SeenLeaf[];
  readonly prompts: readonly string[];
  /** What came or will come of it; null where it was refused. */
  readonly answer: Answer | null;
  /** Whether a refusal left its mark on the session. */
  readonly refusalMoved: boolean;
}

export interface SeenLeaf extends Leaf {
  readonly source: string;
  readonly vouches: boolean;
}

export interface Run {
  readonly happenings: readonly Happening[];
  /** Digests of what the agent had observed, before each of its moves. */
  readonly observed: readonly string[];
}

const PRINCIPAL = { id: 'agent', roles: ['assistant'], org: TENANT, tenant: TENANT, attributes: {} };
const MODES: Modes = { enforcement_mode: 'enforce', default_mode: null, overlay: null };
const START = Date.UTC(2026, 0, 1);
const PACE = 1000;

/** One session of an agent in an environment under a monitor. The clock and what is awaited are the tape's. */
export function runSession(
  monitor: Monitor,
  bundle: LoadedBundle,
  { spec, moves }: { readonly spec: BundleSpec; readonly moves: readonly Move[] },
  environment: Environment,
): Run {
  const session = new Session(monitor, bundle, spec, environment);
  for (const move of moves) session.play(move);
  return { happenings: session.happenings, observed: session.observed };
}

interface Coming {
  readonly answer: Answer;
  readonly labels: AnswerLabels;
}

interface Waiting extends Coming {
  readonly certificate: string;
  readonly asked: Asked;
}

interface OwnedHandle extends GivenHandle {
  readonly source: string;
  readonly vouches: boolean;
}

class Session {
  readonly happenings: Happening[] = [];
  readonly observed: string[] = [];
  readonly #monitor: Monitor;
  readonly #bundle: LoadedBundle;
  readonly #environment: Environment;
  readonly #observations = new Observations();
  readonly #counts = new Map<string, number>();
  readonly #waiting: Waiting[] = [];
  readonly #spec: BundleSpec;
  readonly #handles: OwnedHandle[] = [];
  #state: State;
  #made = 0;
  #now = START;
  #knew: Label = BOTTOM;
  #leaves: readonly SeenLeaf[] = [];
  #prompts: readonly string[] = [];

  constructor(monitor: Monitor, bundle: LoadedBundle, spec: BundleSpec, environment: Environment) {
    this.#spec = spec;
    this.#monitor = monitor;
    this.#bundle = bundle;
    this.#environment = environment;
    this.#state = initialState(bundle);
    const opening = { tenant: TENANT, session: 's', principal: PRINCIPAL.id, environment: MODES, epoch: 1 };
    this.#feed({ kind: 'open', at: this.#now, ...opening });
  }

  play(move: Move): void {
    this.#now += PACE;
    this.observed.push(this.#observations.digest);
    switch (move.kind) {
      case 'act': {
        const asked = this.#observations.asked(move);
        if (asked !== undefined) this.#act(asked, move.awaited);
        return;
      }
      case 'prompt':
        this.#prompts = [...this.#prompts, move.text];
        this.#feed({ kind: 'prompt', at: this.#now, text: move.text });
        return;
      case 'tick':
        this.#now += move.after;
        this.#feed({ kind: 'tick', at: this.#now });
        return;
      case 'settle':
        this.#settle(this.#waiting.shift());
    }
  }

  #act(asked: Asked, awaited: boolean): void {
    const certificate = `c${this.happenings.length}`;
    const before = this.#state;
    const action = { kind: asked.kind, target: asked.target, args: asked.args };
    const request = { certificate_id: certificate, principal: PRINCIPAL, capability: null, action, epoch: 1 };
    const intent = { kind: 'intent', at: this.#now, ...request, attributes: {} } as const;
    const decision = this.#feed(intent) as Decision;
    const allowed = decision.effect === 'allow';
    const refusalMoved =
      !allowed &&
      before !== this.#state &&
      stateDigest(this.#bundle, before) !== stateDigest(this.#bundle, this.#state);
    const knew = { knew: this.#knew, leaves: this.#leaves, prompts: this.#prompts };
    const used = valuesIn(asked.args).flatMap((value) => this.#handles.find(({ id }) => id === value) ?? []);
    const given = used.map((handle) => handle.label).reduce(joinLabels, BOTTOM);
    const carries = joinLabels(this.#knew, given);
    const sent = allowed ? this.#sentOn(asked, decision) : asked.args;
    const coming = allowed ? (this.#extracted(intent, used) ?? this.#answerTo(asked, sent, given)) : null;
    const answer = coming?.answer ?? null;
    this.happenings.push({ asked, decision, answer, refusalMoved, carries, sent, ...knew });
    this.#observations.note(answerToAgent(decision), [], !allowed);
    if (coming === null) return;
    const waiting = { certificate, asked, ...coming };
    if (awaited) this.#settle(waiting);
    else this.#waiting.push(waiting);
  }

  /** Null where they cannot be had, which nobody then sees. */
  #sentOn({ kind, target, args }: Asked, { forwarded_digest }: Decision): JsonValue {
    return forwardedArguments(this.#bundle, this.#state, { kind, target, args }, forwarded_digest) ?? args;
  }

  /** What the fabric answers itself. */
  #extracted(intent: IntentInput, [used]: readonly OwnedHandle[]): Coming | undefined {
    const { args } = intent.action;
    const own = ownAnswer(this.#bundle, this.#state, intent);
    if (own === undefined || used === undefined || !isJsonObject(args)) return undefined;
    const path = [
      ...used.path,
      ...String(args.pointer ?? '')
        .split('/')
        .slice(1),
    ];
    const rule = (this.#spec.handles?.extract ?? []).find(
      ({ tool, field, types }) =>
        tool === used.source &&
        types.some((type) => type === args.type) &&
        (field === null || (used.vouches && field === path.at(-1) && path.length <= 2)),
    );
    // Without a rule it stays what it was.
    const label = rule === undefined ? used.label : extractedLabel(rule, used.label);
    const { clearance = label } = this.#spec.handles ?? {};
    const leaves = scalarsOf(own.result).map((value) => ({ value, label }));
    // What is taken out may be above the agent itself: then it gets another handle, and knows that there is one.
    const isShown = rule === undefined || flowsTo(label, clearance);
    const answer = { ...own, leaves: isShown ? leaves : [], label };
    return { answer, labels: { whole: label, fields: new Map() } };
  }

  #answerTo(asked: Asked, sent: JsonValue, given: Label): Coming {
    const key = `${asked.kind} ${asked.target}`;
    const count = this.#counts.get(key) ?? 0;
    this.#counts.set(key, count + 1);
    const labels = answerLabels(this.#spec, asked, given);
    return { answer: this.#environment({ ...asked, args: sent }, labels, count), labels };
  }

  #settle(waiting: Waiting | undefined): void {
    if (waiting === undefined) return;
    const { certificate, asked, answer, labels } = waiting;
    const { outcome, result, leaves, label } = answer;
    const report = { certificate_id: certificate, outcome, result };
    const facts = handleFacts(this.#bundle, this.#state, report, () => this.#newHandle());
    const input = { kind: 'outcome', at: this.#now, ...report } as const;
    const taken = this.#feed(facts === undefined ? input : { ...input, handles: facts });
    if (taken.kind !== 'settled')
      throw new Error(`expected an outcome that is taken, came ${JSON.stringify(taken)}`);
    const shown = shownOutcome(this.#state, certificate, result) ?? result;
    this.#observations.note([outcome, shown], scalarsOf(payloadOf(shown)), null);
    const source = { source: asked.target, vouches: outcome === 'done' };
    const known = outcome === 'done' ? labels : { ...labels, fields: new Map() };
    const handles = handlesGiven(shown, known).map((handle) => ({ ...handle, ...source }));
    this.#handles.push(...handles);
    this.#knew = joinLabels(this.#knew, label);
    const seen = [...leaves, ...handles.map((handle) => ({ value: handle.id, label: handle.label }))];
    this.#leaves = [...this.#leaves, ...seen.map((leaf) => ({ ...leaf, ...source }))];
    if (outcome === 'ambiguous') {
      // It turns out to have failed, and answers nothing.
      const told = toldLabel(this.#spec, labels);
      const failed = { outcome: 'failed', result: null, leaves: [], label: told } as const;
      this.#waiting.push({ ...waiting, answer: failed });
    }
  }

  /** The tape's random bits. */
  #newHandle(): string {
    this.#made += 1;
    const chance = new Chance(`handle ${this.#made}`);
    return formatHandle(Uint8Array.from({ length: HANDLE_BYTES }, () => chance.below(256)));
  }

  #feed(input: Input) {
    const { state, output } = this.#monitor(this.#bundle, this.#state, input);
    this.#state = state;
    return output;
  }
}

/** What a refusal tells the agent: codes and clauses (CONTRACTS, section 4). */
export function answerToAgent({ effect, reasons }: Decision): JsonValue {
  return [effect, reasons.filter(({ mode }) => mode === 'enforce').map(({ code, clause }) => [code, clause])];
}
