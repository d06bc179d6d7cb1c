/** The system's own word for a failed call, for example `ENOENT`. */
export function systemCode(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? code : undefined;
}

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

/** Whether a system call failed because of what it was given, rather than because the machine is in trouble. */
export function isGivenWrong(error: unknown): boolean {
  return GIVEN_WRONG.has(systemCode(error) ?? '');
}
