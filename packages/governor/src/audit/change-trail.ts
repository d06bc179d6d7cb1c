import type { Digest } from '@provability-fabric/kernel';
import {
  CHANGES_SESSION_PREFIX,
  RECORD_SESSION_LENGTH,
  RecordChain,
  type RecordJournal,
} from '@provability-fabric/statements';
import { GovernorError } from '../errors.ts';
import type { ChangeEvent } from './change-event.ts';
import { type ChangeWriting, recordable, requireTenant, writeChange } from './write-change.ts';

export interface ChangeTrailOptions extends ChangeWriting {
  readonly journal: RecordJournal;
  /** The journal's own id: each log has a chain of its own. */
  readonly logId: string;
  /** So many events may be on their way at once; beyond it CHANGE_AUDIT_UNAVAILABLE. 1,024. */
  readonly most?: number;
  /** How many statements a session has before the next one begins. 1,024; for tests. */
  readonly sessionLength?: number;
}

export interface ChangeTrail {
  /** Resolves once it is durable in the journal; throws CHANGE_AUDIT_UNAVAILABLE, and then nothing of it is ever found. */
  record(event: ChangeEvent): Promise<{ readonly statement: Digest }>;
  /** What is wrong, for an operator; empty when all is well. */
  health(): readonly string[];
  /** Refuses what comes from here on, and settles the rest. */
  close(): Promise<void>;
}

/** Puts each step of the governor on record as a signed statement in the tenant's chain. */
export function createChangeTrail(options: ChangeTrailOptions): ChangeTrail {
  const { journal, logId, most = 1_024, sessionLength = RECORD_SESSION_LENGTH } = options;
  const tenant = requireTenant(options.tenant);
  let problem: string | undefined;
  let closed = false;
  const underWay = new Set<Promise<unknown>>();
  const chain = new RecordChain<ChangeEvent>({
    journal,
    prefix: CHANGES_SESSION_PREFIX,
    log: logId,
    tenant,
    length: sessionLength,
    write: (place, event) => writeChange(options, place, event),
    committed() {
      problem = undefined;
    },
    failed(cause) {
      problem = 'changes cannot be put on record in the journal, so they are refused';
      const message = 'the step could not be made durable in the journal; make space there and try again';
      return new GovernorError('CHANGE_AUDIT_UNAVAILABLE', message, { cause });
    },
  });

  return {
    async record(given) {
      if (closed) throw unavailable('changes are not put on record any more: the governor is closing');
      if (underWay.size >= most)
        throw unavailable(`expected fewer than ${most} steps on their way at once, came one more; try again`);
      const event = recordable(options, given);
      const appended = chain.append(event);
      underWay.add(appended);
      try {
        const { digest } = await appended;
        return { statement: digest };
      } finally {
        underWay.delete(appended);
      }
    },
    health: () => (problem === undefined ? [] : [problem]),
    async close() {
      closed = true;
      await Promise.allSettled([...underWay]);
    },
  };
}

function unavailable(message: string): GovernorError {
  return new GovernorError('CHANGE_AUDIT_UNAVAILABLE', message);
}
