import type { LabelTemplate } from '../checks/flow/rules.ts';
import type { ExtractType } from './extract-types.ts';

/** What agents may see; what is above it they get as handles. */
export interface HandlesRule {
  /** The most that an agent sees in the clear. */
  readonly clearance: LabelTemplate;
  /** The first one with a role that the agent has holds in its place. */
  readonly roles: readonly RoleClearance[];
  /** What may be taken out of hidden values; none: there is no such tool. */
  readonly extract: readonly ExtractRule[];
}

export interface RoleClearance {
  readonly roles: readonly string[];
  readonly clearance: LabelTemplate;
}

/** A release by type: a value of the tool's results that has one of these forms counts as `label` once it is taken out. */
export interface ExtractRule {
  readonly tool: string;
  /** Where it stands, a pointer into the tool's result, `*` for every element; null: anywhere. */
  readonly field: string | null;
  readonly types: readonly ExtractType[];
  /** For `enum`: the sets of constants that one may be taken out of. */
  readonly of: readonly string[];
  readonly label: LabelTemplate;
}

/** The tool by which an agent asks for typed values; answered by the fabric itself, never sent on. */
export const EXTRACT_TOOL = 'fabric_extract';
