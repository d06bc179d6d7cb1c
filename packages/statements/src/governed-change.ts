import { type Digest, isJsonObject, type JsonObject } from '@provability-fabric/kernel';
import { StatementError } from './errors.ts';
import { type InputRecord, inputOf } from './input-record.ts';

export const GOVERNED_CHANGE_KINDS = [
  'policy-adopted',
  'change-proposed',
  'change-refused',
  'change-started',
  'change-applied',
  'change-failed',
  'rollback-refused',
  'rollback-started',
  'rollback-applied',
  'rollback-failed',
  'killed',
  'revived',
  'key-added',
  'key-retired',
  'audit-restored',
] as const;

export type GovernedChangeKind = (typeof GOVERNED_CHANGE_KINDS)[number];

/**
 * One step of the governor: what was proposed, refused, begun, applied or taken back, by whom and under which policy. It
 * stands in a chain of its own kind, `changes:<log id>:<number>` of the tenant. Nothing of a file's content is in it.
 */
export interface GovernedChangeStatement {
  readonly type: 'governed-change';
  readonly tenant: string;
  readonly session: string;
  /** Gap-free from 0 within the session. */
  readonly seq: number;
  /** SHA-256 of the previous statement's payload; null at seq 0. */
  readonly previous: Digest | null;
  /** At seq 0 of every session but the first: the last statement of the session with the number before. Null elsewhere. */
  readonly continues: Digest | null;
  /** What was begun and what came of it share one. */
  readonly change_id: string;
  readonly kind: GovernedChangeKind;
  readonly actor: 'api' | 'cli' | 'mcp' | 'governor';
  readonly principal: string;
  /** SHA-256 of the manifest that was signed; null for what concerns none. */
  readonly manifest: Digest | null;
  /** Of the manifest whose change is taken back. */
  readonly reverts: Digest | null;
  readonly verdict: 'approved' | 'blocked' | null;
  readonly error_code: string | null;
  readonly policy: { readonly digest: Digest; readonly version: number } | null;
  readonly tree: { readonly before: Digest; readonly after: Digest } | null;
  /** How the tests ended. Of their output only a digest is anywhere, in the record. */
  readonly sandbox: { readonly rc: number; readonly duration_ms: number; readonly timed_out: boolean } | null;
  /** Object id of the git commit that the change landed as. */
  readonly commit: string | null;
  /** Root of the salted Merkle tree over what else is known: the record has it. */
  readonly details_root: Digest;
  /** RFC 3339 UTC with milliseconds. */
  readonly issued_at: string;
}

const LEAVES = [
  '/change_id',
  '/detail',
  '/files',
  '/idempotency_key',
  '/output_digest',
  '/sandbox',
  '/signers',
];

/** What the record of a step holds; the governor reads the rest of it. */
export interface GovernedChangeDetails {
  readonly change_id: string;
  readonly detail: string | null;
  readonly idempotency_key: string | null;
  /** Of the tests' output. */
  readonly output_digest: string | null;
  readonly files: readonly JsonObject[];
  readonly signers: readonly JsonObject[];
  readonly sandbox: JsonObject | null;
}

/** What a record discloses, whose root the caller has compared. Throws RECORD_MALFORMED for what is no such record. */
export function parseGovernedChangeDetails(record: InputRecord): GovernedChangeDetails {
  const paths = record.leaves.map(({ path }) => path);
  const isWhole = paths.length === LEAVES.length && LEAVES.every((path, place) => paths[place] === path);
  if (!isWhole) throw malformed(`the leaves ${LEAVES.join(', ')}`);
  const { change_id, detail, idempotency_key, output_digest, files, signers, sandbox } = inputOf(record);
  const isText = (value: unknown) => value === null || typeof value === 'string';
  const isList = (value: unknown) => Array.isArray(value) && value.every(isJsonObject);
  if (typeof change_id !== 'string' || ![detail, idempotency_key, output_digest].every(isText))
    throw malformed('texts where texts belong');
  if (!isList(files) || !isList(signers)) throw malformed('lists of files and signers');
  if (sandbox !== null && !isJsonObject(sandbox as JsonObject)) throw malformed('an object for the sandbox');
  return { change_id, detail, idempotency_key, output_digest, files, signers, sandbox } as never;
}

function malformed(expected: string): StatementError {
  return new StatementError(
    'RECORD_MALFORMED',
    `expected the record of a governed change to have ${expected}`,
  );
}
