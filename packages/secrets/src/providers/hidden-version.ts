import { SecretError } from '../errors.ts';

export function hiddenVersion(state: 'deleted' | 'destroyed', version: number): SecretError {
  return state === 'deleted'
    ? new SecretError(
        'SECRET_DELETED',
        `expected a version that is there, got \`${version}\`, which was deleted; undelete it`,
      )
    : new SecretError(
        'SECRET_DESTROYED',
        `expected a version that is there, got \`${version}\`, which was destroyed for good`,
      );
}
