import { isJsonObject, type JsonValue, parseJson, stringifyJson } from '@provability-fabric/kernel';
import { GuardError } from '../errors.ts';
import { GuardedTools } from './decide-and-run.ts';
import type { Decider, GuardOptions } from './guard-options.ts';

/** A tool for `runTools` of the openai package, with its function; also one that its `zodFunction` made. */
export interface RunnableTool {
  readonly type: 'function';
  readonly function: object;
}

/** A guarded one. What it answers with is text, as the model reads it. */
export interface GuardedRunnableTool {
  readonly type: 'function';
  readonly function: {
    readonly name: string;
    readonly description: string;
    readonly parameters: Record<string, unknown>;
    readonly strict?: boolean;
    /** Of the model's text; what it gives is what is decided and run. */
    parse(text: string): Promise<object>;
    function(args: object, runner?: Runner): Promise<string>;
  };
}

interface Runner {
  readonly controller?: AbortController;
}

/** The members that a guard looks at. zodFunction hides two of them in properties of its own. */
interface Runnable {
  readonly name?: string;
  readonly description?: string;
  readonly parameters?: Record<string, unknown>;
  readonly strict?: boolean;
  readonly parse?: (text: string) => unknown;
  readonly function?: (args: unknown, runner: unknown) => unknown;
}

interface Parseable {
  readonly $parseRaw?: (text: string) => unknown;
  readonly $callback?: (args: unknown, runner: unknown) => unknown;
}

export function guardRunnableTools(
  client: Decider,
  tools: readonly RunnableTool[],
  options: GuardOptions = {},
): GuardedRunnableTool[] {
  const guarded = new GuardedTools(client, options);
  return tools.map((tool) => guardedRunnable(guarded, tool));
}

function guardedRunnable(guarded: GuardedTools, tool: RunnableTool): GuardedRunnableTool {
  const runnable: Runnable = tool.function;
  const { $callback, $parseRaw } = tool as Parseable;
  const act = $callback ?? runnable.function;
  const name = runnable.name ?? runnable.function?.name ?? '';
  if (typeof act !== 'function' || name === '') {
    const problem = `expected a tool with a name and a function, came \`${name}\` without`;
    throw new GuardError('TOOL_UNGUARDABLE', `${problem}; only what runs here can be guarded`);
  }
  const parse = $parseRaw ?? runnable.parse;
  return {
    type: 'function',
    function: {
      name,
      description: runnable.description ?? '',
      parameters: runnable.parameters ?? {},
      ...($callback === undefined ? {} : { strict: true }),
      ...(runnable.strict === undefined ? {} : { strict: runnable.strict }),
      async parse(text) {
        return (await (parse ?? objectIn)(text)) as object;
      },
      async function(args, runner) {
        const answer = await guarded.call({
          tool: name,
          args,
          signal: runner?.controller?.signal,
          keep: 'all',
          // One that does not parse its arguments gets them as text: written anew, from what was decided.
          run: (decided) => act(parse === undefined ? stringifyJson(decided) : decided, runner),
        });
        return shown(answer.refused === null ? answer.result : { ...answer.refused });
      },
    },
  };
}

/** What the model wrote; integers of any length stay exact, and a key that comes twice has no meaning. */
export function objectIn(text: string): object {
  const value = parseJson(text === '' ? '{}' : text);
  if (isJsonObject(value)) return value;
  throw new Error('expected the arguments to be a JSON object');
}

/** A result as the text that goes to the model. */
export function shown(result: JsonValue | undefined): string {
  return typeof result === 'string' ? result : stringifyJson(result ?? null);
}
