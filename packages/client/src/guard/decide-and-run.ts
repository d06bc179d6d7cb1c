import { isJsonObject, type JsonObject, type JsonValue, stringifyJson } from '@provability-fabric/kernel';
import type { Decision, Shown } from '../client.ts';
import { TimeUp, untilAborted, withDeadline } from '../deadline.ts';
import { ClientError, GuardError, type Refusal } from '../errors.ts';
import { collect, isStream } from './collect.ts';
import type { Decider, GuardOptions } from './guard-options.ts';
import { jsonCopy, NotJson, TooLarge } from './json-copy.ts';
import { isUnclear } from './unclear-failure.ts';

export interface GuardedCall {
  readonly tool: string;
  readonly args: unknown;
  readonly signal: AbortSignal | undefined;
  /** Gets the arguments that were decided: deep-frozen, and nobody else holds them. */
  run(args: JsonObject, signal: AbortSignal): unknown;
  /** Of a streamed result. */
  readonly keep: 'all' | 'last';
}

export type Guarded =
  | { readonly refused: Refusal }
  /** Undefined where the tool gave nothing. */
  | { readonly refused: null; readonly result: JsonValue | undefined };

/** What came of running an allowed call, before anybody has heard of it. */
type Ran =
  | { readonly outcome: 'done'; readonly result: JsonValue | undefined }
  /** `seen` is what the model gets to read of it. */
  | { readonly outcome: 'done' | 'failed' | 'ambiguous'; readonly seen: JsonValue; readonly error: unknown };

const MAX_ARGUMENT_BYTES = 1024 * 1024;
const MAX_RESOLVED_BYTES = 40 * 1024 * 1024;
const DEFAULT_RESULT_BYTES = 1024 * 1024;

/**
 * Asks, runs exactly what was decided, reports what came of it, and only then lets it be seen. Whatever goes
 * wrong on that way, nothing runs undecided and nothing is seen unrecorded; each allowed call is reported on
 * once.
 */
export class GuardedTools {
  readonly #client: Decider;
  readonly #options: GuardOptions;

  constructor(client: Decider, options: GuardOptions) {
    this.#client = client;
    this.#options = options;
  }

  async call(call: GuardedCall): Promise<Guarded> {
    call.signal?.throwIfAborted();
    const args = argumentsOf(call);
    const decision = await this.#decide(call, args);
    if (decision.effect !== 'allow') return { refused: this.#refuse(call.tool, decision) };
    // The fabric has done it itself, and recorded it.
    if (decision.answer !== null) return { refused: null, result: decision.answer.result };
    const ran = await this.#run(call, await this.#sentOn(call.tool, decision, args));
    if (!('error' in ran)) {
      const { instead = ran.result } = await this.#reportResult(call.tool, decision, ran.result);
      return { refused: null, result: instead };
    }
    const { instead } = await this.#report(call.tool, decision, ran.outcome, ran.seen);
    if (instead === undefined) throw ran.error;
    throw hiddenFailure(call.tool, instead);
  }

  /**
   * With a request id of the client's own: one that the model chose, such as a tool call's id, could name an
   * earlier request, whose answer would then be taken for this one's.
   */
  async #decide({ tool, signal }: GuardedCall, args: JsonObject): Promise<Decision> {
    const { session, attributes } = this.#options;
    const asking = this.#client.authorize({
      action: { kind: 'call', tool, args },
      ...(session === undefined ? {} : { session }),
      ...(attributes === undefined ? {} : { attributes }),
    });
    if (signal === undefined) return asking;
    try {
      return await untilAborted(signal, asking);
    } catch (error) {
      // Nobody waits any more; what is allowed even so has certainly not happened.
      if (signal.aborted)
        asking.then((decision) => this.#reportUnused(tool, decision)).catch(() => undefined);
      throw error;
    }
  }

  /** Values that handles stand for reach the tool, and nobody else. */
  async #sentOn(tool: string, decision: Decision, args: JsonObject): Promise<JsonObject> {
    if (decision.arguments === null) return args;
    try {
      return jsonCopy(decision.arguments, MAX_RESOLVED_BYTES, { frozen: true }) as JsonObject;
    } catch {
      await this.#reportUnused(tool, decision);
      // Not why: that would say something of what is hidden.
      const problem = `expected what the handles in the arguments of \`${tool}\` stand for to be usable, and it is not`;
      throw new GuardError('ARGUMENTS_UNFIT', `${problem}; nothing was run`);
    }
  }

  async #reportUnused(tool: string, decision: Decision): Promise<void> {
    if (decision.effect === 'allow') await this.#report(tool, decision, 'failed', 'it was not run');
  }

  #refuse(tool: string, { effect, refusal }: Decision): Refusal {
    const { code, clause, ticket } = refusal ?? { code: 'NOT_PERMITTED', clause: null };
    const refused: Refusal = { refused: true, code, clause, ...(ticket === undefined ? {} : { ticket }) };
    if ((this.#options.refusals ?? 'return') === 'return') return refused;
    const named = clause === null ? code : `${code} (clause ${clause})`;
    const verb = effect === 'hold' ? 'held' : 'refused';
    throw new GuardError('TOOL_REFUSED', `\`${tool}\` was ${verb} by policy: ${named}`, { refusal: refused });
  }

  async #run(call: GuardedCall, args: JsonObject): Promise<Ran> {
    const { timeoutMs = 60_000 } = this.#options;
    if (call.signal?.aborted === true)
      return { outcome: 'failed', seen: 'it was not run', error: call.signal.reason };
    let given: unknown;
    try {
      given = await withDeadline(timeoutMs, call.signal, (signal) => this.#runToEnd(call, args, signal));
    } catch (error) {
      return this.#stopped(call, error, timeoutMs);
    }
    return this.#done(call.tool, given);
  }

  async #runToEnd(call: GuardedCall, args: JsonObject, signal: AbortSignal): Promise<unknown> {
    const given = await call.run(args, signal);
    if (!isStream(given)) return given;
    const { maxParts = 10_000, maxResultBytes = DEFAULT_RESULT_BYTES } = this.#options;
    return collect(given, { keep: call.keep, maxParts, maxBytes: maxResultBytes, signal });
  }

  #done(tool: string, given: unknown): Ran {
    try {
      return { outcome: 'done', result: given === undefined ? undefined : this.#fitting(given) };
    } catch (error) {
      return { outcome: 'done', ...withheld(tool, error) };
    }
  }

  #stopped(call: GuardedCall, error: unknown, timeoutMs: number): Ran {
    try {
      return this.#failed(call, error, timeoutMs);
    } catch {
      // Thrown was what cannot even be asked what it is.
      return { outcome: 'ambiguous', ...withheld(call.tool, undefined) };
    }
  }

  #failed({ tool, signal }: GuardedCall, error: unknown, timeoutMs: number): Ran {
    // A stream that was cut had begun to act.
    if (error instanceof TooLarge || error instanceof NotJson)
      return { outcome: 'ambiguous', ...withheld(tool, error) };
    if (error instanceof TimeUp) {
      const expected = `expected \`${tool}\` to finish within ${timeoutMs} ms`;
      const problem = `${expected}; whether it took effect is unknown`;
      return { outcome: 'ambiguous', seen: problem, error: new GuardError('TOOL_TIMEOUT', problem) };
    }
    const outcome = signal?.aborted === true || this.#isUnclear(error) ? 'ambiguous' : 'failed';
    try {
      return { outcome, seen: this.#fitting(messageOf(error)), error };
    } catch (problem) {
      return { outcome, ...withheld(tool, problem) };
    }
  }

  #isUnclear(error: unknown): boolean {
    try {
      return (this.#options.unclear ?? isUnclear)(error);
    } catch {
      return true;
    }
  }

  #fitting(value: unknown): JsonValue {
    const { maxResultBytes = DEFAULT_RESULT_BYTES } = this.#options;
    const copied = jsonCopy(value, maxResultBytes);
    if (new TextEncoder().encode(stringifyJson(copied)).length > maxResultBytes) throw new TooLarge();
    return copied;
  }

  async #reportResult(tool: string, decision: Decision, result: JsonValue | undefined): Promise<Shown> {
    try {
      return await this.#report(tool, decision, 'done', result);
    } catch (error) {
      if (!(error instanceof GuardError && error.cause instanceof ClientError && error.cause.status === 413))
        throw error;
      // The fabric reads less than this guard lets through: what happened is recorded, and not seen.
      const { seen, error: problem } = withheld(tool, new TooLarge());
      await this.#report(tool, decision, 'done', seen);
      throw problem;
    }
  }

  /** Without the caller's signal: an abort must not lose it. */
  async #report(
    tool: string,
    { session, certificateId }: Decision,
    outcome: 'done' | 'failed' | 'ambiguous',
    result: JsonValue | undefined,
  ): Promise<Shown> {
    try {
      const seen = result === undefined ? {} : { result };
      return await this.#client.outcome({ session, certificateId, outcome, ...seen });
    } catch (cause) {
      const problem = `expected the outcome of \`${tool}\` to be recorded, and it was not`;
      throw new GuardError('OUTCOME_UNRECORDED', `${problem}: what came of it (\`${outcome}\`) is withheld`, {
        cause,
      });
    }
  }
}

function argumentsOf({ tool, args }: GuardedCall): JsonObject {
  const expected = `expected the arguments of \`${tool}\` to be an object of JSON values`;
  try {
    const copied = jsonCopy(args ?? {}, MAX_ARGUMENT_BYTES, { frozen: true });
    if (isJsonObject(copied)) return copied;
  } catch (error) {
    const problem = error instanceof NotJson ? error.message : `came more than ${MAX_ARGUMENT_BYTES} bytes`;
    throw new GuardError('ARGUMENTS_UNFIT', `${expected}, ${problem}; nothing was asked or run`);
  }
  throw new GuardError('ARGUMENTS_UNFIT', `${expected}, came something else; nothing was asked or run`);
}

/**
 * The tool acted, and what it gave cannot be recorded as it is: this text is recorded and seen in its place.
 */
function withheld(tool: string, problem: unknown): { readonly seen: string; readonly error: GuardError } {
  const [code, text] =
    problem instanceof TooLarge
      ? (['RESULT_TOO_LARGE', `expected the result of \`${tool}\` to be smaller, came too much`] as const)
      : (['RESULT_UNFIT', `expected the result of \`${tool}\` to be JSON, ${unfitness(problem)}`] as const);
  const seen = `${text}; it is withheld, and whatever the tool did has been done`;
  return { seen, error: new GuardError(code, seen) };
}

/** An error whose words the model may not see; in their place stands a handle. */
function hiddenFailure(tool: string, instead: JsonValue): GuardError {
  const text = typeof instead === 'string' ? instead : stringifyJson(instead);
  return new GuardError('TOOL_FAILED_HIDDEN', `\`${tool}\` failed, and what it says is hidden: ${text}`);
}

/** What a model is shown of an error. */
function messageOf(error: unknown): unknown {
  const text = error instanceof Error ? error.message : error;
  return typeof text === 'string' ? text.replace(/\p{Cs}/gu, '\ufffd') : (text ?? 'unknown error');
}

function unfitness(problem: unknown): string {
  return problem instanceof NotJson ? problem.message : 'came a value that cannot be read';
}
