import type { JsonValue } from '@provability-fabric/kernel';
import type { StoredStatement } from '../ports.ts';
import { inputIn, type ReadingTools, recordedIn } from '../recorded-statements.ts';

/** What an action on record was asked for with; undefined where the session has no such certificate. */
export async function argumentsOf(
  tools: ReadingTools,
  session: string,
  statements: AsyncIterable<StoredStatement>,
  certificate: string,
): Promise<JsonValue | undefined> {
  for await (const stored of statements) {
    const { statement } = recordedIn(tools, session, stored);
    if (statement.type !== 'permission-certificate' || statement.certificate_id !== certificate) continue;
    const input = inputIn(tools.crypto, statement, stored);
    return input?.kind === 'intent' ? input.action.args : undefined;
  }
  return undefined;
}
