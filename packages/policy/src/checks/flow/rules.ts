import type { Integrity, Level } from '@provability-fabric/kernel';
import type { ToolEffect } from '../../compiled-bundle.ts';
import type { EventClass } from '../../event-class.ts';
import type { ApprovalRule } from '../holds/rules.ts';
import type { ToolAmount } from '../limits/rules.ts';
import type { FieldType } from './field-types.ts';

/** A label whose compartments may name the acting tenant as `tenant:{tenant}`. */
export interface LabelTemplate {
  readonly level: Level;
  readonly compartments: readonly string[];
  readonly integrity: Integrity;
}

export interface ToolRule {
  readonly effect: ToolEffect;
  /** Never sent again while an earlier sending is ambiguous. */
  readonly once: boolean;
  /** What its result carries; null: the label of the stores its parameters name. */
  readonly returns: LabelTemplate | null;
  /**
   * By JSON pointer into the result, `*` for every element: what that part carries. Never above `returns`, so that a
   * result of another shape than expected carries the most.
   */
  readonly fields: Readonly<Record<string, LabelTemplate>>;
  /** How its texts write records: JSON, or block YAML as well. */
  readonly text: 'json' | 'yaml';
  /** What may flow out through it; null: nothing leaves through this tool, or its stores say. */
  readonly clearance: LabelTemplate | null;
  /** By JSON pointer into the arguments, `*` for every element. */
  readonly parameters: Readonly<Record<string, ParameterRule>>;
  /** What a call takes from limits of cost and of privacy; absent: nothing. */
  readonly cost?: ToolAmount;
  readonly epsilon?: ToolAmount;
}

/** Where a value may have come from and still be used. */
export type Source =
  | { readonly kind: 'prompt' }
  | { readonly kind: 'constant'; readonly set: string }
  /** A whole value of the tool's results; with `field` only one that stood there. */
  | { readonly kind: 'result'; readonly tool: string; readonly field: string | null }
  /** The agent's own words: no untrusted result holds the value or a telling part of it, however written. */
  | { readonly kind: 'unknown' };

export interface ParameterRule {
  /** Any of these; null: no demand on the source. */
  readonly from: readonly Source[] | null;
  /** Sources that suffice even where a worse one is possible too. */
  readonly endorse: readonly Source[];
  /** Every possible source is trusted. */
  readonly trusted: boolean;
  /** No possible source belongs to another tenant. */
  readonly same_tenant: boolean;
  /** The value is one that trusted results held there; null: no such demand. */
  readonly member_of: ResultSet | null;
  /** The value is a path within one of these stores; null: not a path. */
  readonly stores: readonly string[] | null;
  /** May be absent from the arguments. A demand on a value that is absent and not optional is not met. */
  readonly optional: boolean;
}

/** The values that a tool's results held at a pointer. */
export interface ResultSet {
  readonly tool: string;
  readonly field: string;
}

/** What can be written and read back. Compiled only if `label` dominates `accepts`: no laundering through a file. */
export interface StoreRule {
  /** Relative path patterns; `*` within a segment, `**` any segments, `{tenant}` the acting tenant. */
  readonly paths: readonly string[];
  /** What is read from it. */
  readonly label: LabelTemplate;
  /** What may be written to it. */
  readonly accepts: LabelTemplate;
}

export interface DocumentRule {
  /** Pattern over the whole URI: `*` matches any run of characters. */
  readonly uri: string;
  readonly label: LabelTemplate;
  /** What its URI may say to whoever serves it; absent: anything. */
  readonly clearance?: LabelTemplate;
}

/** An exception to a restriction: open only while it is enforced, has not expired, and certainly applies. */
export interface ReleaseRule {
  /** `declassify`: may be sent although the session has read more. `endorse`: is trusted although it need not be. */
  readonly rule: 'declassify' | 'endorse';
  readonly on: EventClass;
  /** The argument released, a pointer; null: the whole call. */
  readonly parameter: string | null;
  /** Every value of the parameter has this type; null: any value. */
  readonly type: FieldType | null;
  /** The most that may be released. */
  readonly from: LabelTemplate;
  /** What it then counts as, strictly below `from`. */
  readonly to: LabelTemplate;
  /** Open only for a call that these have approved. */
  readonly approver?: ApprovalRule;
}
