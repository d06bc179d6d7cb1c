import { isGivenWrong } from '@provability-fabric/command-line';
import { CommanderError } from 'commander';

/** 0 and 1 as the runbooks have it; `sandbox` passes the code of its command through, 124 when its time was up. */
export const EXIT = { ok: 0, failure: 1 } as const;
export type ExitCode = number;

export function exitCodeFor(error: unknown): ExitCode {
  // Commander also ends the help this way.
  return error instanceof CommanderError && error.exitCode === 0 ? EXIT.ok : EXIT.failure;
}

/** Errors that a command foresaw: their message is for people, and the program itself is well. By name: loading the */
/** packages only to compare classes would cost every command their start-up time. */
const FORESEEN = new Set([
  'CommandError',
  'CommanderError',
  'GovernorError',
  'ChangeRefused',
  'GovernorRefused',
  'ClientError',
  'JsonError',
  'EnvelopeError',
  'EvidenceError',
  'LedgerError',
  'RedisError',
  'GatewayError',
  'FabricError',
]);

export function isForeseen(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return FORESEEN.has(error.name) || isGivenWrong(error);
}

/** A code of ours or of the system, such as `KILLED` or `ENOENT`. */
export function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as { readonly code?: unknown }).code : undefined;
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,63}$/.test(code) ? code : undefined;
}
