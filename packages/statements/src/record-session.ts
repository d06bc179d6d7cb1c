import type { Digest } from '@provability-fabric/kernel';

/** What sessions are called that hold accesses to secrets. */
export const SECRETS_SESSION_PREFIX = 'secrets:';
/** What sessions are called that hold the steps of governed changes. */
export const CHANGES_SESSION_PREFIX = 'changes:';

export type RecordSessionPrefix = typeof SECRETS_SESSION_PREFIX | typeof CHANGES_SESSION_PREFIX;

/**
 * Sessions of facts: nothing is decided from what stands in them, so no state moves and nothing can be derived anew.
 * Reserved: no agent's session begins so.
 */
export const RECORD_SESSION_PREFIXES: readonly RecordSessionPrefix[] = [
  SECRETS_SESSION_PREFIX,
  CHANGES_SESSION_PREFIX,
];

export function isRecordSession(session: string): boolean {
  return RECORD_SESSION_PREFIXES.some((prefix) => session.startsWith(prefix));
}

export interface RecordSessionName {
  readonly prefix: RecordSessionPrefix;
  /** Id of the log: each log has chains of its own. */
  readonly log: string;
  /** From 0, without a gap. */
  readonly number: number;
}

export function recordSession({ prefix, log, number }: RecordSessionName): string {
  return `${prefix}${log}:${number}`;
}

/** What a session of facts is called after; undefined for a name that none has. */
export function parseRecordSession(session: string): RecordSessionName | undefined {
  const [, prefix, log, number] =
    /^(secrets:|changes:)([0-9a-f]{32}):(0|[1-9][0-9]{0,14})$/.exec(session) ?? [];
  if (prefix === undefined || log === undefined) return undefined;
  return { prefix: prefix as RecordSessionPrefix, log, number: Number(number) };
}

/** So long is a session of facts, so that each can be exported, verified and served as a whole. */
export const RECORD_SESSION_LENGTH = 1024;

/** Where in its chain a statement of such a session stands. */
export interface RecordPlace {
  readonly session: string;
  /** Gap-free from 0 within the session. */
  readonly seq: number;
  /** SHA-256 of the previous statement's payload; null at seq 0. */
  readonly previous: Digest | null;
  /** At seq 0 of every session but the first: the last statement of the session with the number before. Null elsewhere. */
  readonly continues: Digest | null;
}
