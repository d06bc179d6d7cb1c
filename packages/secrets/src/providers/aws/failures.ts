import { SecretError } from '../../errors.ts';

const DELETED = /marked for deletion|scheduled for deletion|marked deleted/;
const NOT_LET_IN: readonly string[] = [
  'CredentialsProviderError',
  'ExpiredTokenException',
  'ExpiredToken',
  'IncompleteSignature',
  'InvalidClientTokenId',
  'InvalidSignatureException',
  'MissingAuthenticationTokenException',
  'RequestExpired',
  'SignatureDoesNotMatch',
  'UnrecognizedClientException',
];
const NAME = /^[A-Za-z][A-Za-z0-9_]{0,63}$/;

/** What AWS said no with, as far as we go on from there. */
export type Refusal = 'absent' | 'deleted' | 'exists' | 'full' | 'mismatch';

/** Undefined: it is an error. */
export function refusalOf(error: unknown): Refusal | undefined {
  const { name, message } = error instanceof Error ? error : new Error();
  if (name === 'ResourceNotFoundException') return 'absent';
  if (name === 'ResourceExistsException') return 'exists';
  if (name === 'LimitExceededException') return 'full';
  if (name === 'InvalidRequestException' && DELETED.test(message)) return 'deleted';
  // A label that is not where it was said to be. A request that is malformed would be so each time.
  if (name === 'InvalidParameterException') return 'mismatch';
  return undefined;
}

/** AWS' own words stay out: they may repeat what was sent. */
export function failureOf(error: unknown, action: string, name: string): SecretError {
  if (error instanceof SecretError) return error;
  const code = error instanceof Error && NAME.test(error.name) ? error.name : 'Error';
  if (code === 'AccessDeniedException')
    return new SecretError(
      'PROVIDER_FORBIDDEN',
      `expected AWS to grant \`secretsmanager:${action}\` on \`${name}\`, which it does not; add it to the policy of our role`,
    );
  if (NOT_LET_IN.includes(code))
    return new SecretError(
      'PROVIDER_FORBIDDEN',
      `expected AWS to take our credentials, got \`${code}\`; see that the role is there, and that this machine's clock is right`,
    );
  if (code === 'EncryptionFailure' || code === 'DecryptionFailure')
    return new SecretError(
      'PROVIDER_FORBIDDEN',
      `expected AWS to use the KMS key of \`${name}\`, got \`${code}\`; see that our role may use the key and that it is enabled`,
    );
  return new SecretError(
    'PROVIDER_UNAVAILABLE',
    `expected AWS to answer \`secretsmanager:${action}\` about \`${name}\`, got \`${code}\`; it may have been done or not, and ` +
      'can be repeated',
  );
}
