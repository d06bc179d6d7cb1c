import type { JsonValue } from '@provability-fabric/kernel';
import {
  CEDAR_IR_FORMAT,
  type CedarIr,
  type CedarPolicy,
  type CedarSchema,
} from '@provability-fabric/policy/cedar';
import { type CedarWasm, withCedarWasm } from './cedar-wasm.ts';
import { lowerSchema } from './lower-schema.ts';
import { nestingProblem } from './nesting.ts';
import { type CedarProblem, problemAt } from './problem.ts';
import { readPolicy, repeatedIds } from './read-policies.ts';
import { oversizedType } from './schema-size.ts';
import { SourceText } from './source-text.ts';
import { type PolicySource, splitPolicies, writtenId } from './tokens.ts';
import { wasmProblems } from './wasm-problems.ts';

export interface CedarSources {
  readonly policies: CedarFile;
  /** With a schema, policies are validated strictly against it, and what the validator finds are errors. */
  readonly schema?: CedarFile;
  /**
   * Every policy must have an `@id` that can be a clause id. Otherwise one without is `policyN`, as in Cedar.
   */
  readonly requireIds?: boolean;
}

export interface CedarFile {
  readonly path: string;
  readonly text: string;
}

export type CompiledCedar =
  | { readonly ok: true; readonly ir: CedarIr; readonly warnings: readonly CedarProblem[] }
  | { readonly ok: false; readonly errors: readonly CedarProblem[] };

interface Read<T> {
  readonly value: T;
  readonly errors: readonly CedarProblem[];
  readonly warnings: readonly CedarProblem[];
}

/**
 * Cedar text to IR: cedar-wasm parses, validates and converts. What it accepts and we could not run exactly
 * is refused.
 */
export async function compileCedar(sources: CedarSources): Promise<CompiledCedar> {
  const policies = new SourceText(sources.policies.path, sources.policies.text);
  const schema = sources.schema && new SourceText(sources.schema.path, sources.schema.text);
  const nested = [policies, ...(schema ? [schema] : [])]
    .map(nestingProblem)
    .find((problem) => problem !== undefined);
  if (nested) return { ok: false, errors: [nested] };
  const compiled = await withCedarWasm((cedar) =>
    compile(cedar, policies, schema, sources.requireIds ?? false),
  );
  return compiled ?? { ok: false, errors: [problemAt(policies, 0, OVERFLOW)] };
}

const OVERFLOW = {
  message: 'expected policies that cedar-wasm can take, got an expression so long that its stack overflows',
  mend: 'split the longest condition into several policies',
};

function compile(
  cedar: CedarWasm,
  policyText: SourceText,
  schemaText: SourceText | undefined,
  requireIds: boolean,
): CompiledCedar {
  const schema = schemaText ? readSchema(cedar, schemaText) : NO_SCHEMA;
  const written = splitPolicies(policyText.text);
  const policies = readPolicies(cedar, policyText, written, requireIds);
  const errors = [...schema.errors, ...policies.errors];
  if (errors.length > 0) return { ok: false, errors };

  const findings = schemaText ? validate(cedar, policyText, schemaText, written) : NO_FINDINGS;
  if (findings.errors.length > 0) return { ok: false, errors: findings.errors };
  const ir: CedarIr = { format: CEDAR_IR_FORMAT, policies: policies.value, schema: schema.value };
  return { ok: true, ir, warnings: [...schema.warnings, ...findings.warnings] };
}

const NO_SCHEMA: Read<null> = { value: null, errors: [], warnings: [] };
const NO_FINDINGS: Read<undefined> = { value: undefined, errors: [], warnings: [] };

function readSchema(cedar: CedarWasm, source: SourceText): Read<CedarSchema | null> {
  const nowhere = (): undefined => undefined;
  const answer = cedar.schemaToJsonWithResolvedTypes(source.text);
  if (answer.type === 'failure') {
    return { value: null, errors: wasmProblems(source, answer.errors, nowhere), warnings: [] };
  }
  const value = lowerSchema(answer.json as unknown as JsonValue);
  const oversized = oversizedType(value);
  if (oversized === undefined)
    return { value, errors: [], warnings: wasmProblems(source, answer.warnings, nowhere) };
  const problem = problemAt(source, 0, {
    message: `expected types of reasonable size, got \`${oversized}\`, which holds too many fields written out`,
    mend: 'use fewer levels of types within types',
  });
  return { value: null, errors: [problem], warnings: [] };
}

function readPolicies(
  cedar: CedarWasm,
  source: SourceText,
  written: readonly PolicySource[],
  requireIds: boolean,
): Read<readonly CedarPolicy[]> {
  const parts = cedar.policySetTextToParts(source.text);
  if (parts.type === 'failure') {
    return { value: [], errors: wasmProblems(source, parts.errors, clauseAt(written)), warnings: [] };
  }
  if (parts.policies.length + parts.policy_templates.length !== written.length) {
    throw new Error(`expected to split the policies as cedar-wasm does, got ${written.length} parts`);
  }
  const read = written.map((policy, number) => readPolicy(cedar, source, policy, number, requireIds));
  const value = read.flatMap((result) => (result.ok ? [result.policy] : []));
  const errors = read.flatMap((result) => (result.ok ? [] : [result.problem]));
  return { value, errors: [...errors, ...repeatedIds(source, value)], warnings: [] };
}

function validate(
  cedar: CedarWasm,
  source: SourceText,
  schema: SourceText,
  written: readonly PolicySource[],
): Read<undefined> {
  const answer = cedar.validate({ schema: schema.text, policies: { staticPolicies: source.text } });
  if (answer.type === 'failure') {
    // The policies have been parsed: what is left to be wrong as a whole is the schema, such as a cycle of
    // types.
    return { value: undefined, errors: wasmProblems(schema, answer.errors, () => undefined), warnings: [] };
  }
  const problems = (
    found: readonly { readonly error: (typeof answer.validationErrors)[number]['error'] }[],
  ) =>
    wasmProblems(
      source,
      found.map(({ error }) => error),
      clauseAt(written),
    );
  return {
    value: undefined,
    errors: problems(answer.validationErrors),
    warnings: problems(answer.validationWarnings),
  };
}

function clauseAt(written: readonly PolicySource[]): (index: number) => string | undefined {
  return (index) => {
    const number = written.findIndex(({ start, end }) => index >= start && index < end);
    const policy = written[number];
    return policy && (writtenId(policy) ?? `policy${number}`);
  };
}
