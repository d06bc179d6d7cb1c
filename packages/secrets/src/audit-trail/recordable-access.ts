import { asTenantId, IdError } from '@provability-fabric/kernel';
import { MOST_ACCESS_DETAILS } from '@provability-fabric/statements';
import type { SecretAccess } from '../audit.ts';
import { SecretError } from '../errors.ts';

const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const WORD = /^[A-Z][A-Z_]{0,63}$/;
const DETAIL = /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/;
const MAX_TEXT = 255;
/** All of them together have to fit into a column. */
const MAX_DETAIL = 200;
/** Control characters, and halves of a surrogate pair: no column and no UTF-8 has them. */
const UNSTORABLE = /[\p{Cc}\p{Cs}]/u;
const EVERY_UNSTORABLE = new RegExp(UNSTORABLE, 'gu');
/** Of the times that the table takes. */
const MAX_TIME = Date.UTC(2200, 0, 1) - 1;

/**
 * The access in a form that the log and the table both take; what one caller sends must not fail the others of its group.
 * Details may come from a client, so they are cut and cleaned: an access must not go unrecorded for the sake of a header.
 * All else is the service's own, and throws AUDIT_UNAVAILABLE where it cannot be put on record.
 */
export function recordable(access: SecretAccess): SecretAccess {
  const { id, tenant, principal, action, secret, version, result, errorCode, at } = access;
  demand(isTenant(tenant), 'a tenant that a token can name');
  demand(ID.test(id), 'an id that is a UUID in lowercase');
  demand(isText(principal, 1), `a principal of 1 to ${MAX_TEXT} characters without control characters`);
  demand(isText(secret, 0), `a secret's name of at most ${MAX_TEXT} characters without control characters`);
  demand(WORD.test(action) && WORD.test(result), 'an action and a result that are words');
  demand(errorCode === undefined || WORD.test(errorCode), 'an error code that is a word');
  demand(version === undefined || (Number.isSafeInteger(version) && version > 0), 'a version of at least 1');
  demand(Number.isSafeInteger(at) && at >= 0 && at <= MAX_TIME, 'a time in ms since 1970');
  return { ...access, details: cleaned(access.details) };
}

function isTenant(tenant: string): boolean {
  try {
    return asTenantId(tenant) !== undefined;
  } catch (error) {
    if (error instanceof IdError) return false;
    throw error;
  }
}

function cleaned(details: SecretAccess['details']): SecretAccess['details'] {
  const entries = Object.entries(details);
  demand(entries.length <= MOST_ACCESS_DETAILS, `at most ${MOST_ACCESS_DETAILS} details`);
  demand(
    entries.every(([name]) => DETAIL.test(name)),
    'details named by letters, digits and `_ . -`',
  );
  return Object.fromEntries(entries.map(([name, value]) => [name, plain(value)]));
}

/** Numbers that JSON or a reader would round are kept as text. */
function plain(value: unknown): string | number | boolean {
  if (typeof value === 'boolean' || (typeof value === 'number' && isExact(value))) return value;
  return String(value).slice(0, MAX_DETAIL).replace(EVERY_UNSTORABLE, '\u{FFFD}');
}

function isExact(value: number): boolean {
  return Number.isFinite(value) && (Number.isSafeInteger(value) || !Number.isInteger(value));
}

function isText(text: string, least: number): boolean {
  return text.length >= least && text.length <= MAX_TEXT && !UNSTORABLE.test(text);
}

function demand(holds: boolean, expected: string): void {
  if (!holds)
    throw new SecretError('AUDIT_UNAVAILABLE', `expected an access to be put on record to have ${expected}`);
}
