import { GuardError, type Refusal } from '../errors.ts';
import { GuardedTools } from './decide-and-run.ts';
import type { Decider, GuardOptions } from './guard-options.ts';
import { isRefusal } from './refusal.ts';

/** A tool of the Vercel AI SDK, as far as a guard looks at it. */
export interface ExecutableTool {
  execute?(input: never, options: never): unknown;
  toModelOutput?(options: never): unknown;
}

interface Execution {
  readonly abortSignal?: AbortSignal;
}

type Execute = (input: object, options: Execution) => unknown;
type ToModelOutput = (options: { readonly output: unknown }) => unknown;

/**
 * All tools of a set, each guarded under its name. A tool that something else runs (the model's provider, a
 * browser) cannot be guarded here and is refused: add it to the result, if it may go unguarded.
 *
 * The type stays the set's own, so that it fits where the set did; a result may be a Refusal all the same
 * (isRefusal). Of a tool that streams preliminary results only the last one is seen, once it is on record.
 */
export function guardToolSet<Tools extends Readonly<Record<string, ExecutableTool>>>(
  client: Decider,
  tools: Tools,
  options: GuardOptions = {},
): Tools {
  const guarded = new GuardedTools(client, options);
  const entries = Object.entries(tools).map(
    ([name, tool]) => [name, guardedTool(guarded, name, tool)] as const,
  );
  return Object.fromEntries(entries) as unknown as Tools;
}

/** One tool of the Vercel AI SDK; such tools do not know their own name. */
export function guardTool<Tool extends ExecutableTool>(
  client: Decider,
  name: string,
  tool: Tool,
  options: GuardOptions = {},
): Tool {
  return guardedTool(new GuardedTools(client, options), name, tool);
}

function guardedTool<Tool extends ExecutableTool>(guarded: GuardedTools, name: string, tool: Tool): Tool {
  const { execute, toModelOutput } = tool as unknown as { execute?: Execute; toModelOutput?: ToModelOutput };
  if (typeof execute !== 'function') {
    const problem = `expected \`${name}\` to have \`execute\`, came a tool that something else runs`;
    throw new GuardError(
      'TOOL_UNGUARDABLE',
      `${problem}; leave it out, and add it yourself if it may go unguarded`,
    );
  }
  const guardedExecute = async (input: unknown, execution: Execution = {}): Promise<unknown> => {
    const answer = await guarded.call({
      tool: name,
      args: input,
      signal: execution.abortSignal,
      keep: 'last',
      run: (args, abortSignal) => execute.call(tool, args, { ...execution, abortSignal }),
    });
    return answer.refused === null ? answer.result : answer.refused;
  };
  return {
    ...tool,
    execute: guardedExecute,
    ...(toModelOutput === undefined ? {} : { toModelOutput: renderingRefusals(tool, toModelOutput) }),
  } as unknown as Tool;
}

/** The tool's own rendering knows its own results only. */
function renderingRefusals(tool: object, render: ToModelOutput): ToModelOutput {
  return (options) =>
    isRefusal(options.output)
      ? { type: 'json', value: { ...(options.output satisfies Refusal) } }
      : render.call(tool, options);
}
