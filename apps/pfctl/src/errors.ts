/** What a command was given, or found, that keeps it from its work; the message alone is shown. */
export class PfctlError extends Error {
  override readonly name = 'PfctlError';
  readonly code: // An argument, a file or a setting that is not as documented.
    | 'INPUT_INVALID'
    // There is nothing here to check, or nothing to check it with.
    | 'CANNOT_CHECK'
    // Somebody else, who may, said no.
    | 'DENIED'
    // Something must be done first.
    | 'NOT_READY';

  constructor(code: PfctlError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The reader of the output went away (`pfctl replay … | head`): nothing is wrong, and nobody is there to tell. */
export class OutputClosedError extends Error {
  override readonly name = 'OutputClosedError';
}

/** The system's own word for a failed call, for example `ENOENT`. */
export function systemCode(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? code : undefined;
}
