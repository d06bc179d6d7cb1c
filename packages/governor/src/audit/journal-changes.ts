import type { Digest } from '@provability-fabric/kernel';
import { CHANGES_SESSION_PREFIX, recordSession } from '@provability-fabric/statements';
import { GovernorError } from '../errors.ts';
import type { ChangeSource, SourcedChange } from './change-source.ts';

/** The log in files, written by this process or read from outside; the evidence package's satisfy it by structure. */
export interface ChangeLog {
  head(tenant: string, session: string): { readonly seq: number; readonly digest: Digest } | undefined;
  readSession(
    tenant: string,
    session: string,
    fromSeq?: number,
  ): AsyncIterable<{
    readonly seq: number;
    readonly envelope: Uint8Array;
    readonly record: Uint8Array | null;
  }>;
  /** Present where this process writes it. */
  onDurable?(listener: () => void): () => void;
}

export interface JournalChangesOptions {
  readonly log: ChangeLog;
  /** Of the log. */
  readonly logId: string;
  readonly tenant: string;
  /** The log as it is now, where somebody else writes it. */
  readonly reopen?: () => Promise<ChangeLog>;
}

/** The changes that one log has: its chain, session after session. */
export function journalChanges(options: JournalChangesOptions): ChangeSource {
  const { logId, tenant, reopen } = options;
  let log = options.log;
  const session = (number: number) => recordSession({ prefix: CHANGES_SESSION_PREFIX, log: logId, number });
  const lengthOf = (number: number) => (log.head(tenant, session(number))?.seq ?? -1) + 1;

  async function* from(index: number): AsyncGenerator<SourcedChange> {
    let next = index;
    for (let number = 0, start = 0; ; number++) {
      const length = lengthOf(number);
      if (length === 0) return;
      if (next < start + length) {
        const changes = log.readSession(tenant, session(number), next - start);
        for await (const { seq, envelope, record } of changes) {
          // A log that reads whole sessions is a log too.
          if (start + seq < next) continue;
          if (start + seq !== next) throw gap(next);
          yield { index: next, envelope, record };
          next += 1;
        }
        if (next < start + length) throw gap(next);
        // A session that grew while it was read goes on in the same place.
      }
      start += lengthOf(number);
      if (next < start) return;
    }
  }

  return {
    from,
    async count() {
      let count = 0;
      for (let number = 0; ; number++) {
        const length = lengthOf(number);
        if (length === 0) return count;
        count += length;
      }
    },
    changed: (listener) => log.onDurable?.(listener) ?? (() => undefined),
    ...(reopen === undefined
      ? {}
      : {
          async refresh() {
            log = await reopen();
          },
        }),
  };
}

function gap(index: number): GovernorError {
  return new GovernorError('CHANGE_AUDIT_DAMAGED', `expected change ${index} in the journal, came none`);
}
