import { type Digest, isJsonObject } from '@provability-fabric/kernel';
import { StatementError } from './errors.ts';
import type { InputRecord } from './input-record.ts';

export type SecretAccessResult = 'STARTED' | 'SUCCESS' | 'FAILURE' | 'DENIED';

/**
 * That somebody did, or wanted to do, something with a secret. It stands in a chain of its own kind,
 * `secrets:<log id>:<number>` of the tenant: nothing is decided from it, so it moves no state, and nothing of a value is in
 * it, not even a digest.
 */
export interface SecretAccessStatement {
  readonly type: 'secret-access';
  readonly tenant: string;
  readonly session: string;
  /** Gap-free from 0 within the session. */
  readonly seq: number;
  /** SHA-256 of the previous statement's payload; null at seq 0. */
  readonly previous: Digest | null;
  /** At seq 0 of every session but the first: the last statement of the session with the number before. Null elsewhere. */
  readonly continues: Digest | null;
  /** A change is on record twice under one id: STARTED, then what came of it. */
  readonly access_id: string;
  readonly principal: string;
  readonly action: string;
  /** The name; a prefix or nothing for a list, `-` where what was asked for is no name. */
  readonly secret: string;
  readonly version: number | null;
  readonly result: SecretAccessResult;
  readonly error_code: string | null;
  /** `embedded`, `vault`, `aws`. */
  readonly provider: string;
  /** Root of the salted Merkle tree over what else is known: the record has the details. */
  readonly details_root: Digest;
  /** RFC 3339 UTC with milliseconds; never before the statement before. */
  readonly issued_at: string;
}

/** What the record of an access holds. Names, numbers and codes: tool, session, certificate, client; never a value. */
export interface SecretAccessDetails {
  readonly access_id: string;
  readonly details: Readonly<Record<string, string | number | boolean>>;
}

export const MOST_ACCESS_DETAILS = 16;

/** What a record discloses, whose root the caller has compared. Throws RECORD_MALFORMED for what is no such record. */
export function parseSecretAccessDetails(record: InputRecord): SecretAccessDetails {
  const [id, details, ...others] = record.leaves;
  const isWhole = id?.path === '/access_id' && details?.path === '/details' && others.length === 0;
  if (!isWhole || typeof id.value !== 'string' || !isJsonObject(details.value))
    throw malformed('the leaves `/access_id` and `/details`');
  const entries = Object.entries(details.value);
  const isFlat = entries.every(([, value]) => ['string', 'number', 'boolean'].includes(typeof value));
  if (!isFlat || entries.length > MOST_ACCESS_DETAILS)
    throw malformed(`at most ${MOST_ACCESS_DETAILS} details, each a text, a number or a boolean`);
  return { access_id: id.value, details: details.value as SecretAccessDetails['details'] };
}

function malformed(expected: string): StatementError {
  return new StatementError('RECORD_MALFORMED', `expected the record of an access to have ${expected}`);
}
