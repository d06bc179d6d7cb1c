// What strace wrote down (-f -y -xx), as events: what was begun, and what came of it.
import { readFileSync } from 'node:fs';

/** A system call on files. It was under way from its `begun` to its `ended`; calls of several threads overlap. */
export interface Call {
  readonly name: string;
  /** The arguments as strace shows them. */
  readonly args: string;
}

export type TraceEvent =
  | { readonly kind: 'begun'; readonly call: Call }
  | { readonly kind: 'ended'; readonly call: Call; readonly result: number };

export function* traceEvents(file: string): Generator<TraceEvent> {
  const open = new Map<string, Call>();
  for (const line of readFileSync(file, 'latin1').split('\n')) {
    const [, pid = '', rest = ''] = /^(\d+) +(.*)$/.exec(line) ?? [];
    const resumed = /^<\.\.\. (\w+) resumed>(.*)\) += (-?\d+)/.exec(rest);
    if (resumed !== null) {
      const call = open.get(pid);
      open.delete(pid);
      if (call === undefined || call.name !== resumed[1]) continue;
      const whole = { name: call.name, args: call.args + resumed[2] };
      yield { kind: 'ended', call: Object.assign(call, whole), result: Number(resumed[3]) };
      continue;
    }
    const begun = /^(\w+)\((.*)$/.exec(rest);
    if (begun === null) continue;
    const [, name = '', tail = ''] = begun;
    const unfinished = / <unfinished \.\.\.>$/.exec(tail);
    if (unfinished !== null) {
      const call = { name, args: tail.slice(0, unfinished.index) };
      open.set(pid, call);
      yield { kind: 'begun', call };
      continue;
    }
    const [, args, result] = /^(.*)\) += (-?\d+)/.exec(tail) ?? [];
    if (args === undefined) continue;
    const call = { name, args };
    yield { kind: 'begun', call };
    yield { kind: 'ended', call, result: Number(result) };
  }
}

/** The path of the descriptor that comes first, `25<\x2f…>`; what is no file has none. */
export function pathOf({ args }: Call): string | undefined {
  const escaped = /^\d+<((?:\\x[0-9a-f]{2})+)>/.exec(args)?.[1];
  const path = escaped === undefined ? '' : bytesOf(escaped).toString('utf8');
  return path.startsWith('/') ? path : undefined;
}

/** Paths that are arguments, in their order; relative ones are nobody's here. */
export function namedPaths({ args }: Call): readonly string[] {
  return [...args.matchAll(/"((?:\\x[0-9a-f]{2})+)"/g)]
    .map((match) => bytesOf(match[1] ?? '').toString('utf8'))
    .filter((path) => path.startsWith('/'));
}

/** The bytes of a write; undefined where strace cut them short. */
export function written({ args }: Call): Buffer | undefined {
  const match = /^\d+<[^>]*>, "((?:\\x[0-9a-f]{2})*)"(\.\.\.)?/.exec(args);
  return match === null || match[2] !== undefined ? undefined : bytesOf(match[1] ?? '');
}

/** The last argument: the offset of pwrite64 and its like, the length that ftruncate asks for. */
export function offsetOf({ args }: Call): number {
  return Number(/, (\d+)$/.exec(args)?.[1] ?? Number.NaN);
}

function bytesOf(escaped: string): Buffer {
  return Buffer.from(escaped.replaceAll('\\x', ''), 'hex');
}
