import { createHash } from 'node:crypto';
import { asDigest, type Crypto, type JsonValue } from '@provability-fabric/kernel';
import { CEDAR_IR_FORMAT, type CedarPolicy } from './cedar/index.ts';
import { AUTOMATA_FORMAT } from './checks/trace/automaton.ts';
import {
  BUNDLE_FORMAT,
  type Clause,
  type CompiledBundle,
  type EventClass,
  type ParameterRule,
  type ToolRule,
  type TraceAutomaton,
  type TraceClause,
} from './compiled-bundle.ts';
import type { Environment, Input, Principal } from './input.ts';
import { type LoadedBundle, loadBundle } from './load-bundle.ts';
import type { Decision, Output } from './output.ts';
import { initialState, type State, stateDigest } from './state.ts';
import { step } from './step.ts';

const crypto: Crypto = {
  sha256: (data) => new Uint8Array(createHash('sha256').update(data).digest()),
  verifyEd25519: () => false,
};

const ZERO = asDigest('0'.repeat(64));

export const PERMIT_ALL: CedarPolicy = {
  id: 'allow-all',
  effect: 'permit',
  annotations: [],
  principal: { op: 'any' },
  action: { op: 'any' },
  resource: { op: 'any' },
  conditions: [],
  line: 1,
  column: 1,
};

export function clause<T extends Partial<Clause> & { id: string; kind: Clause['kind'] }>(part: T): Clause {
  const base = {
    mode: 'enforce',
    severity: 'medium',
    owner: 'o@example',
    expires: null,
    critical: false,
    description: '',
  };
  return { ...base, ...part } as unknown as Clause;
}

export const ANY: EventClass = { tools: null, effects: null, label: null, args: null, principal: null };

export function on(part: Partial<EventClass>): EventClass {
  return { ...ANY, ...part };
}

export function parameter(part: Partial<ParameterRule> = {}): ParameterRule {
  const none = { from: null, endorse: [], trusted: false, same_tenant: false, member_of: null, stores: null };
  return { ...none, optional: false, ...part };
}

export function tool(part: Partial<ToolRule> = {}): ToolRule {
  const returns = { level: 'public', compartments: [], integrity: 'trusted' } as const;
  return {
    effect: 'read',
    once: false,
    returns,
    fields: {},
    text: 'json',
    clearance: null,
    parameters: {},
    ...part,
  };
}

export function bundle(
  part: Partial<CompiledBundle> = {},
  policies: readonly CedarPolicy[] = [PERMIT_ALL],
): LoadedBundle {
  const clauses = [...(part.clauses ?? [])];
  for (const { id } of policies)
    if (!clauses.some((known) => known.id === id)) clauses.push(clause({ id, kind: 'permit' }));
  const ir: CompiledBundle = {
    format: BUNDLE_FORMAT,
    name: 'fixture',
    version: 1,
    owner: 'o@example',
    expires: null,
    tenants: ['acme'],
    assurance: 'standard',
    default_mode: 'enforce',
    compiler: 'fixture',
    sources: {},
    constants: {},
    tools: { '*': tool() },
    documents: [],
    stores: {},
    cedar: { format: CEDAR_IR_FORMAT, policies, schema: null },
    automata: {
      format: AUTOMATA_FORMAT,
      automata: clauses.filter((c) => c.kind === 'trace').map(automaton),
    },
    hashes: { policy: ZERO, automata: ZERO, labeler: ZERO },
    ...part,
    clauses,
  };
  return loadBundle(ir, crypto);
}

/** By hand: the compiler, which makes all of them, is above this ring. */
function automaton({ id, pattern }: TraceClause): TraceAutomaton {
  const stay = { in: [], not_in: [], full: null, action: null, violation: null } as const;
  const done = (from: number) => ({ ...stay, from, at: 'done', to: from }) as const;
  const forbidden = (from: number, index: number) =>
    [
      { ...stay, from, at: 'asked', in: [index], to: from, violation: 'TRACE_FORBIDDEN' },
      { ...stay, from, at: 'asked', not_in: [index], to: from },
      done(from),
    ] as const;
  const base = { clause: id, initial: 0, register: null };
  const lettered = (on: EventClass) => ({ on, unknown: 'in' }) as const;
  if (pattern.kind === 'never')
    return { ...base, states: 1, classes: [lettered(pattern.never)], transitions: forbidden(0, 0) };
  if (pattern.kind !== 'after_never' || pattern.until !== null)
    throw new Error('the fixture has no such pattern');
  const begins = [
    { ...stay, from: 0, at: 'asked', in: [0], to: 1 },
    { ...stay, from: 0, at: 'asked', not_in: [0], to: 0 },
    done(0),
  ] as const;
  const classes = [lettered(pattern.after), lettered(pattern.never)];
  return { ...base, states: 2, classes, transitions: [...begins, ...forbidden(1, 1)] };
}

export const AGENT: Principal = {
  id: 'agent-1',
  roles: ['support'],
  org: 'acme',
  tenant: 'acme',
  attributes: {},
};
export const ENFORCE: Environment = { enforcement_mode: 'enforce', default_mode: null, overlay: null };

/** A session in the hand of a test. */
export class TestSession {
  state: State;
  #count = 0;
  #now = 1_000_000;

  constructor(
    readonly bundle: LoadedBundle,
    environment: Environment = ENFORCE,
  ) {
    this.state = initialState(bundle);
    this.feed({
      kind: 'open',
      at: this.#now,
      tenant: 'acme',
      session: 's',
      principal: AGENT.id,
      environment,
      epoch: 1,
    });
  }

  get digest(): string {
    return stateDigest(this.bundle, this.state);
  }

  feed(input: Input): Output {
    const { state, output } = step(this.bundle, this.state, input);
    this.state = state;
    return output;
  }

  at(ms: number): this {
    this.#now = ms;
    return this;
  }

  prompt(text: string): void {
    this.feed({ kind: 'prompt', at: this.#now, text });
  }

  ask(
    target: string,
    args: JsonValue = {},
    more: Partial<Extract<Input, { kind: 'intent' }>> = {},
  ): Decision & { id: string } {
    const id = `c${this.#count++}`;
    const action = { kind: 'call', target, args } as const;
    const intent = {
      kind: 'intent',
      at: this.#now,
      certificate_id: id,
      principal: AGENT,
      capability: null,
      action,
      epoch: 1,
      attributes: {},
    } as const;
    return { ...(this.feed({ ...intent, ...more }) as Decision), id };
  }

  /** Asks and, where allowed, reports the result. */
  call(target: string, args: JsonValue = {}, result: JsonValue = 'ok'): Decision {
    const decision = this.ask(target, args);
    if (decision.effect === 'allow') this.settle(decision.id, 'done', result);
    return decision;
  }

  settle(certificate_id: string, outcome: 'done' | 'failed' | 'ambiguous', result: JsonValue = null): Output {
    return this.feed({ kind: 'outcome', at: this.#now, certificate_id, outcome, result });
  }
}

export function codes(decision: Decision): readonly string[] {
  return decision.reasons.map(({ code }) => code);
}
