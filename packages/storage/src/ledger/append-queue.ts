// Batches that wait while a transaction is under way go together in the next: one lock, one checkpoint.
import type { LedgerAppended, LedgerBatch } from '@provability-fabric/evidence';
import type { Crypto } from '@provability-fabric/kernel';
import { LedgerError } from '../errors.ts';
import { type PreparedBatch, prepareBatch } from './prepared-entry.ts';

const MAX_GROUP_ENTRIES = 8_192;
const MAX_GROUP_BYTES = 80 * 1024 * 1024;
const MAX_WAITING_BYTES = 256 * 1024 * 1024;

type Settled = LedgerAppended | LedgerError;

interface Waiting {
  readonly prepared: PreparedBatch;
  readonly resolve: (appended: LedgerAppended) => void;
  readonly reject: (error: unknown) => void;
}

export interface AppendQueue {
  append(batch: LedgerBatch): Promise<LedgerAppended>;
  close(): Promise<void>;
}

/** `settle` answers for each batch, in order, or throws for all of them. */
export function createAppendQueue(
  crypto: Crypto,
  settle: (batches: readonly PreparedBatch[]) => Promise<readonly Settled[]>,
): AppendQueue {
  const waiting: Waiting[] = [];
  let bytes = 0;
  let running: Promise<void> | undefined;
  let closed = false;

  function take(): Waiting[] {
    let [count, entries, size] = [0, 0, 0];
    for (const { prepared } of waiting) {
      entries += prepared.entries.length;
      size += prepared.bytes;
      if (count > 0 && (entries > MAX_GROUP_ENTRIES || size > MAX_GROUP_BYTES)) break;
      count++;
    }
    return waiting.splice(0, count);
  }

  async function run(): Promise<void> {
    while (waiting.length > 0) {
      const group = take();
      const settled = await settle(group.map(({ prepared }) => prepared)).catch((error: unknown) =>
        group.map(() => error),
      );
      for (const [place, { prepared, resolve, reject }] of group.entries()) {
        bytes -= prepared.bytes;
        const outcome = settled[place];
        if (outcome instanceof Error) reject(outcome);
        else resolve(outcome as LedgerAppended);
      }
    }
    running = undefined;
  }

  return {
    async append(batch) {
      const prepared = prepareBatch(crypto, batch);
      if (closed) throw unavailable('it is closed');
      if (bytes + prepared.bytes > MAX_WAITING_BYTES) throw unavailable(`${bytes} bytes wait for it already`);
      return new Promise((resolve, reject) => {
        waiting.push({ prepared, resolve, reject });
        bytes += prepared.bytes;
        running ??= run();
      });
    },
    async close() {
      closed = true;
      await running;
    },
  };
}

function unavailable(problem: string): LedgerError {
  return new LedgerError('LEDGER_UNAVAILABLE', `the ledger takes nothing right now: ${problem}`);
}
