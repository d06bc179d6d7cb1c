import {
  asClauseId,
  asTenantId,
  asToolName,
  type Digest,
  field,
  type JsonValue,
  label,
  parsePointer,
} from '@provability-fabric/kernel';
import { checkReferences } from './bundle-references.ts';
import type { CedarIr } from './cedar/index.ts';
import { FIELD_TYPES } from './checks/flow/field-types.ts';
import { approvalMembers, approvalRule } from './checks/holds/read-approval.ts';
import { secretsReader } from './checks/secrets/read-rules.ts';
import { automataDocument, eventClass, tracePatterns } from './checks/trace/read-automata.ts';
import {
  BUNDLE_FORMAT,
  type Clause,
  type CompiledBundle,
  type DocumentRule,
  type LabelTemplate,
  type ParameterRule,
  type ResultSet,
  type Source,
  type StoreRule,
  type ToolAmount,
  type ToolRule,
} from './compiled-bundle.ts';
import { handlesReader } from './handles/read-handles.ts';
import {
  byName,
  flag,
  integer,
  isLine,
  listOf,
  malformed,
  matching,
  members,
  objectAt,
  oneOf,
  optional,
  orNull,
  type Reader,
  textThat,
} from './structure.ts';

/**
 * A compiled bundle from JSON that anyone may have written (an evidence file carries its own). Total and
 * strict: what it returns, `step` can run without finding something missing. The inside of `cedar` is
 * `loadCedar`'s to check. Throws PolicyError BUNDLE_MALFORMED.
 */
export function parseCompiledBundle(value: JsonValue): CompiledBundle {
  const bundle = readBundle(value, 'bundle');
  checkReferences(bundle);
  return bundle;
}

const toolName = textThat('a tool name', asToolName);
const clauseId = textThat('a clause id', asClauseId);
const tenant = textThat('a tenant id', asTenantId);
const name: Reader<string> = matching(
  /^[A-Za-z0-9._-]{1,64}$/,
  'a name of 1 to 64 characters out of A-Z a-z 0-9 . _ -',
);
const line: Reader<string> = textThat(
  'a line of 1 to 256 characters',
  (text) => text.length <= 256 && isLine(text),
);
const pattern: Reader<string> = textThat(
  'a pattern of 1 to 1024 characters',
  (text) => text.length <= 1024 && isLine(text),
);
const pointer = textThat('a JSON pointer', parsePointer);
const digest = matching<Digest>(/^[0-9a-f]{64}$/, '64 lowercase hex digits');
const mode = oneOf('shadow', 'monitor', 'enforce');
const effect = oneOf('read', 'write', 'egress', 'admin');
const instant = integer(0);

const labelMembers = members<LabelTemplate>({
  level: oneOf('public', 'internal', 'confidential', 'secret'),
  compartments: listOf(
    textThat('a compartment', (text) =>
      label('public', [text === 'tenant:{tenant}' ? 'tenant:any' : text], 'trusted'),
    ),
  ),
  integrity: oneOf('trusted', 'untrusted'),
});

/** In its one form, compartments ascending, so that two templates are equal exactly if their bytes are. */
const labelTemplate: Reader<LabelTemplate> = (value, where) => {
  const template = labelMembers(value, where);
  const ascending = template.compartments.every(
    (item, at) => at === 0 || (template.compartments[at - 1] as string) < item,
  );
  return ascending ? template : malformed(where, 'compartments in ascending order, each once', value);
};

/** A member of a union, chosen by the object's own `kind`. */
function byKind<T>(readers: Readonly<Record<string, Reader<T>>>): Reader<T> {
  return (value, where) => {
    const kind = field(value, 'kind');
    if (typeof kind !== 'string' || !Object.hasOwn(readers, kind)) {
      return malformed(`${where}.kind`, Object.keys(readers).join(' or '), kind);
    }
    return (readers[kind] as Reader<T>)(value, where);
  };
}

const source = byKind<Source>({
  prompt: members({ kind: oneOf('prompt') }),
  constant: members({ kind: oneOf('constant'), set: name }),
  result: members({ kind: oneOf('result'), tool: toolName, field: orNull(pointer) }),
  unknown: members({ kind: oneOf('unknown') }),
});

const parameterRule = members<ParameterRule>({
  from: orNull(listOf(source, 1)),
  endorse: listOf(source),
  trusted: flag,
  same_tenant: flag,
  member_of: orNull(members<ResultSet>({ tool: toolName, field: pointer })),
  stores: orNull(listOf(name, 1)),
  optional: flag,
});

const toolAmount = byKind<ToolAmount>({
  fixed: members({ kind: oneOf('fixed'), micro: integer(0) }),
  argument: members({ kind: oneOf('argument'), pointer }),
});

const toolRule = members<ToolRule>({
  effect,
  once: flag,
  returns: orNull(labelTemplate),
  fields: byName(pointer, labelTemplate),
  text: oneOf('json', 'yaml'),
  clearance: orNull(labelTemplate),
  parameters: byName(pointer, parameterRule),
  cost: optional(toolAmount),
  epsilon: optional(toolAmount),
});

const storeRule = members<StoreRule>({
  paths: listOf(pattern, 1),
  label: labelTemplate,
  accepts: labelTemplate,
});
const documentRule = members<DocumentRule>({
  uri: pattern,
  label: labelTemplate,
  clearance: optional(labelTemplate),
});
const common = {
  id: clauseId,
  mode,
  severity: oneOf('low', 'medium', 'high', 'critical'),
  owner: line,
  expires: orNull(instant),
  critical: flag,
  description: textThat('text of at most 1024 characters', (text) => text.length <= 1024),
};

const clause = byKind<Clause>({
  permit: members({ ...common, kind: oneOf('permit') }),
  trace: members({
    ...common,
    kind: oneOf('trace'),
    pattern: byKind(tracePatterns),
  }),
  flow: members({
    ...common,
    kind: oneOf('flow'),
    rule: oneOf('session_label', 'parameters'),
    on: eventClass,
  }),
  release: members({
    ...common,
    kind: oneOf('release'),
    rule: oneOf('declassify', 'endorse'),
    on: eventClass,
    parameter: orNull(pointer),
    type: orNull(oneOf(...FIELD_TYPES)),
    from: labelTemplate,
    to: labelTemplate,
    approver: optional(approvalRule),
  }),
  hold: members({ ...common, kind: oneOf('hold'), on: eventClass, ...approvalMembers }),
  limit: members({
    ...common,
    kind: oneOf('limit'),
    on: eventClass,
    max: integer(1),
    window_ms: orNull(integer(1)),
    tolerance_ms: integer(0),
    per: optional(oneOf('principal', 'tenant', 'tool')),
    unit: optional(oneOf('bytes', 'cost', 'epsilon')),
  }),
});

const constant: Reader<JsonValue> = (value, where) => {
  const scalar =
    value === null || typeof value === 'string' || typeof value === 'boolean' || Number.isSafeInteger(value);
  return scalar ? (value as JsonValue) : malformed(where, 'text, a whole number, true, false or null', value);
};

const readBundle = members<CompiledBundle>({
  format: oneOf(BUNDLE_FORMAT),
  name: matching(/^[a-z0-9-]{1,64}$/, 'a bundle name of 1 to 64 characters out of a-z 0-9 -'),
  version: integer(1),
  owner: line,
  expires: orNull(instant),
  tenants: listOf(tenant, 1),
  assurance: oneOf('standard', 'high'),
  default_mode: mode,
  compiler: line,
  sources: byName(pattern, digest),
  constants: byName(name, listOf(constant)),
  tools: byName((key, where) => (key === '*' ? '*' : toolName(key, where)), toolRule),
  documents: listOf(documentRule),
  stores: byName(name, storeRule),
  clauses: listOf(clause),
  handles: optional(handlesReader({ labelTemplate, toolName, pointer, name, line })),
  secrets: optional(secretsReader({ toolName, pointer, line })),
  cedar: (value, where) => objectAt(value, where) as unknown as CedarIr,
  automata: automataDocument,
  hashes: members({ policy: digest, automata: digest, labeler: digest }),
});
