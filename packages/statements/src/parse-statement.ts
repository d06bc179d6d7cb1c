import type { JsonValue } from '@provability-fabric/kernel';
import type { z } from 'zod';
import { StatementError } from './errors.ts';

/** A value held against a schema, and against the payload type that its envelope names. */
export function parseStatement<Kind extends { readonly type: string }>(
  schema: z.ZodType<unknown>,
  payloadTypes: Readonly<Record<Kind['type'], string>>,
  payloadType: string,
  value: JsonValue,
): Kind {
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new StatementError(
      'STATEMENT_MALFORMED',
      `expected a statement, field \`${issue?.path.join('.') ?? ''}\`: ${issue?.message ?? 'malformed'}`,
    );
  }
  const statement = parsed.data as Kind;
  const expected = payloadTypes[statement.type as Kind['type']];
  if (expected === payloadType) return statement;
  throw new StatementError(
    'STATEMENT_UNKNOWN_TYPE',
    `expected payload type \`${expected}\` for a ${statement.type}, came \`${payloadType}\``,
  );
}
