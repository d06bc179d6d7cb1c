import { EnforcementError } from './errors.ts';
import type { Ledgered } from './ports.ts';

export interface LedgerSettings {
  /** Absent where no ledger is configured: then durable in the journal is all there is. */
  readonly ledgered?: Ledgered;
  /** Decisions go on while the ledger lacks nothing older than this, in ms; asked each time. */
  readonly maxLagMs?: () => number;
  /** What an answer waits for; asked each time. A bundle of high assurance waits for the ledger in any case. */
  readonly answersWait?: () => 'journal' | 'ledger';
  /** How long an answer waits for the ledger, in ms. */
  readonly ledgerWaitMs?: number;
}

const DEFAULT_MAX_LAG_MS = 60_000;
const DEFAULT_LEDGER_WAIT_MS = 5_000;

/** What has to be in the ledger before a decision is made, and before its answer is given. */
export class LedgerGate {
  readonly #settings: LedgerSettings;
  readonly #highAssurance: () => boolean;

  constructor(settings: LedgerSettings, highAssurance: () => boolean) {
    this.#settings = settings;
    this.#highAssurance = highAssurance;
  }

  /** Whether answers wait right now. */
  get answersWait(): boolean {
    const { ledgered, answersWait } = this.#settings;
    return ledgered !== undefined && (this.#highAssurance() || answersWait?.() === 'ledger');
  }

  /** Why nothing may be decided right now; undefined where it may. */
  problem(): EnforcementError | undefined {
    const { ledgered, maxLagMs } = this.#settings;
    if (ledgered === undefined) return undefined;
    const [lag, most] = [ledgered.lagMs(), maxLagMs?.() ?? DEFAULT_MAX_LAG_MS];
    // Written so that a lag that is no number refuses.
    if (lag <= most) return undefined;
    return new EnforcementError(
      'EVIDENCE_UNAVAILABLE',
      `the ledger lacks evidence that is ${Math.round(lag)} ms old, expected at most ${most}; nothing was decided`,
    );
  }

  /** Resolves once the ledger has the entry; throws EVIDENCE_UNAVAILABLE where it does not get it in time. */
  async reached(index: number): Promise<void> {
    const { ledgered, ledgerWaitMs = DEFAULT_LEDGER_WAIT_MS } = this.#settings;
    try {
      await ledgered?.upTo(index, ledgerWaitMs);
    } catch (cause) {
      const problem = `the ledger did not get the evidence within ${ledgerWaitMs} ms, so no answer is given`;
      throw new EnforcementError('EVIDENCE_UNAVAILABLE', problem, { cause });
    }
  }

  /** Whether the ledger has the entry already. */
  has(index: number): Promise<boolean> {
    const { ledgered } = this.#settings;
    if (ledgered === undefined) return Promise.resolve(true);
    return ledgered.upTo(index, 0).then(
      () => true,
      () => false,
    );
  }
}
