/**
 * What was handed to `pf-verify` is not what it takes: exit code 3. The message says what was expected and
 * what came.
 */
export class InvalidInput extends Error {
  override readonly name = 'InvalidInput';
  readonly code = 'INVALID_INPUT';
}
