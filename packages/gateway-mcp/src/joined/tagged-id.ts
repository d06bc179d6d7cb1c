import { JsonError, type JsonValue, parseJson, stringifyJson } from '@provability-fabric/kernel';
import type { RequestId } from '../message.ts';

/**
 * Servers count their requests and progress tokens each from one: towards the client an id says whose it is. It comes
 * back from the client, who may have made it up: the member's own relay knows what was asked.
 */
export function tagged(member: number, id: RequestId): string {
  return `${member}/${stringifyJson(id)}`;
}

export function untagged(
  id: JsonValue | undefined,
): { readonly member: number; readonly id: RequestId } | undefined {
  const [, member, text] = (typeof id === 'string' && /^(\d{1,4})\/(.{1,4096})$/s.exec(id)) || [];
  if (member === undefined || text === undefined) return undefined;
  try {
    const own = parseJson(text);
    const isId = typeof own === 'string' || typeof own === 'number' || typeof own === 'bigint';
    return isId ? { member: Number(member), id: own } : undefined;
  } catch (error) {
    if (error instanceof JsonError) return undefined;
    throw error;
  }
}
