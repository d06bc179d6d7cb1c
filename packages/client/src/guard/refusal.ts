import type { Refusal } from '../errors.ts';

/** Tells a refusal from a tool's own result, also after it was stored and read back. */
export function isRefusal(value: unknown): value is Refusal {
  if (typeof value !== 'object' || value === null) return false;
  const { refused, code, clause } = value as { refused?: unknown; code?: unknown; clause?: unknown };
  return refused === true && typeof code === 'string' && (clause === null || typeof clause === 'string');
}
