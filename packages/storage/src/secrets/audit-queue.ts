// Rows that come while a transaction is under way go together in the next: one commit for many callers.
import { LedgerError } from '../errors.ts';

const MAX_GROUP_ROWS = 2_000;
const MAX_WAITING_ROWS = 20_000;

interface Waiting {
  readonly rows: readonly (readonly unknown[])[];
  resolve(): void;
  reject(error: unknown): void;
}

export interface AuditQueue {
  add(rows: readonly (readonly unknown[])[]): Promise<void>;
  /** Takes nothing more, and ends when all that waits is settled. */
  close(): Promise<void>;
}

export function createAuditQueue(
  store: (rows: readonly (readonly unknown[])[]) => Promise<void>,
): AuditQueue {
  let waiting: Waiting[] = [];
  let count = 0;
  let running: Promise<void> | undefined;
  let closed = false;

  function take(): readonly Waiting[] {
    let [callers, rows] = [0, 0];
    for (const one of waiting) {
      rows += one.rows.length;
      if (callers > 0 && rows > MAX_GROUP_ROWS) break;
      callers += 1;
    }
    const taken = waiting.slice(0, callers);
    waiting = waiting.slice(callers);
    return taken;
  }

  async function run(): Promise<void> {
    while (waiting.length > 0) {
      const group = take();
      const rows = group.flatMap((one) => one.rows);
      const failure = await store(rows).then(
        () => undefined,
        (error: unknown) => ({ error }),
      );
      count -= rows.length;
      for (const { resolve, reject } of group) {
        if (failure === undefined) resolve();
        else reject(failure.error);
      }
    }
    running = undefined;
  }

  return {
    async add(rows) {
      if (rows.length === 0) return;
      if (closed) throw unavailable('it is closed');
      if (count + rows.length > MAX_WAITING_ROWS) throw unavailable(`\`${count}\` rows wait for it already`);
      await new Promise<void>((resolve, reject) => {
        waiting.push({ rows, resolve, reject });
        count += rows.length;
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
  return new LedgerError('LEDGER_UNAVAILABLE', `secret_audit_logs takes nothing right now: ${problem}`);
}
