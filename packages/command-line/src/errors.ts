/** What a command was given, or found, that keeps it from its work; the message alone is shown. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly code: // An argument, a file or a setting that is not as documented.
    | 'INPUT_INVALID'
    // There is nothing here to check, or nothing to check it with.
    | 'CANNOT_CHECK'
    // Somebody else, who may, said no.
    | 'DENIED'
    // Something must be done first.
    | 'NOT_READY';

  constructor(code: CommandError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The reader of the output went away (`pfctl replay … | head`): nothing is wrong, and nobody is there to tell. */
export class OutputClosedError extends Error {
  override readonly name = 'OutputClosedError';
}
