import { SecretError } from '../errors.ts';

/** In words for an operator; only of our own errors, which hold no value. */
export function problemOf(error: unknown): string | null {
  return error instanceof SecretError ? error.message : null;
}
