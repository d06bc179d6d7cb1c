import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { SecretBroker } from '@provability-fabric/enforcement';
import type { Emit } from '@provability-fabric/evidence';
import { type Bundles, createMetrics, type Metrics } from '@provability-fabric/gateway-http';
import type { Crypto } from '@provability-fabric/kernel';
import type { CompiledBundle } from '@provability-fabric/policy';
import type { Logger } from 'pino';
import { type DataFolder, openDataFolder } from './data-folder.ts';
import { type EvidenceLog, openEvidenceLog } from './evidence/open-evidence-log.ts';
import type { GovernorSettings } from './governor/governor-settings.ts';
import { type GovernorService, openGovernorService } from './governor/open-governor-service.ts';
import type { DatabaseSource } from './ledger/connect-database.ts';
import { takeIssuedTokens } from './ledger/issued-tokens.ts';
import { type Ledger, openLedger } from './ledger/open-ledger.ts';
import type { FollowedSettings } from './live-settings.ts';
import { JournalProblems } from './observe/journal-problems.ts';
import { pooledRandomness } from './pooled-randomness.ts';
import { openSecretsService, type SecretsService } from './secrets/open-secrets-service.ts';
import type { SecretsSettings } from './secrets/secrets-settings.ts';
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
  /** null: this process keeps no secrets. */
  readonly secrets?: SecretsSettings | null;
  /** null or absent: this process governs no changes. */
  readonly governor?: {
    readonly settings: GovernorSettings;
    readonly log: Logger;
    /** Absent: `keys` of the data folder. */
    readonly keyFolder?: string;
    /** Whoever opens it puts orders to stop on record. */
    readonly ownOrders?: boolean;
  } | null;
  /** Of the secrets; absent: the common one. */
  readonly secretsLog?: Logger;
  /** Where secrets are had from that are kept in another process; absent: nothing is searched for any. */
  readonly broker?: (crypto: Crypto) => SecretBroker;
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
  /** undefined where this process records nothing. */
  readonly evidence: EvidenceLog | undefined;
  /** undefined where this process decides nothing. */
  readonly sidecar: Sidecar | undefined;
  /** undefined where this process keeps no secrets. */
  readonly secrets: SecretsService | undefined;
  /** undefined where this process governs no changes. */
  readonly governor: GovernorService | undefined;
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
  let evidence: EvidenceLog | undefined;
  let sidecar: Sidecar | undefined;
  let secrets: SecretsService | undefined;
  let governor: GovernorService | undefined;
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
    const pool = pooledRandomness();
    const keeps = options.secrets ?? null;
    const governs = options.governor ?? null;
    evidence =
      bundle === null && keeps === null && governs === null
        ? undefined
        : await openEvidenceLog({
            folder,
            settings,
            live,
            emit,
            metrics,
            problems,
            ledger,
            late,
            fenceOf: (tenant, session) => sidecar?.fenceOf(tenant, session),
            random: (length) => pool.bytes(length),
          });
    secrets =
      keeps === null || evidence === undefined || ledger === undefined
        ? undefined
        : await openSecretsService({
            settings: keeps,
            folder,
            evidence,
            ledger,
            ownsDatabase: database?.kind === 'embedded',
            metrics,
            log: options.secretsLog ?? log,
          });
    sidecar =
      bundle === null || evidence === undefined
        ? undefined
        : await openSidecar({
            folder,
            bundle,
            settings,
            live,
            log,
            metrics,
            problems,
            ledger,
            evidence,
            random: pool,
            broker: secrets?.broker ?? options.broker?.(folder.crypto),
          });
    governor =
      governs === null || evidence === undefined
        ? undefined
        : await openGovernorService({
            ...governs,
            folder,
            origin: settings.origin,
            evidence,
            ledger: database?.kind === 'url' ? ledger : undefined,
            metrics,
          });
    const deciding = sidecar;
    const recording = evidence;
    const keeping = secrets;
    const governing = governor;
    const follower: BundleFollower | undefined =
      deciding &&
      published &&
      followBundle({ published, folder, sidecar: deciding, log, metrics, now: Date.now });
    return {
      folder,
      metrics,
      settings,
      get ledger() {
        return ledger;
      },
      evidence: recording,
      sidecar: deciding,
      secrets: keeping,
      governor: governing,
      bundles: published
        ? sharedBundles({ published, crypto: folder.crypto, now: Date.now, here: follower })
        : deciding && bundleControl(folder, deciding),
      bundleHealth: () => follower?.health() ?? [],
      async close() {
        await follower?.close();
        await deciding?.close();
        await governing?.close();
        await keeping?.close();
        const { shipped } = (await recording?.close()) ?? { shipped: true };
        await deciding?.releaseSessions(shipped);
        await tokens?.close();
        await ledger?.close();
        await folder.release();
      },
    };
  } catch (error) {
    await sidecar?.close();
    await governor?.close();
    await secrets?.close();
    await evidence?.close();
    await tokens?.close();
    await ledger?.close();
    await folder.release();
    throw error;
  }
}

export function newRequestId(): string {
  return randomUUID();
}
