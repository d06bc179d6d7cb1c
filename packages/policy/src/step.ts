import { digestJson } from '@provability-fabric/kernel';
import type { CheckResult, Effect } from '@provability-fabric/statements';
import { authority } from './checks/authority/step.ts';
import type { Check, Event, Finding, OutcomeEvent, Pending } from './checks/check.ts';
import { absolute } from './checks/findings.ts';
import { documentRule, resultLabel } from './checks/flow/labels.ts';
import { flow } from './checks/flow/step.ts';
import { approve } from './checks/holds/approval.ts';
import { askApproval, NOTHING_ASKED, ticketFor } from './checks/holds/ask.ts';
import { NO_TICKETS, withoutTicket } from './checks/holds/open-tickets.ts';
import { limits } from './checks/limits/step.ts';
import { permit } from './checks/permit/step.ts';
import { exposedNames, isWithheldSecret } from './checks/secrets/exposed.ts';
import { secrets, usedSecrets } from './checks/secrets/step.ts';
import { trace } from './checks/trace/step.ts';
import { combine } from './combine.ts';
import { askedExtraction, isExtraction, withAttempt } from './handles/extraction.ts';
import { forwardedDigest, handleFindings } from './handles/on-intent.ts';
import { clearanceOf, hideOutcome } from './handles/on-outcome.ts';
import { handlesIn, withHandles } from './handles/used-handles.ts';
import type { Input, IntentInput, OutcomeInput } from './input.ts';
import { type LoadedBundle, toolRule } from './load-bundle.ts';
import type { CheckName, Decision, Output } from './output.ts';
import { initialState, type State } from './state.ts';

export interface Stepped {
  readonly state: State;
  readonly output: Output;
}

/**
 * The one function (HOUSE): what an input means for a session. Pure and total; the live sidecar, replay, tests and the
 * offline verifier all call it, which is what makes a verdict re-derivable. A blocked intent moves nothing.
 */
export function step(bundle: LoadedBundle, state: State, input: Input): Stepped {
  if (input.kind === 'open') return open(state, input);
  if (state.opening === null) return refused(state, 'expected `open` as the first input of a session');
  switch (input.kind) {
    case 'intent':
      return intent(bundle, state, input);
    case 'outcome':
      return outcome(bundle, state, input);
    case 'prompt':
      return noted(state, input, { flow: flow.onPrompt(bundle, state.flow, input.text) });
    case 'mode':
      return noted(state, input, { environment: input.environment });
    case 'epoch':
      if (input.epoch < state.epoch)
        return refused(state, `expected an epoch of at least ${state.epoch}, came ${input.epoch}`);
      // Approvals are bound to the epoch they were given in.
      return noted(state, input, {
        epoch: input.epoch,
        ...(input.epoch > state.epoch && { holds: NO_TICKETS }),
      });
    case 'approval': {
      const ruling = approve(bundle, state, input);
      if (ruling.kind === 'taken') return noted(state, input, { holds: ruling.next });
      const problem =
        ruling.kind === 'refused' ? ruling.problem : 'expected a decision that is not on record yet';
      return refused(state, problem);
    }
    case 'tick':
      return tick(bundle, state, input);
  }
}

function noted(state: State, input: Input, change: Partial<State>): Stepped {
  return { state: { ...state, ...change, time: Math.max(state.time, input.at) }, output: { kind: 'noted' } };
}

/** Says which obligations are overdue from now on. */
function tick(bundle: LoadedBundle, state: State, input: Extract<Input, { kind: 'tick' }>): Stepped {
  const time = Math.max(state.time, input.at);
  const { overdue, next } = trace.onTick(bundle, state.trace, time);
  return { state: { ...state, trace: next, time }, output: { kind: 'ticked', overdue } };
}

function refused(state: State, problem: string): Stepped {
  return { state, output: { kind: 'refused', problem } };
}

function open(state: State, input: Extract<Input, { kind: 'open' }>): Stepped {
  if (state.opening !== null) return refused(state, 'the session is open already');
  const { tenant, session, principal, environment, epoch } = input;
  return noted(state, input, { opening: { tenant, session, principal }, environment, epoch });
}

function intent(bundle: LoadedBundle, state: State, input: IntentInput): Stepped {
  const time = Math.max(state.time, input.at);
  const event = eventOf(bundle, state, input, time);
  const argsDigest = digestJson(bundle.crypto, input.action.args);
  const { findings, releases: used, next } = rule(bundle, state, event);
  const asked = bundle.asksApproval ? askApproval(bundle, state, event, argsDigest, used) : NOTHING_ASKED;
  const checks = input.exposed === undefined ? bundle.checks : withSecretsCheck(bundle);
  const combined = combine({ ir: bundle.ir, checks }, state.environment, [...findings, ...asked.findings]);
  const { effect } = combined;
  const releases = used.filter((clause) => !asked.closed.has(clause));
  const secretsUsed = effect === 'allow' ? usedSecrets(bundle, event) : undefined;
  const decision: Decision = {
    kind: 'decision',
    ...combined,
    checks: [...combined.checks, ...releases.map(usedRelease)],
    releases,
    ticket: effect === 'hold' || (effect === 'allow' && asked.isApproved) ? asked.ticket : null,
    args_digest: argsDigest,
    ...forwardedDigest(bundle, state, event, argsDigest, effect),
    ...(secretsUsed !== undefined && { secrets_used: secretsUsed }),
    label: state.flow.label,
    expired: expiredClauses(bundle, time),
  };
  if (effect === 'allow') return { state: asked.used(next), output: decision };
  return { state: effect === 'hold' ? asked.opened() : state, output: decision };
}

/** That a secret was exposed is found under every bundle. */
function withSecretsCheck({ checks }: LoadedBundle): readonly CheckName[] {
  return [...checks.filter((check) => check !== 'secrets'), 'secrets'];
}

/** Each use of a release is certified: as a check of its own that found nothing wrong. */
function usedRelease(clause: string): CheckResult {
  return { check: `release:${clause}`, verdict: 'accept' };
}

type Run = <S>(name: CheckName, check: Check<S>, before: S) => S;

/** All checks over one event: everything they found, and the state if the event goes ahead. */
function rule(bundle: LoadedBundle, state: State, event: Event) {
  const findings: (readonly [CheckName, Finding])[] = [];
  const releases: string[] = [];
  const run = runner(bundle, state, event, findings, releases);
  // First: what was exposed is withheld here as well, so that others find what is not there.
  if (event.intent.exposed !== undefined) run('secrets', secrets, null);
  run('authority', authority, null);
  run('permit', permit, null);
  const next = movedBy(bundle, state, event, run);
  for (const finding of onceFindings(state, event)) findings.push(['trace', finding]);
  if (bundle.ir.handles !== undefined)
    for (const finding of handleFindings(bundle, state.handles, event)) findings.push(['flow', finding]);
  if (event.intent.exposed === undefined && bundle.ir.secrets !== undefined) run('secrets', secrets, null);
  return { findings, releases, next };
}

function runner(
  bundle: LoadedBundle,
  state: State,
  event: Event,
  findings: (readonly [CheckName, Finding])[],
  releases: string[],
): Run {
  const facts = {
    ...(state.opening as NonNullable<State['opening']>),
    epoch: state.epoch,
    label: event.label,
  };
  return (name, check, before) => {
    try {
      const ruling = check.onIntent(bundle, facts, before, event);
      for (const finding of ruling.findings) findings.push([name, finding]);
      releases.push(...(ruling.releases ?? []));
      return ruling.next;
    } catch (error) {
      // Error means deny, whatever broke: no clause owns it, so no mode weakens it.
      findings.push([name, { ...absolute('EVAL_ERROR', { problem: String(error) }), verdict: 'error' }]);
      return before;
    }
  };
}

/** The state if the event goes ahead: only these checks have any of their own. */
function movedBy(bundle: LoadedBundle, state: State, event: Event, run: Run): State {
  const moved = {
    trace: run('trace', trace, state.trace),
    flow: run('flow', flow, state.flow),
    limits: run('limits', limits, state.limits),
  };
  const waiting = pendingOf(bundle, event);
  const pending = new Map(state.pending).set(event.intent.certificate_id, waiting);
  const { extraction } = waiting;
  const handles = extraction === undefined ? state.handles : withAttempt(state.handles, extraction);
  return { ...state, ...moved, time: event.time, handles, pending };
}

/**
 * A session's state under another bundle: what was recorded is taken as having happened, whatever the new bundle would
 * have said of it, since an automaton that forgot what was done could be walked around by changing bundles.
 */
export function refold(bundle: LoadedBundle, history: readonly RecordedInput[]): State {
  return history.reduce((state, recorded) => refoldInput(bundle, state, recorded), initialState(bundle));
}

/** The next state of `refold`. */
export function refoldInput(
  bundle: LoadedBundle,
  state: State,
  { input, effect, ticket }: RecordedInput,
): State {
  if (input.kind === 'outcome') return outcome(bundle, state, input, 'happened').state;
  if (input.kind !== 'intent') return step(bundle, state, input).state;
  if (effect === 'hold') return heldAgain(bundle, state, input, ticket ?? null);
  if (effect !== 'allow') return state;
  const event = eventOf(bundle, state, input, Math.max(state.time, input.at));
  // What the others would say of it moves nothing, and is the dearest part of a step.
  const next = movedBy(bundle, state, event, runner(bundle, state, event, [], []));
  if (!bundle.asksApproval || state.holds.size === 0) return next;
  const argsDigest = digestJson(bundle.crypto, input.action.args);
  return { ...next, holds: withoutTicket(state.holds, ticketFor(bundle, state, event, argsDigest)) };
}

/** A ticket names its bundle and epoch: what was held under others waits for nobody any more. */
function heldAgain(bundle: LoadedBundle, state: State, input: IntentInput, ticket: string | null): State {
  if (!bundle.asksApproval || ticket === null) return state;
  const event = eventOf(bundle, state, input, Math.max(state.time, input.at));
  const argsDigest = digestJson(bundle.crypto, input.action.args);
  if (ticketFor(bundle, state, event, argsDigest) !== ticket) return state;
  const { state: held, output } = step(bundle, state, input);
  return output.kind === 'decision' && output.effect === 'hold' ? held : state;
}

export interface RecordedInput {
  readonly input: Input;
  /** What the certificate of an intent said; absent for other inputs. */
  readonly effect?: Effect;
  /** What it has as `approval`. */
  readonly ticket?: string | null;
}

export function eventOf(bundle: LoadedBundle, state: State, input: IntentInput, time: number): Event {
  const { kind, target } = input.action;
  const { label } = state.flow;
  if (kind === 'read') {
    const known = documentRule(bundle.ir.documents, target) !== undefined;
    return { intent: input, time, tool: undefined, effect: known ? 'read' : undefined, label };
  }
  const tool = toolRule(bundle.ir, target);
  const event = { intent: input, time, tool, effect: tool?.effect, label };
  if (bundle.ir.handles === undefined || state.handles.values.size === 0) return event;
  const { used } = handlesIn(state.handles, input.action.args);
  return used.length === 0 ? event : { ...event, label: withHandles(label, used), used };
}

function pendingOf(bundle: LoadedBundle, event: Event): Pending {
  const { action, principal } = event.intent;
  const clearance = clearanceOf(bundle, principal);
  const asked = isExtraction(bundle, event) ? askedExtraction(bundle, event) : undefined;
  const extraction = asked !== undefined && 'extraction' in asked ? asked.extraction : undefined;
  return {
    target: action.target,
    once: event.tool?.once ?? false,
    tenant: principal.tenant,
    ...resultLabel(bundle, event),
    ...(clearance === undefined ? {} : { clearance }),
    ...(extraction === undefined ? {} : { label: extraction.label, patterns: [], extraction }),
  };
}

/** A `once` tool is not sent again while an earlier sending may or may not have happened. No mode weakens this. */
function* onceFindings(state: State, event: Event): Generator<Finding> {
  if (!event.tool?.once) return;
  for (const [certificate, { target }] of state.ambiguous) {
    if (target === event.intent.action.target)
      yield absolute('OUTCOME_AMBIGUOUS', { unresolved: certificate });
  }
}

/** `happened`: on record under whatever bundle was in force then, so that it is not held against this one. */
function outcome(
  bundle: LoadedBundle,
  state: State,
  input: OutcomeInput,
  standing: 'asked' | 'happened' = 'asked',
): Stepped {
  const { certificate_id: certificate } = input;
  const waiting = state.pending.get(certificate);
  const earlier = waiting ?? state.ambiguous.get(certificate);
  if (earlier === undefined || (waiting === undefined && input.outcome === 'ambiguous')) {
    return refused(state, 'expected the outcome of an allowed action that has none yet');
  }
  const problem = exposureProblem(input);
  if (problem !== undefined && standing === 'asked') return refused(state, problem);
  const digest = input.result === null ? null : digestJson(bundle.crypto, input.result);
  const hiding = hideOutcome(bundle, state.handles, earlier, input, digest);
  if (hiding.kind === 'refused' && standing === 'asked') return refused(state, hiding.problem);
  const event: OutcomeEvent = {
    certificate,
    pending: earlier,
    outcome: input.outcome,
    result: input.result,
    ...(hiding.kind === 'hidden' && earlier.clearance !== undefined && { seenUpTo: earlier.clearance }),
  };
  const pending = without(state.pending, certificate);
  const ambiguous = without(state.ambiguous, certificate);
  if (input.outcome === 'ambiguous') ambiguous.set(certificate, earlier);
  const time = Math.max(state.time, input.at);
  const read = flow.onOutcome(bundle, state.flow, event, digest);
  const next = {
    ...state,
    time,
    pending,
    ambiguous,
    trace: trace.onOutcome(bundle, state.trace, event, time),
    flow: read.next,
    handles: hiding.kind === 'shown' ? state.handles : hiding.next,
  };
  const output = {
    kind: 'settled',
    result_digest: digest,
    result_label: read.label,
    label: next.flow.label,
    ...(hiding.kind === 'hidden' && { hidden: hiding.hidden }),
    ...(input.exposed !== undefined && { exposed: exposedNames(input.exposed) }),
  } as const;
  return { state: next, output };
}

/** What held a secret's value is on no record. */
function exposureProblem({ exposed, result }: OutcomeInput): string | undefined {
  if (exposed === undefined || isWithheldSecret(result)) return undefined;
  return 'expected nothing of a result that held a secret';
}

function without(map: ReadonlyMap<string, Pending>, key: string): Map<string, Pending> {
  const copy = new Map(map);
  copy.delete(key);
  return copy;
}

function expiredClauses(bundle: LoadedBundle, time: number): readonly string[] {
  return bundle.expiring.filter((clause) => time > (clause.expires as number)).map((clause) => clause.id);
}
