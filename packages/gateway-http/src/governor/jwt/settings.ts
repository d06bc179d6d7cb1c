import { GatewayError } from '../../errors.ts';

/** What tokens may be signed with. HS256 shares its secret with whoever checks: only where it is asked for by name. */
export type JwtAlgorithm = 'RS256' | 'EdDSA' | 'HS256';

export const JWT_ALGORITHMS: readonly JwtAlgorithm[] = ['RS256', 'EdDSA', 'HS256'];

export interface JwtSettings {
  readonly algorithm: JwtAlgorithm;
  /** HS256 alone, at least 32 bytes. */
  readonly secret?: string;
  /** PEM, or the path of a file with it. Of this and the next two exactly one, for RS256 and EdDSA. */
  readonly publicKey?: string;
  /** Of a JSON Web Key Set: https, or http on this machine. */
  readonly jwksUrl?: string;
  /** Read again when it changes. */
  readonly jwksFile?: string;
  readonly issuer: string;
  readonly audience: string;
  /** A token that is valid for longer than this is refused, whoever signed it. */
  readonly maxLifetimeSeconds: number;
  /** `jti` of tokens that were taken back, one a line; read again when it changes. */
  readonly revokedFile?: string;
  /** Whose governor it is: every token speaks for it. */
  readonly tenant: string;
}

const LEAST_SECRET_BYTES = 32;

/** A secret for HS256. A public key in its place would let anybody sign. */
export function requireSecret(secret: string | undefined): Uint8Array {
  const bytes = Buffer.from(secret ?? '', 'utf8');
  if (bytes.length < LEAST_SECRET_BYTES)
    throw jwtInvalid(
      `expected a secret of at least ${LEAST_SECRET_BYTES} bytes for \`HS256\`, came \`${bytes.length}\``,
    );
  if (/-----BEGIN |^ssh-(?:rsa|ed25519) /.test(secret ?? ''))
    throw jwtInvalid(
      'expected a secret for `HS256`, came a key; for a key set the algorithm to `RS256` or `EdDSA`',
    );
  return bytes;
}

export function jwtInvalid(message: string, cause?: unknown): GatewayError {
  return new GatewayError('JWT_INVALID', message, cause === undefined ? undefined : { cause });
}
