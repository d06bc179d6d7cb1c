import { asPrincipalId, asTenantId, type JsonValue } from '@provability-fabric/kernel';
import { parseInstant, REASON_CODES } from '@provability-fabric/policy';
import { z } from 'zod';
import { parseDuration } from '../duration.ts';
import { choice, filledList, isLineOfUpTo, line, list, map, textThat } from './shape.ts';

// The shape of tests/*.yaml; docs/reference/bundle.md explains each key.

const anything = z.custom<JsonValue>((value) => value !== undefined, { error: 'a value' });
const target = textThat('a line of 1 to 4096 characters', isLineOfUpTo(4096));

const principalId = textThat('a principal id out of A-Z a-z 0-9 . _ : @ / + -', asPrincipalId);
const principal = map({
  id: principalId.default('agent'),
  roles: list(line).default([]),
  tenant: textThat('a tenant id out of A-Z a-z 0-9 . _ : @ / + -', asTenantId).optional(),
  org: line.optional(),
  attributes: z.record(z.string(), anything, { error: 'a map' }).default({}),
});

const approving = map({ id: principalId, roles: list(line).default([]) });

const event = map({
  tool: target.optional(),
  read: target.optional(),
  args: z.record(z.string(), anything, { error: 'a map' }).default({}),
  at: textThat(
    'a time like 2026-01-01T09:00:00Z, or a duration since the start like 10m',
    (text) => (parseInstant(text) ?? parseDuration(text)) !== undefined,
  ).optional(),
  outcome: choice(['done', 'failed', 'ambiguous']).default('done'),
  result: anything.default(null),
  approved_by: filledList(approving).optional(),
  expect: map({
    effect: choice(['allow', 'hold', 'block']),
    code: choice(REASON_CODES).optional(),
    clause: line.optional(),
  }),
}).refine(({ tool, read }) => (tool === undefined) !== (read === undefined), {
  error: 'a map with either `tool` or `read`',
});

export const testsShape = filledList(
  map({
    name: line,
    principal: principal.default({ id: 'agent', roles: [], attributes: {} }),
    prompt: z.string({ error: 'text' }).optional(),
    mode: choice(['enforce', 'monitor', 'shadow', 'disabled']).default('enforce'),
    events: filledList(event),
  }),
);

export type TestDocument = z.infer<typeof testsShape>[number];
