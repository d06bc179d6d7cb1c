import { type EntityStore, entityStore } from './entity-store.ts';
import { CedarError } from './errors.ts';
import { CEDAR_IR_FORMAT, type CedarAnnotation, type CedarEffect, type CedarIr } from './ir.ts';
import { type LoadedPolicy, loadPolicy } from './policy.ts';
import { ScopeIndex } from './scope-index.ts';
import { type CedarRequest, Situation } from './situation.ts';
import { EntityUid } from './values.ts';

/** All lists are in policy order. */
export interface CedarDecision {
  readonly decision: 'allow' | 'deny';
  /** The permits that allow, or the forbids that deny; empty where nothing permits. */
  readonly determining: readonly string[];
  /** All permits that apply, also where a forbid overrides them. */
  readonly permits: readonly string[];
  readonly forbids: readonly string[];
  /** Policies whose scope matches and whose conditions could not be evaluated. Cedar skips them. */
  readonly errors: readonly CedarEvaluationError[];
}

export interface CedarEvaluationError {
  readonly policy: string;
  readonly message: string;
}

export interface CedarPolicySummary {
  readonly id: string;
  readonly effect: CedarEffect;
  readonly annotations: readonly CedarAnnotation[];
}

/** Both in policy order. */
export interface CedarScopes {
  /** The permits that their conditions may let apply. */
  readonly permits: readonly string[];
  /** The forbids that apply whatever else is so, since no condition restricts them. */
  readonly forbids: readonly string[];
}

export interface CedarEvaluator {
  readonly policies: readonly CedarPolicySummary[];
  effectOf(policy: string): CedarEffect | undefined;
  /** Exactly Cedar's authorizer. Total: it never throws. */
  evaluate(request: CedarRequest): CedarDecision;
  /** What scopes alone say of a request, whatever its context and its entities' attributes. */
  inScope(request: CedarRequest): CedarScopes;
}

/**
 * Compiles every condition and indexes every scope once. Throws CedarError if the IR is not what the compiler
 * writes.
 */
export function loadCedar(ir: CedarIr): CedarEvaluator {
  if (ir.format !== CEDAR_IR_FORMAT) {
    throw new CedarError('CEDAR_IR', `expected the format \`${CEDAR_IR_FORMAT}\`, got \`${ir.format}\``);
  }
  return new Evaluator(ir);
}

interface Finding {
  readonly position: number;
  readonly message: string;
}

class Evaluator implements CedarEvaluator {
  readonly policies: readonly CedarPolicySummary[];
  private readonly loaded: readonly LoadedPolicy[];
  private readonly effects: ReadonlyMap<string, CedarEffect>;
  private readonly index: ScopeIndex;
  private readonly actions: EntityStore;

  constructor(ir: CedarIr) {
    this.policies = ir.policies.map(({ id, effect, annotations }) => ({ id, effect, annotations }));
    this.effects = new Map(ir.policies.map(({ id, effect }) => [id, effect]));
    if (this.effects.size < ir.policies.length) {
      throw new CedarError('CEDAR_IR', 'expected policies with ids of their own, got one id twice');
    }
    this.loaded = ir.policies.map(loadPolicy);
    this.index = new ScopeIndex(this.loaded.map(({ scope }) => scope));
    this.actions = entityStore(
      (ir.schema?.actions ?? []).map(({ entity, parents }) => ({
        uid: new EntityUid(entity.type, entity.id),
        parents: parents.map(({ type, id }) => new EntityUid(type, id)),
      })),
    );
  }

  effectOf(policy: string): CedarEffect | undefined {
    return this.effects.get(policy);
  }

  evaluate(request: CedarRequest): CedarDecision {
    const situation = new Situation(request, this.actions);
    const permits: number[] = [];
    const forbids: number[] = [];
    const findings: Finding[] = [];
    this.index.matching(situation, (position) => {
      const policy = this.loaded[position];
      if (!policy) return;
      const holds = policy.holds(situation);
      if (holds === true) (policy.effect === 'permit' ? permits : forbids).push(position);
      else if (holds !== false) findings.push({ position, message: holds.message });
    });
    const permitting = this.named(permits);
    const forbidding = this.named(forbids);
    const allowed = permitting.length > 0 && forbidding.length === 0;
    return {
      decision: allowed ? 'allow' : 'deny',
      determining: allowed ? permitting : forbidding,
      permits: permitting,
      forbids: forbidding,
      errors: this.errors(findings),
    };
  }

  inScope(request: CedarRequest): CedarScopes {
    const permits: number[] = [];
    const forbids: number[] = [];
    this.index.matching(new Situation(request, this.actions), (position) => {
      const policy = this.loaded[position];
      if (policy?.effect === 'permit') permits.push(position);
      else if (policy?.unconditional) forbids.push(position);
    });
    return { permits: this.named(permits), forbids: this.named(forbids) };
  }

  /** In policy order, each once: a policy filed under several actions may have been visited under each. */
  private named(positions: number[]): readonly string[] {
    if (positions.length > 1) positions.sort((a, b) => a - b);
    const ids: string[] = [];
    for (const [index, position] of positions.entries()) {
      if (position !== positions[index - 1]) ids.push(this.loaded[position]?.id ?? '');
    }
    return ids;
  }

  private errors(findings: readonly Finding[]): readonly CedarEvaluationError[] {
    const messages = new Map(findings.map(({ position, message }) => [position, message]));
    const positions = [...messages.keys()];
    return this.named(positions).map((policy, index) => ({
      policy,
      message: messages.get(positions[index] ?? -1) ?? '',
    }));
  }
}
