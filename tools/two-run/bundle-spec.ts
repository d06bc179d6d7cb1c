import type { JsonObject, Label } from '@provability-fabric/kernel';

// What a random bundle says, in a form that the sources are rendered from and that the harness reads its own truth off:
// it never asks the policy package what a label is.

export const TENANT = 'acme';

export interface BundleSpec {
  readonly tools: readonly ToolSpec[];
  readonly stores: readonly StoreSpec[];
  readonly documents: readonly DocumentSpec[];
  readonly releases: readonly ReleaseSpec[];
  /** Trace and limit clauses as bundle.yaml has them. */
  readonly restrictions: readonly JsonObject[];
  /** Conditions of Cedar forbids. */
  readonly forbids: readonly string[];
  /** null: the agent sees all results. */
  readonly handles: HandlesSpec | null;
}

/** The most that the agent sees, and what may be taken out of the rest. */
export interface HandlesSpec {
  readonly clearance: Label;
  readonly extract: readonly ExtractSpec[];
}

export interface ExtractSpec {
  readonly tool: string;
  /** A member of its records; null: anything that it answers. */
  readonly field: string | null;
  readonly types: readonly ('date' | 'amount' | 'id')[];
  readonly label: Label;
}

export interface ToolSpec {
  readonly name: string;
  readonly effect: 'read' | 'write' | 'egress' | 'admin';
  readonly once: boolean;
  /** null: what its stores say. */
  readonly returns: Label | null;
  /** By name of a member of each record that it answers. */
  readonly fields: readonly { readonly name: string; readonly label: Label }[];
  readonly clearance: Label | null;
  readonly parameters: readonly ParameterSpec[];
}

export interface ParameterSpec {
  /** The argument it is about; `pointer` may name each element of it. */
  readonly name: string;
  readonly pointer: string;
  readonly stores: readonly string[] | null;
  readonly from: readonly SourceSpec[] | null;
  readonly endorse: readonly SourceSpec[];
  readonly trusted: boolean;
  readonly optional: boolean;
}

export type SourceSpec = 'prompt' | 'unknown' | { readonly constant: string } | { readonly result: string };

/** Its paths are those below its name. */
export interface StoreSpec {
  readonly name: string;
  readonly label: Label;
  readonly accepts: Label;
}

export interface DocumentSpec {
  readonly uri: string;
  readonly label: Label;
}

export interface ReleaseSpec {
  readonly id: string;
  readonly rule: 'declassify' | 'endorse';
  readonly tool: string;
  readonly parameter: string | null;
  readonly type: 'date' | 'amount' | 'id' | null;
  readonly from: Label;
  readonly to: Label;
}

/** Values that the bundle vouches for. */
export const CONSTANTS: Readonly<Record<string, readonly string[]>> = {
  team: ['team@acme.example', 'desk@acme.example'],
};
