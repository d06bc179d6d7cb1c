import { type Crypto, fromBase64 } from '@provability-fabric/kernel';
import {
  decodeChained,
  type EvidenceEntry,
  type EvidenceHead,
  type HeadStatement,
} from '@provability-fabric/statements';
import { EvidenceError } from '../errors.ts';
import type { LogReading } from '../file-log/log-reading.ts';
import { HeadsTree } from './heads-tree.ts';
import type { KeptHead } from './kept-heads.ts';
import { sessionEndsAt } from './session-ends.ts';

/** Proves from a signed head that sessions end where they do. */
export interface HeadProver {
  readonly head: HeadStatement;
  /** For the sessions of these entries, which are in log order. */
  prove(entries: readonly EvidenceEntry[]): EvidenceHead;
}

/**
 * On the newest head that is over no more than the log has; undefined where there is none, or where it cannot be told
 * how sessions ended then. Whether the head is right is for the verifier to say, who then also sees that it is not.
 */
export async function openHeadProver(
  crypto: Crypto,
  log: Pick<LogReading, 'size' | 'freed' | 'heads' | 'entries'>,
  kept: readonly (KeptHead | null)[],
): Promise<HeadProver | undefined> {
  const newest = kept.findLast((one) => one !== null && one.head.log_size <= log.size) ?? undefined;
  const ends = newest && (await sessionEndsAt(log, newest.head.log_size));
  if (newest === undefined || ends === undefined) return undefined;
  const { head, envelope } = newest;
  const tree = new HeadsTree(crypto);
  for (const end of ends) tree.set(end);
  tree.root();
  return {
    head,
    prove(entries) {
      const sessions = new Map<string, { readonly tenant: string; readonly session: string }>();
      for (const entry of entries) {
        if (entry.index >= head.log_size) continue;
        const { tenant, session } = decodeChained(
          entry.envelope.payloadType,
          fromBase64(entry.envelope.payload),
        );
        sessions.set(`${tenant}\0${session}`, { tenant, session });
      }
      const paths = [...sessions.values()].map((session) => tree.pathOf(session) ?? absent(session.session));
      return { envelope, paths };
    },
  };
}

function absent(session: string): never {
  throw new EvidenceError(
    'NOT_IN_LOG',
    `expected entries of this log, came some of session \`${session}\`, which it does not have`,
  );
}
