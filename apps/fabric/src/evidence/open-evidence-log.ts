import type { LiveSettings } from '@provability-fabric/configuration';
import {
  createHeads,
  createShipper,
  type Emit,
  type FileLog,
  type LedgerWriter,
  openFileLog,
  type Shipper,
} from '@provability-fabric/evidence';
import type { Metrics } from '@provability-fabric/gateway-http';
import type { DataFolder } from '../data-folder.ts';
import { lateLedger } from '../ledger/late-ledger.ts';
import type { Ledger } from '../ledger/open-ledger.ts';
import type { JournalProblems } from '../observe/journal-problems.ts';
import type { FabricSettings } from '../settings.ts';

export interface EvidenceLogOptions {
  readonly folder: DataFolder;
  readonly settings: Pick<FabricSettings, 'origin' | 'evidenceMaxLagMs'>;
  readonly live: { readonly current: Pick<LiveSettings, 'batchSize'> };
  readonly emit: Emit;
  readonly metrics: Pick<Metrics, 'setLedgerLag'>;
  readonly problems: JournalProblems;
  readonly ledger: Ledger | undefined;
  /** Opens a ledger that did not answer at the start. */
  readonly late: (() => Promise<LedgerWriter>) | undefined;
  /** Under which lease a session is decided here. */
  fenceOf(tenant: string, session: string): number | undefined;
  random(length: number): Uint8Array;
}

/** What every statement of this process goes through: the journal, its signed heads, and what carries it into the ledger. */
export interface EvidenceLog {
  readonly journal: FileLog;
  /** undefined where no ledger was asked for. */
  readonly shipper: Shipper | undefined;
  /** What is wrong right now, for /health. */
  health(): readonly string[];
  /** After all who commit; answers whether the ledger has everything. */
  close(): Promise<{ readonly shipped: boolean }>;
}

const BATCH_BYTES = 4 * 1024 * 1024;
const FLUSH_MS = 5_000;

export async function openEvidenceLog(options: EvidenceLogOptions): Promise<EvidenceLog> {
  const { folder, settings, live, emit, metrics, problems, ledger, random } = options;
  const { crypto, keys, records } = folder;
  const journal = await openFileLog({
    directory: folder.path,
    origin: settings.origin,
    crypto,
    signer: keys.logSigner(),
    verifiers: keys.logVerifiers(),
    records,
    emit,
    fences: (tenant, session) => options.fenceOf(tenant, session),
    ...(ledger === undefined ? {} : { archive: ledger.reader }),
  });
  const writer = ledger?.writer ?? (options.late && lateLedger(options.late));
  const shipper =
    writer &&
    (await createShipper({
      log: journal,
      ledger: writer,
      writer: journal.id,
      batch: {
        get entries() {
          return live.current.batchSize;
        },
        bytes: BATCH_BYTES,
      },
      emit,
      now: Date.now,
      monotonic: () => performance.now(),
      random: Math.random,
      free: ledger !== undefined,
    }));
  const heads = await createHeads({
    log: journal,
    directory: folder.path,
    crypto,
    signer: keys.evidenceSigner(),
    writer: journal.id,
    ...(shipper === undefined ? {} : { add: (entry) => shipper.add(entry) }),
    emit,
    now: Date.now,
    random,
  });
  const watching = shipper && setInterval(() => metrics.setLedgerLag(shipper.lagMs() / 1000), 1000).unref();
  const lagsTooFar = () => shipper !== undefined && !(shipper.lagMs() <= settings.evidenceMaxLagMs);
  return {
    journal,
    shipper,
    health: () => [
      ...(problems.broken ? ['evidence cannot be made durable; actions are refused'] : []),
      // A database that hangs answers nothing, an error neither: only the lag tells.
      ...(lagsTooFar() ? ['the ledger lacks evidence that is too old; actions are refused'] : []),
      ...(shipper?.health() ?? []),
    ],
    async close() {
      clearInterval(watching);
      await heads.close();
      const shipped = (await shipper?.close({ flushMs: FLUSH_MS })) ?? true;
      await journal.close();
      return { shipped };
    },
  };
}
