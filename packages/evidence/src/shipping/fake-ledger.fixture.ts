import { hex } from '@provability-fabric/kernel';
import type { LedgerAppended, LedgerBatch, LedgerEntry, LedgerWriter } from '../ledger/ports.ts';
import { crypto } from '../testing/log-fixture.ts';

/** What happens to one call: nothing bad; refused before or after it took effect; or never answered. */
export type Fault = 'none' | 'lost' | 'lost after commit' | 'read-only' | 'conflict' | 'hangs';

/** A ledger in memory that fails as a database does, when a test says so; it keeps to the port's contract. */
export class FakeLedger implements LedgerWriter {
  readonly entries: LedgerEntry[] = [];
  readonly loose: LedgerEntry[] = [];
  readonly batches: LedgerBatch[] = [];
  /** Faults of the calls to come, in turn; then none. */
  readonly faults: Fault[] = [];
  /** While set, the fault of every call. */
  always: Fault | undefined;
  calls = 0;
  running = 0;
  mostAtOnce = 0;

  async position(): Promise<number> {
    return this.#call(() => this.entries.length);
  }

  async append(batch: LedgerBatch): Promise<LedgerAppended> {
    return this.#call(() => this.#append(batch));
  }

  #append(batch: LedgerBatch): LedgerAppended {
    this.batches.push(batch);
    const { from, entries } = batch;
    const before = this.entries.length;
    if (from === null) this.loose.push(...entries);
    else {
      if (from > before) throw failure('LEDGER_CONFLICT', 'a gap');
      for (const [place, entry] of entries.entries()) {
        if (hex(crypto.sha256(payloadOf(entry))) !== entry.digest) throw failure('BAD_ENTRY', 'its digest');
        const known = this.entries[from + place];
        if (known === undefined) this.entries.push(entry);
        else if (known.digest !== entry.digest) throw failure('LEDGER_CONFLICT', 'a fork');
      }
    }
    const added = this.entries.length - before;
    const position = from === null ? null : this.entries.length;
    const size = this.entries.length + this.loose.length;
    return { size, checkpoint: '', added, repeated: entries.length - added, superseded: 0, position };
  }

  async #call<Result>(work: () => Result): Promise<Result> {
    this.calls++;
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.running);
    await new Promise((resolve) => setImmediate(resolve));
    this.running--;
    const fault = this.always ?? this.faults.shift() ?? 'none';
    if (fault === 'hangs') await new Promise(() => undefined);
    if (fault === 'lost') throw failure('LEDGER_UNAVAILABLE', 'no connection');
    if (fault === 'read-only') throw failure('LEDGER_READ_ONLY', 'a standby');
    if (fault === 'conflict') throw failure('LEDGER_CONFLICT', 'another statement');
    const result = work();
    if (fault === 'lost after commit') throw failure('LEDGER_UNAVAILABLE', 'no answer in time');
    return result;
  }
}

function payloadOf({ envelope }: LedgerEntry): Uint8Array {
  return Buffer.from(JSON.parse(Buffer.from(envelope).toString()).payload, 'base64');
}

function failure(code: string, problem: string): Error {
  return Object.assign(new Error(`the ledger failed: ${problem}`), { code });
}
