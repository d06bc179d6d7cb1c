import { GuardError, type Refusal } from '../errors.ts';
import { GuardedTools } from './decide-and-run.ts';
import type { Decider, GuardOptions, ToolContext } from './guard-options.ts';

/** What a function gives once it has been waited for; of a stream, its parts. */
export type Given<Result> = Result extends AsyncIterable<infer Part> ? Part[] : Awaited<Result>;

export type GuardedFunction<Args, Result> = (
  args: Args,
  context?: { readonly signal?: AbortSignal | undefined },
) => Promise<Given<Result> | Refusal>;

/**
 * A function that runs only when the fabric allows it, under the function's own name or `name`. It gets a
 * deep-frozen copy of its arguments: the one that was decided.
 */
export function guard<Args extends object, Result>(
  client: Decider,
  tool: (args: Args, context: ToolContext) => Result,
  options: GuardOptions & { readonly name?: string } = {},
): GuardedFunction<Args, Result> {
  const { name = tool.name } = options;
  if (name === '')
    throw new GuardError('TOOL_UNGUARDABLE', 'expected a function with a name, or `name`; came none');
  const guarded = new GuardedTools(client, options);
  return async (args, { signal } = {}) => {
    const run = (decided: object, stop: AbortSignal) => tool(decided as Args, { signal: stop });
    const answer = await guarded.call({ tool: name, args, signal, run, keep: 'all' });
    return answer.refused === null ? (answer.result as Given<Result>) : answer.refused;
  };
}
