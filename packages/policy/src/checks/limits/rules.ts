import type { EventClass } from '../../event-class.ts';

/** `session` is what an absent `per` means: bundles that count nothing else are the same bytes as ever. */
export type SharedKey = 'principal' | 'tenant' | 'tool';
/** What is added up; `calls`, the default, stands for itself and is absent from the compiled form. */
export type AmountUnit = 'bytes' | 'cost' | 'epsilon';

export interface LimitRule {
  readonly on: EventClass;
  /** Of cost and epsilon in micro-units, of calls and bytes as they are. */
  readonly max: number;
  /** Sliding window in ms, both edges inclusive; null: a budget, for as long as what it is counted for lasts. */
  readonly window_ms: number | null;
  /** Clock tolerance: widens the window, so it never loosens the limit. */
  readonly tolerance_ms: number;
  readonly per?: SharedKey;
  readonly unit?: AmountUnit;
}

/** What one call of a tool takes from a limit of that unit. */
export type ToolAmount =
  | { readonly kind: 'fixed'; readonly micro: number }
  /** The sum of the numbers at a JSON pointer into the arguments. */
  | { readonly kind: 'argument'; readonly pointer: string };
