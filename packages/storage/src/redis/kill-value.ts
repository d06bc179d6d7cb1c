import { cleanKillOrder, type KillOrder } from '@provability-fabric/governor';

/** Says that the governor may act, so that a key that is gone can be told from an order that is over. */
export const REVIVED = 'revived';

const MOST_CHARACTERS = 8_192;

export function encodeKillValue({ reason, by, at }: KillOrder): string {
  return JSON.stringify({ reason, by, at });
}

/** Whatever else stands there, its being there is an order. */
export function decodeKillValue(value: string): KillOrder | null {
  if (value === REVIVED) return null;
  const { reason, by, at } = partsOf(value);
  return cleanKillOrder({
    reason: typeof reason === 'string' ? reason : 'the key in Redis holds another value than `revived`',
    by: typeof by === 'string' ? by : 'unknown',
    at: typeof at === 'number' ? at : 0,
  });
}

function partsOf(value: string): Readonly<Record<string, unknown>> {
  if (value.length > MOST_CHARACTERS) return {};
  try {
    const parsed: unknown = JSON.parse(value);
    return typeof parsed === 'object' && parsed !== null ? { ...parsed } : {};
  } catch {
    return {};
  }
}
