import { field, type JsonValue } from '@provability-fabric/kernel';
import { mcpContent } from '../checks/flow/result-parts.ts';

/** Names the limit, so that nobody takes it for an answer of the tool. */
export const WITHHELD =
  'withheld: HANDLES_FULL: this session holds as much as it may, or the result is too large';

/** What the agent gets of a hidden result for which there is no room. */
export function withheldResult(result: JsonValue): JsonValue {
  if (mcpContent(result) === undefined) return WITHHELD;
  const isError = field(result, 'isError');
  return {
    content: [{ type: 'text', text: WITHHELD }],
    ...(typeof isError === 'boolean' ? { isError } : {}),
  };
}
