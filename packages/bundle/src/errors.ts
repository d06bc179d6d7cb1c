/** What a compile error or warning is about; each has a section in docs/reference/compile-errors.md. */
export const COMPILE_ERROR_CODES = [
  'FILE_MISSING',
  'FILE_UNEXPECTED',
  'FILE_TOO_LARGE',
  'TOO_MANY',
  'YAML_SYNTAX',
  'YAML_FEATURE',
  'DUPLICATE_KEY',
  'UNKNOWN_KEY',
  'MISSING_KEY',
  'WRONG_VALUE',
  'NOT_IN_VERSION',
  'CEDAR_INVALID',
  'UNKNOWN_TOOL',
  'UNKNOWN_STORE',
  'UNKNOWN_CONSTANT',
  'UNKNOWN_EFFECT',
  'UNKNOWN_ACTION',
  'UNKNOWN_CLAUSE',
  'DUPLICATE_CLAUSE',
  'CLAUSE_KIND_CLASH',
  'PERMIT_WITHOUT_POLICY',
  'DUPLICATE_PARAMETER',
  'ENDORSE_NOT_IN_FROM',
  'NEVER_MATCHES',
  'TRACE_PATTERN',
  'TRACE_CONTRADICTION',
  'RETURNS_MISSING',
  'CLEARANCE_UNGUARDED',
  'PARAMETERS_UNGUARDED',
  'LAUNDERING',
  'DUPLICATE_FIELD',
  'FIELD_ABOVE_WHOLE',
  'RELEASE_WIDENS',
  'RELEASE_TENANT',
  'RELEASE_INVALID',
  'APPROVERS_TOO_FEW',
  'LIMIT_UNIT',
  'HANDLES_INVALID',
  'TENANT_PLACEHOLDER',
  'ASSURANCE_MODE',
  'DUPLICATE_TEST',
] as const;
export type CompileErrorCode = (typeof COMPILE_ERROR_CODES)[number];

export const COMPILE_WARNING_CODES = [
  'SCHEMA_MISSING',
  'CEDAR_WARNING',
  'NO_PERMIT',
  'EXPIRED',
  'EGRESS_UNGUARDED',
  'LIMIT_IDLE',
  'LIMIT_TOO_LOW',
  'ARGUMENT_UNKNOWN',
  'EXTRACT_IDLE',
] as const;
export type CompileWarningCode = (typeof COMPILE_WARNING_CODES)[number];

interface CompileFinding {
  /** Path within the bundle. */
  readonly file: string;
  /** Both from 1; columns count UTF-16 units, as editors do. */
  readonly line: number;
  readonly column: number;
  /** The clause concerned, where it is one. */
  readonly clause?: string;
  /** What was expected and what came. */
  readonly message: string;
  readonly mend: string;
}

export interface CompileError extends CompileFinding {
  readonly code: CompileErrorCode;
}

export interface CompileWarning extends CompileFinding {
  readonly code: CompileWarningCode;
}

/** A bundle folder that cannot be read, or a name that no bundle can have. */
export class BundleError extends Error {
  readonly code:
    | 'FOLDER_UNREADABLE'
    | 'FILE_MISSING'
    | 'FILE_TOO_LARGE'
    | 'FILE_OUTSIDE'
    | 'FILE_NOT_TEXT'
    | 'FILE_UNEXPECTED'
    | 'TOO_MANY'
    | 'BAD_NAME'
    | 'TOOLS_UNREADABLE';

  constructor(code: BundleError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'BundleError';
    this.code = code;
  }
}
