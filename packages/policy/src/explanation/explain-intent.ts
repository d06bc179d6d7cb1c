import { isJsonObject, type JsonValue, type Label } from '@provability-fabric/kernel';
import type { Event } from '../checks/check.ts';
import type { Scalar } from '../checks/flow/arguments.ts';
import { isInForce, mayDecide, ruleOf } from '../checks/holds/step.ts';
import { amountOf } from '../checks/limits/amounts.ts';
import { usedAt, type Window } from '../checks/limits/window.ts';
import type { RunningAutomaton } from '../checks/trace/run-automaton.ts';
import { askedTransition } from '../checks/trace/step.ts';
import { matches } from '../event-class.ts';
import type { UsedHandle } from '../handles/used-handles.ts';
import type { IntentInput } from '../input.ts';
import type { LoadedBundle } from '../load-bundle.ts';
import type { Decision } from '../output.ts';
import type { State } from '../state.ts';
import { eventOf, step } from '../step.ts';
import type { PastResult } from './past-results.ts';
import { formatPointer } from './pointer.ts';
import { type ValueSource, ValueTracer } from './value-sources.ts';

/** Everything behind one decision, found by the functions that decided it. */
export interface IntentExplanation {
  readonly decision: Decision;
  readonly arguments: readonly ExplainedArgument[];
  /** How many more values the arguments have. */
  readonly unexplained: number;
  readonly automata: readonly ExplainedAutomaton[];
  readonly limits: readonly ExplainedLimit[];
  /** What has to be done, and by when: session time in ms. */
  readonly obligations: readonly { readonly clause: string; readonly until: number }[];
  /** Without which it had been held; this action uses them up. */
  readonly approvals: readonly ExplainedApproval[];
}

export interface ExplainedArgument {
  /** RFC 6901, into the arguments. */
  readonly pointer: string;
  readonly value: Scalar;
  readonly sources: readonly ValueSource[];
  /** A handle: it stands for a value that the agent has not seen. */
  readonly hidden: HiddenSource | null;
}

interface HiddenSource {
  /** Of the result that it stood in; null where that is not among the results that are known. */
  readonly place: number | null;
  readonly tool: string;
  /** From the payload of that result. */
  readonly field: string;
  readonly label: Label;
}

interface ExplainedApproval {
  /** That asked for it. */
  readonly clause: string;
  /** Session time in ms. */
  readonly by: readonly { readonly id: string; readonly at: number }[];
}

export interface ExplainedAutomaton {
  readonly clause: string;
  readonly before: number;
  readonly after: number;
  readonly initial: number;
  /** What it counts, or by when: null where it has no register. */
  readonly register: { readonly before: number; readonly after: number } | null;
  /** The classes of the automaton that the event is in, by their place in it. */
  readonly classes: readonly number[];
  readonly violation: string | null;
}

export interface ExplainedLimit {
  readonly clause: string;
  /** Before the event; null where it is counted by others and no fact of it is on record. */
  readonly used: number | null;
  /** What the event takes; null where that cannot be told. */
  readonly takes: number | null;
  readonly max: number;
}

/** Of one call. */
const MAX_ARGUMENTS = 200;

/** `past`: the results that the session has read, to say where in them a value stood. */
export function explainIntent(
  bundle: LoadedBundle,
  state: State,
  intent: IntentInput,
  past: readonly PastResult[],
): IntentExplanation {
  const { output, state: after } = step(bundle, state, intent);
  if (output.kind !== 'decision') throw new Error('expected the session to be open before its actions');
  const event = eventOf(bundle, state, intent, Math.max(state.time, intent.at));
  const values = valuesIn(intent.action.args);
  const tracer = new ValueTracer(bundle, state.flow.provenance, past);
  return {
    decision: output,
    arguments: values.slice(0, MAX_ARGUMENTS).map(([pointer, value]) => {
      const used = event.used?.find(({ id }) => id === value);
      return {
        pointer,
        value,
        sources: used === undefined ? tracer.sourcesOf(value) : [],
        hidden: used === undefined ? null : hiddenSource(used, past),
      };
    }),
    unexplained: Math.max(0, values.length - MAX_ARGUMENTS),
    automata: bundle.automata.all.map((running, index) =>
      explainAutomaton(running, index, state, after, event),
    ),
    limits: [...ownLimits(bundle, state, event), ...sharedLimits(bundle, event)],
    obligations: obligationsIn(bundle, state),
    approvals: approvalsFor(bundle, state, output, event.time),
  };
}

function hiddenSource({ id, held }: UsedHandle, past: readonly PastResult[]): HiddenSource {
  const place = past.find(({ handles }) => handles.includes(id))?.place ?? null;
  return { place, tool: held.tool, field: formatPointer(held.path), label: held.label };
}

/** Only of what goes ahead because of them. */
function approvalsFor(
  bundle: LoadedBundle,
  { holds }: State,
  { effect, ticket }: Decision,
  time: number,
): readonly ExplainedApproval[] {
  const open = ticket === null || effect !== 'allow' ? undefined : holds.get(ticket);
  return (open?.clauses ?? []).flatMap((clause) => {
    const rule = ruleOf(bundle.clauses.get(clause));
    if (open === undefined || rule === undefined) return [];
    const by = open.decisions
      .filter(
        (one) => one.decision === 'approve' && mayDecide(rule, one.approver) && isInForce(one, rule, time),
      )
      .map(({ approver, at }) => ({ id: approver.id, at }));
    return [{ clause, by }];
  });
}

function valuesIn(args: JsonValue): readonly (readonly [string, Scalar])[] {
  const found: (readonly [string, Scalar])[] = [];
  const visit = (value: JsonValue, path: readonly string[]): void => {
    if (Array.isArray(value))
      for (const [index, item] of (value as readonly JsonValue[]).entries())
        visit(item, [...path, String(index)]);
    else if (isJsonObject(value))
      for (const [key, member] of Object.entries(value)) visit(member, [...path, key]);
    else found.push([formatPointer(path), value as Scalar]);
  };
  visit(args, []);
  return found;
}

function explainAutomaton(
  running: RunningAutomaton,
  index: number,
  before: State,
  after: State,
  event: Event,
): ExplainedAutomaton {
  const { clause, initial, register, classes } = running.automaton;
  const { letter, transition } = askedTransition(running, before.trace, index, event);
  const registers = {
    before: before.trace.registers[index] as number,
    after: after.trace.registers[index] as number,
  };
  return {
    clause,
    initial,
    before: before.trace.states[index] as number,
    after: after.trace.states[index] as number,
    register: register === null ? null : registers,
    classes: classes.flatMap((_, at) => ((letter & (1 << at)) === 0 ? [] : [at])),
    violation: transition.violation,
  };
}

function ownLimits(bundle: LoadedBundle, state: State, event: Event): readonly ExplainedLimit[] {
  return bundle.limits.map((clause, index) => ({
    clause: clause.id,
    used: usedAt(state.limits[index] as Window, clause, event.time).used,
    takes: matches(clause.on, event) ? amountOf(bundle, clause, event) : 0,
    max: clause.max,
  }));
}

function sharedLimits(bundle: LoadedBundle, event: Event): readonly ExplainedLimit[] {
  return bundle.sharedLimits.map((clause) => ({
    clause: clause.id,
    used: event.intent.usage?.find((fact) => fact.clause === clause.id)?.used ?? null,
    takes: matches(clause.on, event) ? amountOf(bundle, clause, event) : 0,
    max: clause.max,
  }));
}

function obligationsIn({ automata }: LoadedBundle, { trace }: State): IntentExplanation['obligations'] {
  return automata.timed.flatMap((index) => {
    const { passed, isOverdue, automaton } = automata.all[index] as RunningAutomaton;
    const at = trace.states[index] as number;
    if (passed(at) === undefined && !isOverdue(at)) return [];
    return [{ clause: automaton.clause, until: trace.registers[index] as number }];
  });
}
