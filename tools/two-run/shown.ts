import { isJsonObject, type JsonValue, type Label } from '@provability-fabric/kernel';
import { isHandle } from './agent.ts';
import type { AnswerLabels } from './ground-truth.ts';

/** A handle that the agent was given, and what the bundle says of what it stands for. */
export interface GivenHandle {
  readonly id: string;
  /** From the payload of the tool's answer. */
  readonly path: readonly string[];
  readonly label: Label;
}

/** What an answer says, out of its envelope: JSON in a text is the JSON. */
export function payloadOf(answer: JsonValue): JsonValue {
  if (isJsonObject(answer) && Array.isArray(answer.content)) {
    const [block] = answer.content as readonly JsonValue[];
    return payloadOf(isJsonObject(block) ? (block.text ?? null) : null);
  }
  return typeof answer === 'string' && /^[[{]/.test(answer) ? (JSON.parse(answer) as JsonValue) : answer;
}

export function scalarsOf(value: JsonValue): readonly (string | number)[] {
  if (Array.isArray(value)) return (value as readonly JsonValue[]).flatMap(scalarsOf);
  if (isJsonObject(value)) return Object.values(value).flatMap(scalarsOf);
  return typeof value === 'string' || typeof value === 'number' ? [value] : [];
}

/** What is not a field's is the whole's. */
export function handlesGiven(shown: JsonValue, { whole, fields }: AnswerLabels): readonly GivenHandle[] {
  const found: GivenHandle[] = [];
  const visit = (value: JsonValue, path: readonly string[]): void => {
    if (isHandle(value)) {
      const name = path.at(-1) ?? '';
      const rest = name === 'pf_handle' ? path.slice(0, -1) : path;
      found.push({ id: value, path: rest, label: fields.get(name) ?? whole });
    } else if (Array.isArray(value)) {
      for (const [index, item] of (value as readonly JsonValue[]).entries())
        visit(item, [...path, String(index)]);
    } else if (isJsonObject(value)) {
      for (const [key, member] of Object.entries(value)) visit(member, [...path, key]);
    }
  };
  visit(payloadOf(shown), []);
  return found;
}
