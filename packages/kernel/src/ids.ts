// Identifiers that people and other systems choose. The alphabet is ASCII without spaces, quotes and control
// characters: safe in logs, URLs and file names, and no two ids look alike or normalise into each other.
import { IdError } from './errors.ts';

declare const brand: unique symbol;
type Id<Name extends string> = string & { readonly [brand]: Name };

export type TenantId = Id<'TenantId'>;
export type SessionId = Id<'SessionId'>;
export type PrincipalId = Id<'PrincipalId'>;
export type CertificateId = Id<'CertificateId'>;
export type ToolName = Id<'ToolName'>;
export type ClauseId = Id<'ClauseId'>;

const NAME = /^[A-Za-z0-9._:@/+-]{1,128}$/;
const CLAUSE = /^[A-Za-z0-9._-]{1,128}$/;

export function asTenantId(text: string): TenantId {
  return check(text, NAME, 'a tenant id') as TenantId;
}

export function asSessionId(text: string): SessionId {
  return check(text, NAME, 'a session id') as SessionId;
}

export function asPrincipalId(text: string): PrincipalId {
  return check(text, NAME, 'a principal id') as PrincipalId;
}

export function asCertificateId(text: string): CertificateId {
  return check(text, NAME, 'a certificate id') as CertificateId;
}

export function asToolName(text: string): ToolName {
  return check(text, NAME, 'a tool name') as ToolName;
}

export function asClauseId(text: string): ClauseId {
  return check(text, CLAUSE, 'a clause id') as ClauseId;
}

function check(text: string, pattern: RegExp, what: string): string {
  if (pattern.test(text)) return text;
  // The text itself stays out of the message: what arrives in the wrong place is too often a token.
  const alphabet = pattern === CLAUSE ? 'A-Z a-z 0-9 . _ -' : 'A-Z a-z 0-9 . _ : @ / + -';
  throw new IdError(
    `expected ${what} of 1 to 128 characters out of ${alphabet}, got ${describe(text, pattern)}`,
  );
}

function describe(text: string, pattern: RegExp): string {
  if (text.length === 0 || text.length > 128) return `\`${text.length}\` characters`;
  let at = 0;
  while (pattern.test(text.charAt(at))) at++;
  return `\`U+${text.charCodeAt(at).toString(16).padStart(4, '0')}\` at position ${at}`;
}
