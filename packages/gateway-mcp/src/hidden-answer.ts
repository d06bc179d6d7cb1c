import {
  field,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  stringifyJson,
} from '@provability-fabric/kernel';
import type { RequestId, Response } from './message.ts';

/** What a server's error is where the agent may not see it: one of the codes that JSON-RPC leaves to servers. */
const HIDDEN_ERROR = -32003;

export interface Answered {
  readonly id: RequestId;
  readonly method: string;
  readonly target: string;
}

/** The response in the form that clients expect of the method, with nothing in it but what the agent may see. */
export function hiddenAnswer(
  { id, method, target }: Answered,
  body: Response['body'],
  instead: JsonValue,
): string {
  const text = typeof instead === 'string' ? instead : stringifyJson(instead);
  const shown = body.ok
    ? { result: resultOf(method, target, instead, text) }
    : { error: { code: HIDDEN_ERROR, message: text } };
  return `${stringifyJson({ jsonrpc: '2.0', id, ...shown })}\n`;
}

function resultOf(method: string, target: string, instead: JsonValue, text: string): JsonValue {
  switch (method) {
    case 'resources/read':
      return { contents: [{ uri: target, mimeType: 'text/plain', text }] };
    case 'prompts/get':
      return { messages: [{ role: 'user', content: { type: 'text', text } }] };
    case 'completion/complete':
      return { completion: { values: [] } };
    case 'resources/subscribe':
      return {};
    default:
      return Array.isArray(field(instead, 'content')) ? instead : { content: [{ type: 'text', text }] };
  }
}

const ABOUT_HANDLES =
  'A text of pfh1_ and 32 characters is a handle: it stands for a value that you may not see. Pass it on as a whole ' +
  'argument where a tool needs that value; do not change it or put it into a longer text.';

/** What a server says of itself, and what the agent has to know of handles. undefined for what is no introduction. */
export function introduction(whole: JsonObject): string | undefined {
  const result = field(whole, 'result');
  if (!isJsonObject(result)) return undefined;
  const said = field(result, 'instructions');
  const instructions = typeof said === 'string' ? `${said}\n\n${ABOUT_HANDLES}` : ABOUT_HANDLES;
  return `${stringifyJson({ ...whole, result: { ...result, instructions } })}\n`;
}

/** The fabric's own answer, as a tool result. */
export function ownAnswerLine(
  id: RequestId,
  { outcome, result }: { readonly outcome: 'done' | 'failed'; readonly result: JsonValue },
): string {
  const text = typeof result === 'string' ? result : stringifyJson(result);
  const isError = outcome === 'failed' ? { isError: true } : {};
  return `${stringifyJson({ jsonrpc: '2.0', id, result: { content: [{ type: 'text', text }], ...isError } })}\n`;
}
