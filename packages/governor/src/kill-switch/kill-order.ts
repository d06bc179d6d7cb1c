import type { KillOrder } from './kill-switch.ts';

const MOST_REASON = 500;
const MOST_BY = 255;
// Line ends and other control characters: an order is a few lines of a file, and is shown on terminals and in logs.
const CONTROL = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+/gu;

/** An order as every source keeps it, so that the same one is the same wherever it is read. */
export function cleanKillOrder({ reason, by, at }: KillOrder): KillOrder {
  return {
    reason: oneLine(reason, MOST_REASON) || 'no reason given',
    by: oneLine(by, MOST_BY) || 'unknown',
    at: Number.isFinite(at) && Math.abs(at) <= 8.64e15 ? Math.trunc(at) : 0,
  };
}

export function sameKillOrder(
  one: KillOrder | null | undefined,
  other: KillOrder | null | undefined,
): boolean {
  if (!one || !other) return one === other;
  return one.reason === other.reason && one.by === other.by && one.at === other.at;
}

function oneLine(text: string, most: number): string {
  const clean = [
    ...text
      .slice(0, 4 * most)
      .replace(CONTROL, ' ')
      .trim(),
  ];
  return clean.slice(0, most).join('').trim();
}
