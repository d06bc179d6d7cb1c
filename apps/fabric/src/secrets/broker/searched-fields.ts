import type { LiveValue } from '@provability-fabric/secrets';

type Fields = LiveValue['fields'];

const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const PUBLIC_KEY = /^-----BEGIN PUBLIC KEY-----[A-Za-z0-9+/=\s]*-----END PUBLIC KEY-----\s*$/;
/** Members of JSON Web Keys that everybody may have. */
const PUBLIC_MEMBERS = new Set(['kty', 'crv', 'x', 'y', 'n', 'e', 'kid', 'alg', 'use']);

/**
 * The values to look for: without what our own rotators keep beside a secret, which every log has (whose turn it is, when it
 * was rotated) or everybody is given (public keys). Judged by its form too, so that nothing else hides under such a name.
 */
export function searchedValues(fields: Fields): readonly string[] {
  const known = publicMembers(fields.jwk);
  return Object.entries(fields).flatMap(([name, value]) => (isOpen(name, value, known) ? [] : [value]));
}

function isOpen(name: string, value: string, jwk: Readonly<Record<string, unknown>> | undefined): boolean {
  switch (name) {
    case 'active_user':
      return value === 'primary' || value === 'secondary';
    case 'last_rotated_at':
      return MOMENT.test(value);
    case 'public_key':
      return PUBLIC_KEY.test(value);
    case 'jwk':
      return jwk !== undefined;
    case 'kid':
    case 'alg':
      return jwk !== undefined && jwk[name] === value;
    default:
      return false;
  }
}

/** undefined for what is no key, or has anything of a private one. */
function publicMembers(text: string | undefined): Readonly<Record<string, unknown>> | undefined {
  try {
    const jwk: unknown = JSON.parse(text ?? '');
    if (typeof jwk !== 'object' || jwk === null || Array.isArray(jwk)) return undefined;
    const isPublic = Object.keys(jwk).every((member) => PUBLIC_MEMBERS.has(member));
    return isPublic ? (jwk as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
