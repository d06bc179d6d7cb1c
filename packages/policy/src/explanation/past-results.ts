import type { JsonValue, Label } from '@provability-fabric/kernel';
import { flowsTo } from '@provability-fabric/kernel';
import type { Scalar } from '../checks/flow/arguments.ts';
import { type PartVisitor, type ResultPattern, visitResult } from '../checks/flow/result-parts.ts';
import type { OutcomeInput } from '../input.ts';
import type { Output } from '../output.ts';
import type { State } from '../state.ts';
import { formatPointer } from './pointer.ts';

/** A result that a session has read, as the flow check took it. */
export interface PastResult {
  /** Of the statement or event that it came with. */
  readonly place: number;
  readonly tool: string;
  readonly tenant: string;
  readonly label: Label;
  readonly patterns: readonly ResultPattern[];
  readonly text: 'json' | 'yaml';
  readonly result: JsonValue;
  readonly vouches: boolean;
  readonly seenUpTo: Label | null;
  /** That stand for what the agent did not see of it. */
  readonly handles: readonly string[];
}

/** `before` and `output` are the outcome's; undefined where nothing was read. */
export function pastResult(
  place: number,
  before: State,
  input: OutcomeInput,
  output: Output,
): PastResult | undefined {
  const { certificate_id: certificate, outcome, result } = input;
  const pending = before.pending.get(certificate) ?? before.ambiguous.get(certificate);
  if (pending === undefined || output.kind !== 'settled' || result === null) return undefined;
  const { target: tool, tenant, label, text, clearance } = pending;
  const vouches = outcome === 'done';
  const patterns = vouches ? pending.patterns : [];
  const seenUpTo = output.hidden === undefined ? null : (clearance ?? null);
  const handles = output.hidden === undefined ? [] : (input.handles?.ids ?? []);
  return { place, tool, tenant, label, patterns, text, result, vouches, seenUpTo, handles };
}

/** One value of a result, or the name of a member, and where it stands. */
export interface Leaf {
  /** From the payload of the result. */
  readonly pointer: string;
  readonly value: Scalar;
  readonly label: Label;
  readonly isName: boolean;
}

/** Beyond so many leaves of one result nobody is told where a value stood. */
const MAX_LEAVES = 8_192;

/** What the agent saw of a result, in its order. */
export function leavesOf(past: PastResult): readonly Leaf[] {
  const leaves: Leaf[] = [];
  const path: string[] = [];
  const add = (value: Scalar, label: Label, isName: boolean) => {
    const isSeen = past.seenUpTo === null || flowsTo(label, past.seenUpTo);
    if (isSeen && leaves.length < MAX_LEAVES)
      leaves.push({ pointer: formatPointer(path), value, label, isName });
  };
  const visitor: PartVisitor = {
    value: (value, label) => add(value, label, false),
    key: (key, label) => add(key, label, true),
    empty: () => undefined,
    enter: (token) => void path.push(token),
    leave: () => void path.pop(),
  };
  visitResult(past.result, past.label, past.patterns, visitor, past.text);
  return leaves;
}
