import { type Integrity, type JsonValue, type Level, readPointer } from '@provability-fabric/kernel';
import { matchesWildcard } from './cedar/wildcard.ts';
import type { Event } from './checks/check.ts';
import type { ToolEffect } from './compiled-bundle.ts';
import { handlesAround } from './handles/used-handles.ts';

/** Which events a clause speaks of: all that keep every member. A null member does not restrict; within a list one suffices. */
export interface EventClass {
  readonly tools: readonly string[] | null;
  readonly effects: readonly ToolEffect[] | null;
  /** What the session had read when the event was asked for. */
  readonly label: LabelCondition | null;
  /** By JSON pointer into the arguments, `*` for every element. */
  readonly args: Readonly<Record<string, ArgumentCondition>> | null;
  readonly principal: PrincipalCondition | null;
}

export interface LabelCondition {
  readonly at_least: Level | null;
  /** Compartments, of which the label has one; `tenant:{tenant}` is the acting tenant's. */
  readonly holds: readonly string[] | null;
  readonly integrity: Integrity | null;
}

export interface PrincipalCondition {
  readonly ids: readonly string[] | null;
  readonly roles: readonly string[] | null;
}

export type ScalarConstant = string | number | boolean | null;

/** What an argument must be; every member that is not null must hold. */
export interface ArgumentCondition {
  readonly present: boolean | null;
  /** One of these, type and all. */
  readonly equals: readonly ScalarConstant[] | null;
  /** Text that one of these patterns describes; `*` is any run of characters. */
  readonly matches: readonly string[] | null;
  readonly at_least: number | null;
  readonly at_most: number | null;
}

/** `unknown`: the agent left out, or wrote in another type, what the class asks for. */
export type Membership = 'in' | 'out' | 'unknown';

/** For what restricts: what cannot be told belongs to the class, or leaving out an argument would lead past a prohibition. */
export function matches(on: EventClass, event: Event): boolean {
  return membership(on, event) !== 'out';
}

/** Whether every event of a tool, or of documents (null), belongs to the class, whatever is asked of it and by whom. */
export function covers(on: EventClass, tool: string | null, effect: ToolEffect): boolean {
  const named = on.tools === null || (tool !== null && on.tools.includes(tool));
  const does = on.effects?.includes(effect) ?? true;
  return named && does && on.label === null && on.args === null && on.principal === null;
}

const RANK: Readonly<Record<Level, number>> = { public: 0, internal: 1, confidential: 2, secret: 3 };

export function membership(on: EventClass, event: Event): Membership {
  const { action } = event.intent;
  let sofar: Membership = 'in';
  if (on.tools !== null) {
    if (!on.tools.includes(action.target)) return 'out';
    // A document may have a tool's name for its URI.
    if (action.kind !== 'call') sofar = 'unknown';
  }
  if (on.effects !== null) {
    if (event.effect === undefined) sofar = 'unknown';
    else if (!on.effects.includes(event.effect)) return 'out';
  }
  if (on.principal !== null && !isPrincipal(on.principal, event)) return 'out';
  if (on.label !== null && !hasLabel(on.label, event)) return 'out';
  if (on.args === null) return sofar;
  for (const [pointer, condition] of Object.entries(on.args)) {
    const found =
      hiddenMembership(condition, event, pointer) ??
      argumentMembership(condition, readPointer(action.args, pointer));
    if (found === 'out') return 'out';
    if (found === 'unknown') sofar = 'unknown';
  }
  return sofar;
}

function isPrincipal({ ids, roles }: PrincipalCondition, { intent: { principal } }: Event): boolean {
  if (ids !== null && !ids.includes(principal.id)) return false;
  return roles === null || roles.some((role) => principal.roles.includes(role));
}

function hasLabel({ at_least, holds, integrity }: LabelCondition, { label, intent }: Event): boolean {
  if (at_least !== null && RANK[label.level] < RANK[at_least]) return false;
  if (integrity !== null && label.integrity !== integrity) return false;
  if (holds === null) return true;
  const own = `tenant:${intent.principal.tenant}`;
  return holds.some((name) => label.compartments.includes(name === 'tenant:{tenant}' ? own : name));
}

/** What a handle stands for is not looked at, or a refusal would tell of it: whether it is in the class cannot be told. */
function hiddenMembership(
  { present, equals, matches: patterns, at_least, at_most }: ArgumentCondition,
  { used }: Event,
  pointer: string,
): Membership | undefined {
  const { above, within } = handlesAround(used, pointer);
  if (above.length === 0 && within.length === 0) return undefined;
  const isThere =
    present !== null && equals === null && patterns === null && at_least === null && at_most === null;
  return isThere && above.length === 0 ? undefined : 'unknown';
}

/** Several values are in if all are and out if none is: otherwise one among many would decide for the others. */
function argumentMembership(condition: ArgumentCondition, values: readonly JsonValue[]): Membership {
  if (condition.present !== null && condition.present !== values.length > 0) return 'out';
  const { equals, matches: patterns, at_least, at_most } = condition;
  if (equals === null && patterns === null && at_least === null && at_most === null) return 'in';
  const [first, ...rest] = values.map((value) => valueMembership(condition, value));
  if (first === undefined) return 'unknown';
  return rest.every((membershipOf) => membershipOf === first) ? first : 'unknown';
}

function valueMembership(condition: ArgumentCondition, value: JsonValue): Membership {
  const { equals, matches: patterns, at_least, at_most } = condition;
  if (equals !== null) {
    if (!equals.some((constant) => sameType(constant, value))) return 'unknown';
    if (!equals.some((constant) => constant === value)) return 'out';
  }
  if (patterns !== null) {
    if (typeof value !== 'string') return 'unknown';
    if (!patterns.some((pattern) => matchesWildcard(value, pattern.split('*')))) return 'out';
  }
  if (at_least !== null || at_most !== null) {
    if (typeof value !== 'number' && typeof value !== 'bigint') return 'unknown';
    if (at_least !== null && value < at_least) return 'out';
    if (at_most !== null && value > at_most) return 'out';
  }
  return 'in';
}

/** An integer beyond 2^53 is a bigint here and a number to whoever wrote it. */
function sameType(constant: ScalarConstant, value: JsonValue): boolean {
  if (constant === null) return value === null;
  return typeof constant === (typeof value === 'bigint' ? 'number' : typeof value);
}
