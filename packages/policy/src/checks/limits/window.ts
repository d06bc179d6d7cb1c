import { type Crypto, type Digest, digestJson, type JsonValue } from '@provability-fabric/kernel';
import { type AppendLog, append, emptyLog } from '../../append-log.ts';
import type { LimitRule } from './rules.ts';

/** What was counted for one limit. `chain` digests all of it, so the state's digest needs no second pass. */
export interface Window {
  /** Never falling. */
  readonly times: AppendLog<number>;
  /** What had been taken in all, each time included; null where every event takes one. */
  readonly sums: AppendLog<bigint> | null;
  /** Events before this index have left the window for good: time never goes back. */
  readonly first: number;
  readonly chain: Digest | null;
}

export function emptyWindow({ unit }: Pick<LimitRule, 'unit'>): Window {
  const sums = unit === undefined ? null : emptyLog<bigint>();
  return { times: emptyLog<number>(), sums, first: 0, chain: null };
}

/** For the state's digest. */
export function describeWindow({ times, first, chain }: Window): JsonValue {
  return [times.length, first, chain];
}

export interface Used {
  readonly used: number;
  /** The oldest event that still counts. */
  readonly first: number;
}

/** What counts at a time, edges included. Logarithmic: a blocked agent may ask again and again. */
export function usedAt(
  window: Window,
  { window_ms, tolerance_ms }: Pick<LimitRule, 'window_ms' | 'tolerance_ms'>,
  time: number,
): Used {
  const first = window_ms === null ? window.first : firstSince(window, time - window_ms - tolerance_ms);
  return { used: sumFrom(window, first), first };
}

function firstSince({ times, first }: Window, oldest: number): number {
  let low = first;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((times.items[middle] as number) < oldest) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** What lies between two sums is at most a limit's `max`, however large the sums have grown. */
function sumFrom({ times, sums }: Window, first: number): number {
  if (sums === null) return times.length - first;
  if (first === sums.length) return 0;
  const before = first === 0 ? 0n : (sums.items[first - 1] as bigint);
  return Number((sums.items[sums.length - 1] as bigint) - before);
}

export function charge(crypto: Crypto, window: Window, amount: number, time: number, first: number): Window {
  const { sums, chain } = window;
  const link = sums === null ? [chain, time] : [chain, time, amount];
  const sofar = sums === null || sums.length === 0 ? 0n : (sums.items[sums.length - 1] as bigint);
  return {
    times: append(window.times, time),
    sums: sums && append(sums, sofar + BigInt(amount)),
    first,
    chain: digestJson(crypto, link),
  };
}
