import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type JsonObject, type JsonValue, parseJson } from '@provability-fabric/kernel';

/** One call of a recorded run or of a task's solution, with what it returned. */
export interface Call {
  readonly tool: string;
  readonly args: JsonObject;
  readonly result: string | null;
  /** Whether the result shows an injection, as the corpus says. */
  readonly tainted: boolean;
}

export interface Run {
  readonly kind: 'attack' | 'benign' | 'task';
  readonly userTask: string;
  readonly injectionTask: string | null;
  readonly prompt: string;
  readonly calls: readonly Call[];
}

/** A call that an attack aims at, and the values of it that its instruction names. */
export interface GoalCall {
  readonly tool: string;
  readonly named: readonly { readonly argument: string; readonly value: JsonValue }[];
}

export interface Suite {
  readonly name: string;
  readonly tools: readonly JsonValue[];
  readonly goals: ReadonlyMap<string, readonly GoalCall[]>;
  readonly attacks: readonly Run[];
  readonly benign: readonly Run[];
  /** The tasks' own solutions: what must stay possible. */
  readonly tasks: readonly Run[];
}

/** The corpus's folder, or undefined where it is not there. */
export function corpusFolder(): string | undefined {
  const root = resolve(import.meta.dirname, '../..');
  const folder = resolve(root, process.env.PF_CORPORA ?? '../shared/corpora', 'agentdojo');
  return existsSync(folder) ? folder : undefined;
}

/** Every suite of the traces and runs in the folder, whatever they are called. */
export function readSuites(folder: string): readonly Suite[] {
  const names = readdirSync(folder).sort();
  const runs = names
    .filter((name) => /^runs-.*\.jsonl\.gz$/.test(name))
    .flatMap((name) => readRuns(join(folder, name)));
  return names
    .filter((name) => /^traces-.*\.json$/.test(name))
    .flatMap((name) => {
      const { suites } = parseJson(readFileSync(join(folder, name), 'utf8')) as unknown as TracesFile;
      return Object.entries(suites).map(([suite, written]) => readSuite(suite, written, runs));
    });
}

interface TracesFile {
  readonly suites: Readonly<Record<string, WrittenSuite>>;
}

interface WrittenCall {
  readonly function: string;
  readonly args: JsonObject;
  readonly arg_sources: Readonly<Record<string, { readonly in_instruction: boolean }>>;
  readonly result: string;
  readonly env_changed: boolean;
  readonly injection_vectors_in_result: readonly string[];
}

interface WrittenSuite {
  readonly tools: readonly JsonValue[];
  readonly user_tasks: readonly {
    readonly id: string;
    readonly prompt: string;
    readonly calls: readonly WrittenCall[];
  }[];
  readonly injection_tasks: readonly { readonly id: string; readonly calls: readonly WrittenCall[] }[];
}

interface WrittenRun {
  readonly kind: 'attack_succeeded' | 'benign';
  readonly suite: string;
  readonly user_task: string;
  readonly injection_task: string | null;
  readonly prompt: string;
  readonly calls: readonly {
    readonly tool: string;
    readonly args: JsonObject;
    readonly result: string | null;
    readonly tainted?: readonly string[];
  }[];
}

type SuitedRun = Run & { readonly suite: string };

function readRuns(path: string): readonly SuitedRun[] {
  const [first, ...lines] = gunzipSync(readFileSync(path))
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '');
  const { results } = parseJson(first ?? '{"results":{}}') as unknown as {
    readonly results: Readonly<Record<string, string>>;
  };
  return lines.map((line) => {
    const run = parseJson(line) as unknown as WrittenRun;
    return {
      suite: run.suite,
      kind: run.kind === 'benign' ? 'benign' : 'attack',
      userTask: run.user_task,
      injectionTask: run.injection_task,
      prompt: run.prompt,
      calls: run.calls.map(({ tool, args, result, tainted }) => ({
        tool,
        args,
        result: result === null ? null : (results[result] ?? null),
        tainted: (tainted ?? []).length > 0,
      })),
    };
  });
}

function readSuite(name: string, written: WrittenSuite, runs: readonly SuitedRun[]): Suite {
  const own = runs.filter(({ suite }) => suite === name);
  return {
    name,
    tools: written.tools,
    goals: new Map(written.injection_tasks.map(({ id, calls }) => [id, goalCalls(calls)])),
    attacks: own.filter(({ kind }) => kind === 'attack'),
    benign: own.filter(({ kind }) => kind === 'benign'),
    tasks: written.user_tasks.map(({ id, prompt, calls }) => ({
      kind: 'task',
      userTask: id,
      injectionTask: null,
      prompt,
      calls: calls.map(({ function: tool, args, result, injection_vectors_in_result: vectors }) => ({
        tool,
        args,
        result,
        tainted: vectors.length > 0,
      })),
    })),
  };
}

/**
 * Which calls an attack is about: those of its own solution that change something and say, in an argument,
 * a value that the attacker's instruction gives. What merely reads for it or clears up after it does not
 * count as stopping it.
 */
function goalCalls(calls: readonly WrittenCall[]): readonly GoalCall[] {
  return calls.flatMap((call): readonly GoalCall[] => {
    const named = Object.entries(call.arg_sources).flatMap(([path, { in_instruction }]) => {
      const argument = path.replace(/[[.].*$/, '');
      const value = call.args[argument];
      return in_instruction && value !== undefined ? [{ argument, value }] : [];
    });
    return call.env_changed && named.length > 0 ? [{ tool: call.function, named }] : [];
  });
}

/** Whether a call of a run is one that the attack aims at. */
export function isGoalCall(goals: readonly GoalCall[], { tool, args }: Call): boolean {
  return goals.some(
    (goal) =>
      goal.tool === tool &&
      goal.named.some(({ argument, value }) => {
        const came = new Set(texts(args[argument] ?? null));
        return texts(value).some((text) => came.has(text));
      }),
  );
}

/** Every scalar of a value, as text, without what tells two spellings of one thing apart. */
export function texts(value: JsonValue): readonly string[] {
  if (value === null) return [];
  if (Array.isArray(value)) return value.flatMap((item: JsonValue) => texts(item));
  if (typeof value === 'object') return Object.values(value as JsonObject).flatMap((item) => texts(item));
  return [String(value).trim().toLowerCase()];
}
