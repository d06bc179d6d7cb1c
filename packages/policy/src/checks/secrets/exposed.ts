import { canonicalJson, type JsonValue } from '@provability-fabric/kernel';
import { mcpContent } from '../flow/result-parts.ts';

/** Where a piece of a secret's value was found. No pointer: the names of members are the agent's, and could hold it. */
export const EXPOSED_AT = ['target', 'arguments', 'attributes', 'message', 'result'] as const;

/** What fingerprints found, or that they could not be asked (`-`); the value itself is on no record. */
export interface ExposureFact {
  readonly where: (typeof EXPOSED_AT)[number];
  readonly name: string;
}

/** In the place of a name where what had to be looked at could not be. */
export const UNCHECKED = '-';

/** In the place of what held a secret, on record and for the agent. */
export const WITHHELD_SECRET = 'withheld: SECRET_EXPOSED: it held a secret, or could not be searched for any';

const WITHHELD_CONTENT = { content: [{ type: 'text', text: WITHHELD_SECRET }], isError: true };

/** What goes on record, and to the agent, of a result that held a secret. */
export function withheldSecret(result: JsonValue): JsonValue {
  return mcpContent(result) === undefined ? WITHHELD_SECRET : WITHHELD_CONTENT;
}

/** Whether nothing of the result is there any more. */
export function isWithheldSecret(result: JsonValue): boolean {
  return result === WITHHELD_SECRET || canonicalJson(result) === canonicalJson(WITHHELD_CONTENT);
}

/** Names, ascending, each once. */
export function exposedNames(facts: readonly ExposureFact[]): readonly string[] {
  return [...new Set(facts.map(({ name }) => name))].sort();
}
