import { isJsonObject, type JsonValue, type Label } from '@provability-fabric/kernel';

/** What a handle stands for. */
export interface HeldValue {
  readonly value: JsonValue;
  /** What pointers lead into, where that is not the value: the payload that a text, or a list of blocks, stands for. */
  readonly payload?: JsonValue;
  /** What all that stands in it carries. */
  readonly label: Label;
  /** The tool or document whose result it stood in. */
  readonly tool: string;
  /** Where it stood, from the payload of that result. */
  readonly path: readonly string[];
  /** A bit for each place that some demand names, as in `ResultPattern`. */
  readonly places: number;
  /** Whether it counts as a value of that tool: what an action answers that did not succeed does not. */
  readonly vouches: boolean;
  /** How the texts of that tool write records. */
  readonly text: 'json' | 'yaml';
}

/** About how much memory a value takes, in bytes; never less than half of it. */
export function sizeOf(value: JsonValue): number {
  if (typeof value === 'string') return 16 + value.length * 2;
  if (Array.isArray(value)) {
    return (value as readonly JsonValue[]).reduce<number>((sum, item) => sum + sizeOf(item), 16);
  }
  if (!isJsonObject(value)) return 16;
  return Object.entries(value).reduce((sum, [key, item]) => sum + 16 + key.length * 2 + sizeOf(item), 16);
}
