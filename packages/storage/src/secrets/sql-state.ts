import { DatabaseError } from 'pg';

/** What is referred to is not there, or what is to go is referred to. */
export function refusedByReference(error: unknown): boolean {
  return hasState(error, '23503');
}

/** Somebody took the table away: with the runbook's rollback, for one. */
export function isMissingTable(error: unknown): boolean {
  return hasState(error, '42P01') || hasState(error, '42883');
}

export function isBadParameter(error: unknown): boolean {
  return hasState(error, '22023');
}

function hasState(error: unknown, state: string): boolean {
  return error instanceof DatabaseError && error.code === state;
}
