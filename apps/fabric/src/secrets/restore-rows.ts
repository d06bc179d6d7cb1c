import type { FileLog } from '@provability-fabric/evidence';
import type { Crypto } from '@provability-fabric/kernel';
import { fromBase64, parseEnvelope, parseJsonBytes } from '@provability-fabric/kernel';
import type { AuditRow } from '@provability-fabric/secrets';
import {
  decodeChained,
  parseInputRecord,
  parseRecordSession,
  parseSecretAccessDetails,
  SECRETS_SESSION_PREFIX,
  statementDigest,
} from '@provability-fabric/statements';

/** More than what can be between a statement and its row. */
const SESSIONS = 2;
const AT_ONCE = 500;

interface Restoring {
  readonly journal: Pick<FileLog, 'id' | 'heads' | 'readSession'>;
  readonly rows: { append(rows: readonly AuditRow[]): Promise<void> };
  readonly crypto: Crypto;
}

/**
 * After a crash there may be statements of accesses whose rows were cut off; nobody was answered on them. They are put into the
 * table as they would have been: those that are there stay as they are. Answers how many were looked at.
 */
export async function restoreRows({ journal, rows, crypto }: Restoring): Promise<number> {
  let count = 0;
  for (const [tenant, numbers] of newestSessions(journal)) {
    for (const session of numbers) {
      let group: AuditRow[] = [];
      for await (const { envelope, record } of journal.readSession(tenant, session)) {
        group.push(rowOf(crypto, envelope, record));
        if (group.length < AT_ONCE) continue;
        await rows.append(group);
        count += group.length;
        group = [];
      }
      if (group.length > 0) await rows.append(group);
      count += group.length;
    }
  }
  return count;
}

/** Of each tenant, the last sessions of accesses that this log has. */
function newestSessions(journal: Restoring['journal']): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, { readonly number: number; readonly session: string }[]>();
  for (const { tenant, session } of journal.heads()) {
    const parsed = parseRecordSession(session);
    if (parsed?.log !== journal.id || parsed.prefix !== SECRETS_SESSION_PREFIX) continue;
    found.set(tenant, [...(found.get(tenant) ?? []), { number: parsed.number, session }]);
  }
  return new Map(
    [...found].map(([tenant, sessions]) => [
      tenant,
      sessions
        .sort((a, b) => a.number - b.number)
        .slice(-SESSIONS)
        .map(({ session }) => session),
    ]),
  );
}

function rowOf(crypto: Crypto, envelope: Uint8Array, record: Uint8Array | null): AuditRow {
  const { payloadType, payload } = parseEnvelope(parseJsonBytes(envelope));
  const bytes = fromBase64(payload);
  const statement = decodeChained(payloadType, bytes);
  if (statement.type !== 'secret-access')
    throw new Error(`expected an access to a secret, came a ${statement.type}`);
  const { access_id: id, tenant, principal, action, secret, version, result, error_code } = statement;
  return {
    ...{ id, tenant, principal, action, secret, result },
    ...(version === null ? {} : { version }),
    ...(error_code === null ? {} : { errorCode: error_code }),
    details:
      record === null ? {} : parseSecretAccessDetails(parseInputRecord(parseJsonBytes(record))).details,
    at: Date.parse(statement.issued_at),
    statementDigest: statementDigest(crypto, bytes),
  } as AuditRow;
}
