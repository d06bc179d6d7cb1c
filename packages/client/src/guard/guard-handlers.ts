import type { JsonObject } from '@provability-fabric/kernel';
import { GuardError, type Refusal } from '../errors.ts';
import { GuardedTools } from './decide-and-run.ts';
import type { Decider, GuardOptions, ToolContext } from './guard-options.ts';
import { objectIn, shown } from './guard-runnable-tools.ts';

/** What runs for a function that the model calls: with its arguments as JSON, or as `parse` makes them. */
export type FunctionHandler =
  | ((args: JsonObject, context: ToolContext) => unknown)
  | { parse(args: JsonObject): unknown; run(args: never, context: ToolContext): unknown };

/** An item of a message's `tool_calls` (chat completions). */
export interface ChatToolCall {
  readonly id: string;
  readonly type: string;
  readonly function?: { readonly name: string; readonly arguments: string };
}

export interface ChatToolMessage {
  role: 'tool';
  tool_call_id: string;
  content: string;
}

/** What answers a `function_call` item (Responses API). */
export interface FunctionCallOutput {
  type: 'function_call_output';
  call_id: string;
  output: string;
}

interface Cancellable {
  readonly signal?: AbortSignal | undefined;
}

/**
 * Answers the function calls of a model, in their order: what one gives may change what the next one may do.
 */
export interface GuardedHandlers {
  /** One message for each call of a chat completion. */
  chat(calls: readonly ChatToolCall[], options?: Cancellable): Promise<ChatToolMessage[]>;
  /** One output for each `function_call` among the items of a response; other items are not looked at. */
  responses(
    items: readonly { readonly type?: string }[],
    options?: Cancellable,
  ): Promise<FunctionCallOutput[]>;
}

/** Calls that a model makes at once; beyond, it is refused rather than served. */
const MOST_CALLS = 128;

export function guardHandlers(
  client: Decider,
  handlers: Readonly<Record<string, FunctionHandler>>,
  options: GuardOptions = {},
): GuardedHandlers {
  const guarded = new GuardedTools(client, options);

  /** The model chose the name and the arguments, and may have made up both. */
  async function answerTo(name: string, text: string, signal: AbortSignal | undefined): Promise<string> {
    const handler = Object.hasOwn(handlers, name) ? handlers[name] : undefined;
    if (handler === undefined) return shown(unasked('TOOL_UNKNOWN'));
    let args: unknown;
    try {
      const given = objectIn(text) as JsonObject;
      args = typeof handler === 'function' ? given : await handler.parse(given);
    } catch {
      return shown(unasked('ARGUMENTS_UNFIT'));
    }
    const run = typeof handler === 'function' ? handler : handler.run.bind(handler);
    const answer = await guarded.call({
      tool: name,
      args,
      signal,
      keep: 'all',
      run: (decided, stop) => run(decided as never, { signal: stop }),
    });
    return shown(answer.refused === null ? answer.result : { ...answer.refused });
  }

  return {
    async chat(calls, { signal } = {}) {
      requireFew(calls.length);
      const messages: ChatToolMessage[] = [];
      for (const { id, type, function: called } of calls) {
        const content =
          type === 'function' && called !== undefined
            ? await answerTo(called.name, called.arguments, signal)
            : shown(unasked('TOOL_UNKNOWN'));
        messages.push({ role: 'tool', tool_call_id: id, content });
      }
      return messages;
    },
    async responses(items, { signal } = {}) {
      const calls = items.filter(isFunctionCall);
      requireFew(calls.length);
      const outputs: FunctionCallOutput[] = [];
      for (const { call_id, name, arguments: text } of calls)
        outputs.push({ type: 'function_call_output', call_id, output: await answerTo(name, text, signal) });
      return outputs;
    },
  };
}

interface FunctionCall {
  readonly type?: string;
  readonly call_id: string;
  readonly name: string;
  readonly arguments: string;
}

function isFunctionCall(item: { readonly type?: string }): item is FunctionCall {
  const { type, call_id, name, arguments: text } = item as Record<string, unknown>;
  return (
    type === 'function_call' &&
    typeof call_id === 'string' &&
    typeof name === 'string' &&
    typeof text === 'string'
  );
}

/** Nothing was asked: there was nothing to ask about. The model may mend it. */
function unasked(code: 'TOOL_UNKNOWN' | 'ARGUMENTS_UNFIT'): JsonObject {
  return { ...({ refused: true, code, clause: null } satisfies Refusal) };
}

function requireFew(count: number): void {
  if (count <= MOST_CALLS) return;
  throw new GuardError('ARGUMENTS_UNFIT', `expected at most ${MOST_CALLS} calls at once, came \`${count}\``);
}
