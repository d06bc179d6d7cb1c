/** 0 and 1 as the runbooks have it; `sandbox` passes the code of its command through, 124 when its time was up. */
export const EXIT = { ok: 0, failure: 1 } as const;
export type ExitCode = number;

/** Errors that a command foresaw: their message is for people, and the program itself is well. By name: loading the */
/** packages only to compare classes would cost every command their start-up time. */
const FORESEEN = new Set([
  'SafeaiError',
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

/** System calls that fail because of what they were given, rather than because the machine is in trouble. */
const GIVEN_WRONG = new Set([
  'ENOENT',
  'ENOTDIR',
  'EISDIR',
  'EACCES',
  'EPERM',
  'ELOOP',
  'ENAMETOOLONG',
  'EEXIST',
]);

export function isForeseen(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return FORESEEN.has(error.name) || GIVEN_WRONG.has(codeOf(error) ?? '');
}

/** A code of ours or of the system, such as `KILLED` or `ENOENT`. */
export function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as { readonly code?: unknown }).code : undefined;
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,63}$/.test(code) ? code : undefined;
}
