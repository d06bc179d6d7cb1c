import { SecretError } from '../errors.ts';
import type { SecretValue } from '../value.ts';

/** Throws SECRET_REQUEST_INVALID; names of fields are no secret, contents are. */
export function usedField(value: SecretValue, field: string | null): string {
  const fields = Object.keys(value);
  const wanted = field ?? (fields.length === 1 ? fields[0] : 'value');
  const text = wanted !== undefined && Object.hasOwn(value, wanted) ? value[wanted] : undefined;
  if (text !== undefined) return text;
  throw new SecretError(
    'SECRET_REQUEST_INVALID',
    field === null
      ? 'expected `#field` after the name of a secret that has several and none called `value`'
      : 'expected a field that the secret has',
  );
}
