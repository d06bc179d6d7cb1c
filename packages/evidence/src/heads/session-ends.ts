import { fromBase64, parseEnvelope, parseJsonBytes } from '@provability-fabric/kernel';
import { decodeChained, type SessionEnd } from '@provability-fabric/statements';
import type { LogReading } from '../file-log/log-reading.ts';

const AT_ONCE = { entries: 4096, bytes: 16 * 1024 * 1024 };

/**
 * Where sessions ended when the log had `size` entries: of those that have grown since, the first statement from there on
 * says what was before it. undefined where it does not, since another fabric had the session in between, or was freed.
 */
export async function sessionEndsAt(
  log: Pick<LogReading, 'size' | 'freed' | 'heads' | 'entries'>,
  size: number,
): Promise<readonly SessionEnd[] | undefined> {
  if (size < log.freed) return undefined;
  const ends = new Map<string, SessionEnd>();
  for (const { tenant, session, seq, digest } of log.heads())
    ends.set(nameOf(tenant, session), { tenant, session, seq, digest });
  const grown = new Set<string>();
  for (let next = size; next < log.size; ) {
    const entries = await log.entries(next, AT_ONCE);
    for (const { index, tenant, session, seq, envelope, takenOver } of entries) {
      next = index + 1;
      const name = nameOf(tenant, session);
      if (grown.has(name)) continue;
      grown.add(name);
      if (takenOver) return undefined;
      const previous = previousIn(envelope);
      if (previous === null) ends.delete(name);
      else ends.set(name, { tenant, session, seq: seq - 1, digest: previous });
    }
    if (entries.length === 0) return undefined;
  }
  return [...ends.values()];
}

function previousIn(bytes: Uint8Array): SessionEnd['digest'] | null {
  const { payloadType, payload } = parseEnvelope(parseJsonBytes(bytes));
  return decodeChained(payloadType, fromBase64(payload)).previous;
}

/** Names hold no NUL, so no two pairs share one. */
function nameOf(tenant: string, session: string): string {
  return `${tenant}\0${session}`;
}
