import { type GovernedChangeStatement, parseGovernedChangeDetails } from './governed-change.ts';
import type { InputRecord } from './input-record.ts';
import {
  CHANGES_SESSION_PREFIX,
  type RecordSessionPrefix,
  SECRETS_SESSION_PREFIX,
} from './record-session.ts';
import { parseSecretAccessDetails, type SecretAccessStatement } from './secret-access.ts';
import type { ChainedStatement } from './statement.ts';

/** A fact that stands in a session of its own kind. */
export type RecordStatement = SecretAccessStatement | GovernedChangeStatement;

/** Which sessions each kind belongs into. */
export const RECORD_PREFIXES: Readonly<Record<RecordStatement['type'], RecordSessionPrefix>> = {
  'secret-access': SECRETS_SESSION_PREFIX,
  'governed-change': CHANGES_SESSION_PREFIX,
};

export function isRecordType(type: string): type is RecordStatement['type'] {
  return Object.hasOwn(RECORD_PREFIXES, type);
}

export function isRecord(statement: ChainedStatement): statement is RecordStatement {
  return isRecordType(statement.type);
}

/** What an access or a change is known by; what was begun and what came of it share one. */
export function recordId(
  statement:
    | Pick<SecretAccessStatement, 'type' | 'access_id'>
    | Pick<GovernedChangeStatement, 'type' | 'change_id'>,
): string {
  return statement.type === 'secret-access' ? statement.access_id : statement.change_id;
}

/** The id that a record was written for. Throws RECORD_MALFORMED for what is no record of such a statement. */
export function recordedId({ type }: Pick<RecordStatement, 'type'>, record: InputRecord): string {
  return type === 'secret-access'
    ? parseSecretAccessDetails(record).access_id
    : parseGovernedChangeDetails(record).change_id;
}
