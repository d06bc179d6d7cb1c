import {
  isJsonObject,
  type JsonValue,
  joinLabels,
  type Label,
  parsePointer,
} from '@provability-fabric/kernel';
import { looksLikeHandle } from './handle-text.ts';
import { type HandlesState, heldValue } from './handles-state.ts';
import type { HeldValue } from './held-value.ts';

/** A handle in an argument. */
export interface UsedHandle {
  readonly id: string;
  readonly path: readonly string[];
  readonly held: HeldValue;
}

/** Of one action: each may stand for a large value. */
const MAX_USES = 16;

export interface FoundHandles {
  readonly used: readonly UsedHandle[];
  /** Where something stands that wants to be a handle and is none of this session; never which of the reasons. */
  readonly invalid: readonly (readonly string[])[];
}

/**
 * The handles in some arguments. One stands for its value only as a whole value: inside a longer text it would be sent
 * on as it is, and as the name of a member it would say more than a value.
 */
export function handlesIn(state: HandlesState, args: JsonValue): FoundHandles {
  const used: UsedHandle[] = [];
  const invalid: (readonly string[])[] = [];
  // Each is a reason on record: the agent must not choose how many.
  const refuse = (path: readonly string[]) => void (invalid.length < MAX_USES && invalid.push(path));
  const visit = (value: JsonValue, path: readonly string[]): void => {
    if (typeof value === 'string') {
      if (!looksLikeHandle(value)) return;
      const held = heldValue(state, value);
      if (held === undefined || used.length >= MAX_USES) refuse(path);
      else used.push({ id: value, path, held });
    } else if (Array.isArray(value)) {
      for (const [index, item] of (value as readonly JsonValue[]).entries())
        visit(item, [...path, String(index)]);
    } else if (isJsonObject(value)) {
      for (const [key, member] of Object.entries(value)) {
        if (looksLikeHandle(key)) refuse(path);
        visit(member, [...path, key]);
      }
    }
  };
  visit(args, []);
  return { used, invalid };
}

/** The arguments with the values of the handles in their places. What a value holds is not looked into again. */
export function resolved(state: HandlesState, value: JsonValue): JsonValue {
  if (typeof value === 'string') {
    return looksLikeHandle(value) ? (heldValue(state, value)?.value ?? value) : value;
  }
  if (Array.isArray(value)) return (value as readonly JsonValue[]).map((item) => resolved(state, item));
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, resolved(state, member)]));
}

/** The arguments with null in the places of the handles: a condition that looks there cannot be told. */
export function withoutHandles(value: JsonValue, used: readonly UsedHandle[]): JsonValue {
  const ids = new Set(used.map(({ id }) => id));
  const blanked = (part: JsonValue): JsonValue => {
    if (typeof part === 'string') return ids.has(part) ? null : part;
    if (Array.isArray(part)) return (part as readonly JsonValue[]).map(blanked);
    if (!isJsonObject(part)) return part;
    return Object.fromEntries(Object.entries(part).map(([key, member]) => [key, blanked(member)]));
  };
  return blanked(value);
}

export function withHandles(label: Label, used: readonly UsedHandle[] | undefined): Label {
  return (used ?? []).reduce((joined, { held }) => joinLabels(joined, held.label), label);
}

/** How handles lie to a pointer: what it names may be part of a hidden value, or may be or hold one. */
export function handlesAround(
  used: readonly UsedHandle[] | undefined,
  pointer: string,
): { readonly above: readonly UsedHandle[]; readonly within: readonly UsedHandle[] } {
  if (used === undefined || used.length === 0) return NONE;
  const tokens = parsePointer(pointer);
  const agrees = (path: readonly string[], length: number) =>
    tokens.slice(0, length).every((token, at) => token === '*' || token === path[at]);
  return {
    above: used.filter(({ path }) => path.length < tokens.length && agrees(path, path.length)),
    within: used.filter(({ path }) => path.length >= tokens.length && agrees(path, tokens.length)),
  };
}

const NONE = { above: [], within: [] };
