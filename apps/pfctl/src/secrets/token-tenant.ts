import { CommandError } from '@provability-fabric/command-line';
import { field, parseJson } from '@provability-fabric/kernel';

/** Whose secrets a token is about, as it says itself: the service checks it, this only spares typing. */
export function tokenTenant(token: string): string {
  const [, payload = ''] = token.split('.');
  try {
    const tenant = field(parseJson(Buffer.from(payload, 'base64url').toString('utf8')), 'tenant');
    if (typeof tenant === 'string') return tenant;
  } catch {
    // said below
  }
  throw new CommandError(
    'INPUT_INVALID',
    'expected a token of the fabric, or --tenant beside it; came neither',
  );
}
