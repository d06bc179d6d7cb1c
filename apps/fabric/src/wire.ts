import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { Emit } from '@provability-fabric/evidence';
import { type Bundles, createMetrics, type Metrics } from '@provability-fabric/gateway-http';
import type { CompiledBundle } from '@provability-fabric/policy';
import type { Logger } from 'pino';
import { type DataFolder, openDataFolder } from './data-folder.ts';
import type { DatabaseSource } from './ledger/connect-database.ts';
import { takeIssuedTokens } from './ledger/issued-tokens.ts';
import { type Ledger, openLedger } from './ledger/open-ledger.ts';
import type { FollowedSettings } from './live-settings.ts';
import { JournalProblems } from './observe/journal-problems.ts';
import type { FabricSettings } from './settings.ts';
import { bundleAtStart } from './sidecar/bundle-at-start.ts';
import { bundleControl } from './sidecar/bundle-control.ts';
import { type BundleFollower, followBundle } from './sidecar/follow-bundle.ts';
import { openSidecar, type Sidecar } from './sidecar/open-sidecar.ts';
import { sharedBundles } from './sidecar/shared-bundles.ts';

export interface FabricOptions {
  readonly dataFolder: string;
  readonly settings: FabricSettings;
  readonly live: Pick<FollowedSettings, 'current' | 'onChange'>;
  readonly log: Logger;
  /** null: what is decided stays in the data folder's own log. */
  readonly database: DatabaseSource | null;
  /** null: this process decides nothing. Of one that is still being compiled the rest need not wait. */
  readonly bundle: CompiledBundle | Promise<CompiledBundle> | null;
  /** Whether to start without a database that does not answer yet; agents are refused once the ledger lags too far. */
  readonly startWithoutLedger?: boolean;
  /** Aborted where a start is not wanted any more: it waits no longer for a database that does not answer. */
  readonly stopping?: AbortSignal;
}

/** Everything that one process of the fabric is made of, connected. */
export interface Fabric {
  readonly folder: DataFolder;
  readonly metrics: Metrics;
  readonly settings: FabricSettings;
  /** undefined where no database was asked for, or none has answered yet. */
  readonly ledger: Ledger | undefined;
  /** undefined where this process decides nothing. */
  readonly sidecar: Sidecar | undefined;
  /** undefined where there is neither a sidecar here nor a database that those of other processes follow. */
  readonly bundles: Bundles | undefined;
  /** Why the newest bundle in the database is not in force here, for /health. */
  bundleHealth(): readonly string[];
  /** Refuses new work, waits for what was begun, ships it, publishes a last checkpoint, lets go of the data folder. */
  close(): Promise<void>;
}

/** How long a database of somebody else's is waited for at the start. */
const PATIENCE_MS = 60_000;

/** A fabric that decides. */
export type DecidingFabric = Fabric & { readonly sidecar: Sidecar };

/** The composition root: the only place that knows every part. Throws by name where folder, keys, log or ledger are unfit. */
export function openFabric(
  options: FabricOptions & { readonly bundle: CompiledBundle | Promise<CompiledBundle> },
): Promise<DecidingFabric>;
export function openFabric(options: FabricOptions): Promise<Fabric>;
export async function openFabric(options: FabricOptions): Promise<Fabric> {
  const { settings, live, log, database } = options;
  const compiling = Promise.resolve(options.bundle);
  compiling.catch(() => undefined); // looked at once the folder and the ledger are open
  const metrics = createMetrics();
  metrics.setMode(live.current.enforcementMode);
  live.onChange(({ enforcementMode }) => metrics.setMode(enforcementMode));
  const problems = new JournalProblems();
  const emit: Emit = (event, details) => {
    problems.heard(event);
    metrics.setLedgerRefused(problems.refused);
    const tags = problems.any || event === 'ledger_lost' ? ['ERROR'] : [];
    log.warn({ event, tags, ...details }, event.replaceAll('_', ' '));
  };

  const folder = await openDataFolder(options.dataFolder, settings.origin, emit);
  const connect = (patienceMs: number) =>
    openLedger({
      source: database as DatabaseSource,
      folder,
      origin: settings.origin,
      epoch: settings.epoch,
      sharing:
        settings.advertise === null || database?.kind !== 'url'
          ? null
          : { address: settings.advertise, leaseMs: settings.sessionLeaseMs },
      patienceMs,
      stopping: options.stopping,
      log,
    });
  let ledger: Ledger | undefined;
  let tokens: ReturnType<typeof takeIssuedTokens> | undefined;
  try {
    if (database !== null && options.startWithoutLedger !== true) ledger = await connect(PATIENCE_MS);
    if (ledger !== undefined) {
      const { authority } = ledger;
      tokens = takeIssuedTokens(join(folder.path, 'tokens'), authority, log);
    }
    const late =
      database !== null && ledger === undefined
        ? async () => {
            ledger = await connect(0);
            return ledger.writer;
          }
        : undefined;
    const configured = await compiling;
    const published = ledger?.bundles;
    const bundle =
      configured === null || published === undefined
        ? configured
        : await bundleAtStart({ published, folder, configured, log, now: Date.now });
    const sidecar =
      bundle === null
        ? undefined
        : await openSidecar({ folder, bundle, settings, live, log, emit, metrics, problems, ledger, late });
    const follower: BundleFollower | undefined =
      sidecar && published && followBundle({ published, folder, sidecar, log, metrics, now: Date.now });
    return {
      folder,
      metrics,
      settings,
      get ledger() {
        return ledger;
      },
      sidecar,
      bundles: published
        ? sharedBundles({ published, crypto: folder.crypto, now: Date.now, here: follower })
        : sidecar && bundleControl(folder, sidecar),
      bundleHealth: () => follower?.health() ?? [],
      async close() {
        await follower?.close();
        await sidecar?.close();
        await tokens?.close();
        await ledger?.close();
        await folder.release();
      },
    };
  } catch (error) {
    await tokens?.close();
    await ledger?.close();
    await folder.release();
    throw error;
  }
}

export function newRequestId(): string {
  return randomUUID();
}
