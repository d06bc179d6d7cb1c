import { createHash } from 'node:crypto';
import { asDigest, type Crypto, type JsonValue } from '@provability-fabric/kernel';
import { CEDAR_IR_FORMAT, type CedarPolicy } from './cedar/index.ts';
import {
  BUNDLE_FORMAT,
  type Clause,
  type CompiledBundle,
  type EventClass,
  type ToolRule,
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

export const ANY: EventClass = { tools: null, effects: null };

export function tool(part: Partial<ToolRule> = {}): ToolRule {
  const returns = { level: 'public', compartments: [], integrity: 'trusted' } as const;
  return { effect: 'read', once: false, returns, clearance: null, parameters: {}, ...part };
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
      format: 'provability-fabric/dfa/v1',
      automata: clauses.filter((c) => c.kind === 'trace').map(automaton),
    },
    hashes: { policy: ZERO, automata: ZERO, labeler: ZERO },
    ...part,
    clauses,
  };
  return loadBundle(ir, crypto);
}

function automaton({ id, pattern }: TraceClause) {
  const never = { on: pattern.never, violation: true };
  if (pattern.kind === 'never')
    return { clause: id, initial: 0, states: 1, transitions: [{ ...never, from: 0, to: 0 }] };
  const seen = { from: 0, on: pattern.after, to: 1, violation: false };
  return { clause: id, initial: 0, states: 2, transitions: [seen, { ...never, from: 1, to: 1 }] };
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
