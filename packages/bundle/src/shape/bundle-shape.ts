import { asClauseId, asPrincipalId, asTenantId, asToolName } from '@provability-fabric/kernel';
import { EXTRACT_TYPES, FIELD_TYPES, parseInstant } from '@provability-fabric/policy';
import { z } from 'zod';
import { parseDuration } from '../duration.ts';
import { approvalKeys, approver } from './approval-shape.ts';
import {
  choice,
  filledList,
  flag,
  integer,
  isLineOfUpTo,
  line,
  list,
  map,
  matching,
  named,
  someNamed,
  someOf,
  textThat,
} from './shape.ts';

// The shape of bundle.yaml, in its own order; docs/reference/bundle.md explains each key.

const mode = choice(['enforce', 'monitor', 'shadow']);
const instant = textThat('a time like 2027-12-31T00:00:00Z', (text) => parseInstant(text) !== undefined);
const duration = (least: number) =>
  textThat(
    `a duration of at least ${least} ms like 90s, 1h or 1d12h`,
    (text) => (parseDuration(text) ?? -1) >= least,
  );
const toolName = textThat('a tool name out of A-Z a-z 0-9 . _ : @ / + -', asToolName);
const constantValue = z.union([z.string(), z.boolean(), z.null(), integer(Number.MIN_SAFE_INTEGER)], {
  error: 'text, a whole number below 2^53, true, false or null',
});

const level = choice(['public', 'internal', 'confidential', 'secret']);
const integrity = choice(['trusted', 'untrusted']);
const compartment = z.string({ error: 'a compartment' });
const label = map({ level, compartments: list(compartment).default([]), integrity });
const returned = map({
  level,
  compartments: list(compartment).default([]),
  integrity,
  fields: named(label).default({}),
  text: choice(['json', 'yaml']).default('json'),
});
/** Where integrity is left out, the store's own. */
const accepted = map({ level, compartments: list(compartment).default([]), integrity: integrity.optional() });

// The effects are checked with the names of tools, so that a wrong one gets the same kind of answer.
const effect = z.string({ error: 'an effect: read, write, egress or admin' });
const principalId = textThat('a principal id out of A-Z a-z 0-9 . _ : @ / + -', asPrincipalId);
const scalar = z.union([z.string(), z.boolean(), z.null(), integer(Number.MIN_SAFE_INTEGER)]);
const textPattern = textThat('a pattern of 1 to 1024 characters', isLineOfUpTo(1024));
const argument = someOf({
  present: flag.optional(),
  equals: z
    .union([scalar, filledList(scalar)], {
      error: 'text, a whole number, true, false, null, or a list of these',
    })
    .optional(),
  one_of: z.string({ error: 'the name of a set of constants' }).optional(),
  matches: z
    .union([textPattern, filledList(textPattern)], { error: 'a pattern of text, or a list of patterns' })
    .optional(),
  at_least: integer(Number.MIN_SAFE_INTEGER).optional(),
  at_most: integer(Number.MIN_SAFE_INTEGER).optional(),
});
const eventMembers = {
  tools: filledList(toolName).optional(),
  effects: filledList(effect).optional(),
  label: someOf({
    at_least: level.optional(),
    holds: filledList(compartment).optional(),
    integrity: integrity.optional(),
  }).optional(),
  args: someNamed(argument).optional(),
  principal: someOf({
    ids: filledList(principalId).optional(),
    roles: filledList(line).optional(),
  }).optional(),
};
const eventClass = map(eventMembers);
const namedEvents = someOf(eventMembers);

const source = z.union(
  [
    z.literal('prompt'),
    z.literal('unknown'),
    map({ constant: z.string() }),
    map({ result: toolName, field: z.string().optional() }),
  ],
  { error: 'a source: prompt, {constant: SET}, {result: TOOL}, {result: TOOL, field: POINTER} or unknown' },
);
const parameter = map({
  from: filledList(source).optional(),
  endorse: list(source).default([]),
  trusted: flag.default(false),
  same_tenant: flag.default(false),
  member_of: map({ result: toolName, field: z.string({ error: 'a JSON pointer' }) }).optional(),
  stores: filledList(z.string({ error: 'the name of a store' })).optional(),
  optional: flag.default(false),
});

const argumentAmount = map({ argument: z.string({ error: 'the name of an argument or a JSON pointer' }) });
const amount = z.union([z.number().nonnegative(), argumentAmount], {
  error: 'a number that is not negative, or { argument: NAME }',
});

const tool = map({
  effect,
  once: flag.default(false),
  returns: returned.optional(),
  clearance: label.optional(),
  parameters: named(parameter).default({}),
  cost: amount.optional(),
  epsilon: amount.optional(),
});

const store = map({
  paths: filledList(z.string({ error: 'a path pattern' })),
  label,
  accepts: accepted.optional(),
});
const uriPattern = textThat('a URI pattern of 1 to 1024 characters', isLineOfUpTo(1024));
const document = map({ uri: uriPattern, label, clearance: label.optional() });

const common = {
  id: textThat('a clause id out of A-Z a-z 0-9 . _ -', asClauseId),
  mode: mode.default('enforce'),
  severity: choice(['low', 'medium', 'high', 'critical']).default('medium'),
  owner: line.optional(),
  expires: instant.optional(),
  critical: flag.default(false),
  description: textThat('text of at most 1024 characters', (text) => text.length <= 1024).default(''),
};
const release = {
  ...common,
  kind: z.literal('flow'),
  // Which tools it opens is said, not left to a default.
  on: map({ ...eventMembers, tools: filledList(toolName) }),
  type: choice(FIELD_TYPES).optional(),
  from: label,
  to: label,
  approver: approver.optional(),
};
const RULES = ['session_label', 'parameters', 'declassify', 'endorse'] as const;
const restriction = { ...common, kind: z.literal('flow'), on: eventClass.default({}) };
const flow = z.discriminatedUnion(
  'rule',
  [
    map({ ...restriction, rule: z.literal('session_label') }),
    map({ ...restriction, rule: z.literal('parameters') }),
    map({
      ...release,
      rule: z.literal('declassify'),
      parameter: z.string({ error: 'a parameter' }).optional(),
    }),
    map({ ...release, rule: z.literal('endorse'), parameter: z.string({ error: 'a parameter' }) }),
  ],
  { error: (issue) => (issue.code === 'invalid_union' ? `one of ${RULES.join(', ')}` : 'a map') },
);
const LIMIT_MAX = 'a number above 0 and below 2^53';
const handles = map({
  clearance: label,
  roles: list(map({ roles: filledList(line), clearance: label })).default([]),
  extract: list(
    map({
      tool: toolName,
      field: z.string({ error: 'the name of a field or a JSON pointer' }).optional(),
      types: filledList(choice(EXTRACT_TYPES)),
      of: filledList(z.string({ error: 'the name of a set of constants' })).optional(),
      label,
    }),
  ).default([]),
});
const secret = map({
  name: line,
  tools: filledList(toolName),
  parameters: filledList(z.string({ error: 'the name of a parameter or a JSON pointer' })),
  principals: filledList(principalId).optional(),
  roles: filledList(line).optional(),
  embedded: flag.default(false),
});
const CLAUSE_KINDS = ['permit', 'trace', 'flow', 'limit', 'hold'] as const;
const clause = z.discriminatedUnion(
  'kind',
  [
    map({ ...common, kind: z.literal('permit') }),
    map({
      ...common,
      kind: z.literal('trace'),
      never: namedEvents.optional(),
      only: namedEvents.optional(),
      after: namedEvents.optional(),
      until: namedEvents.optional(),
      at_most: integer(1).optional(),
      of: namedEvents.optional(),
      // biome-ignore lint/suspicious/noThenProperty: the author's word; a map of the bundle is never awaited as a promise
      then: namedEvents.optional(),
      within: duration(1).optional(),
      tolerance: duration(0).optional(),
    }),
    flow,
    map({ ...common, kind: z.literal('hold'), on: eventClass.default({}), ...approvalKeys }),
    map({
      ...common,
      kind: z.literal('limit'),
      on: eventClass.default({}),
      max: z.number({ error: LIMIT_MAX }).positive({ error: LIMIT_MAX }),
      window: duration(1).optional(),
      tolerance: duration(0).default('0s'),
      per: choice(['session', 'principal', 'tenant', 'tool']).default('session'),
      unit: choice(['calls', 'bytes', 'cost', 'epsilon']).default('calls'),
    }),
  ],
  { error: (issue) => (issue.code === 'invalid_union' ? `one of ${CLAUSE_KINDS.join(', ')}` : 'a map') },
);

export const bundleShape = map({
  name: matching('a name of 1 to 64 characters out of a-z 0-9 -', /^[a-z0-9-]{1,64}$/),
  version: integer(1),
  owner: line,
  expires: instant.optional(),
  // As a path segment and as the compartment `tenant:ID`, so without `/` and short enough for both.
  tenants: filledList(
    textThat('a tenant id of 1 to 120 characters out of A-Z a-z 0-9 . _ : @ + -', (text) => {
      asTenantId(text);
      return text.length <= 120 && !text.includes('/') && text !== '.' && text !== '..';
    }),
  ),
  assurance: choice(['standard', 'high']).default('standard'),
  default_mode: mode.default('enforce'),
  constants: named(list(constantValue)).default({}),
  stores: named(store).default({}),
  tools: named(tool).default({}),
  documents: list(document).default([]),
  clauses: list(clause).default([]),
  handles: handles.optional(),
  secrets: filledList(secret).optional(),
});

export type BundleDocument = z.infer<typeof bundleShape>;
export type ClauseDocument = BundleDocument['clauses'][number];
export type ToolDocument = BundleDocument['tools'][string];
export type ParameterDocument = ToolDocument['parameters'][string];
export type SourceDocument = z.infer<typeof source>;
export type LabelDocument = z.infer<typeof label>;
export type EventClassDocument = z.infer<typeof eventClass>;
export type ArgumentDocument = z.infer<typeof argument>;
