import { randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { SecretBroker } from '@provability-fabric/enforcement';
import type { Metrics, SecretFingerprints } from '@provability-fabric/gateway-http';
import {
  createAuditTrail,
  createInProcessInvalidations,
  createInProcessLimits,
  createKeyPairRotator,
  createRandomRotator,
  createWebhookNotifier,
  createWebhookRotator,
  type OpenSecrets,
  openRotations,
  openSecrets,
  RootKeys,
  type Rotations,
  systemClock,
  systemRandom,
  watchVolume,
} from '@provability-fabric/secrets';
import {
  createPostgresRolesRotator,
  openRedis,
  openRotationStore,
  openSecretAuditLog,
  openSecretRows,
  type SecretAuditLog,
} from '@provability-fabric/storage';
import type { Logger } from 'pino';
import type { DataFolder } from '../data-folder.ts';
import type { EvidenceLog } from '../evidence/open-evidence-log.ts';
import type { Ledger } from '../ledger/open-ledger.ts';
import { pooledRandomness } from '../pooled-randomness.ts';
import { createBroker } from './broker/create-broker.ts';
import { LiveFingerprints } from './broker/live-fingerprints.ts';
import { serveFingerprints } from './broker/serve-fingerprints.ts';
import { useWhatIsKnown } from './broker/use-what-is-known.ts';
import { observeSecrets } from './observe-secrets.ts';
import { openCsi } from './open-csi.ts';
import { openProvider } from './open-provider.ts';
import { restoreRows } from './restore-rows.ts';
import type { SecretsSettings } from './secrets-settings.ts';
import { isSoleWriter, refreshMsOf } from './sole-writer.ts';
import { markOpen } from './unclean-end.ts';
import { keepUnsealing, ownRootKey, sourceOf } from './unseal.ts';

export interface SecretsServiceOptions {
  readonly settings: SecretsSettings;
  readonly folder: DataFolder;
  readonly evidence: EvidenceLog;
  readonly ledger: Ledger;
  /** Whether the database is this process's own: then it may make a root key of its own. */
  readonly ownsDatabase: boolean;
  readonly metrics: Metrics;
  readonly log: Logger;
}

/** The secrets of all tenants, their rotations, and who did what. */
export interface SecretsService {
  readonly secrets: OpenSecrets;
  readonly rotations: Rotations;
  readonly audit: SecretAuditLog;
  /** For sidecars in other processes. */
  readonly fingerprints: SecretFingerprints;
  /**
   * For the sidecar in this one. undefined where no root key was named for the embedded provider: there is nothing that could be
   * looked for, and agents are not to be stopped by a service that nobody set up.
   */
  readonly broker: SecretBroker | undefined;
  readonly settings: SecretsSettings;
  /** Why no agent may act: nothing can be searched for secrets that cannot be read. undefined where nothing keeps them from it. */
  stopsAgents(): string | undefined;
  /** What is wrong right now, for /health. */
  health(): readonly string[];
  /** Before the evidence log: what is under way is put on record. */
  close(): Promise<void>;
}

const CONNECTIONS = 16;
/** The runbook's wrk line asks as one principal, as fast as it can. */
const RATES = { perPrincipal: 20_000, perTenant: 40_000 };
const DAY_MS = 24 * 3_600_000;
const RETENTION_MS = 91 * DAY_MS;
const LOOK_MS = 2_000;

export async function openSecretsService(options: SecretsServiceOptions): Promise<SecretsService> {
  const { settings, folder, evidence, ledger, ownsDatabase, metrics, log } = options;
  const observed = observeSecrets(log, metrics.secrets);
  const database = await ledger.openDatabase(CONNECTIONS);
  const rows = openSecretRows({ database });
  const audit = openSecretAuditLog({ database });
  const rootKeys = new RootKeys({ rows, random: randomBytes });
  const isEmbedded = settings.provider.kind === 'embedded';
  const source =
    settings.rootKey === null
      ? ownsDatabase
        ? await ownRootKey(join(folder.path, 'keys'))
        : null
      : sourceOf(settings.rootKey);
  if (settings.nextRootKey !== null) rootKeys.standBy(sourceOf(settings.nextRootKey));
  const unsealing = isEmbedded ? await keepUnsealing(rootKeys, source, log) : undefined;
  const { provider, eraseTenant } = await openProvider(settings, { rows, rootKeys });
  const pool = pooledRandomness();
  const trail = createAuditTrail({
    journal: evidence.journal,
    rows: audit,
    crypto: folder.crypto,
    signer: folder.keys.evidenceSigner(),
    random: (length) => pool.bytes(length),
    logId: evidence.journal.id,
    provider: provider.name,
  });
  const mark = await markOpen(folder.path);
  let isRestored = true;
  let restoring = Promise.resolve();
  if (mark.wasOpen)
    restoring = restoreRows({ journal: evidence.journal, rows: audit, crypto: folder.crypto }).then(
      (looked) =>
        log.info(
          { event: 'secret_audit_restored', tags: [], statements: looked },
          'accesses on record before a crash are in the table',
        ),
      (error: unknown) => {
        const problem = error instanceof Error ? error.message : 'unknown';
        log.error({ event: 'secret_audit_failed', tags: ['ERROR'], problem }, 'rows could not be restored');
        isRestored = false;
      },
    );
  const redis =
    settings.redisUrl === null
      ? undefined
      : await openRedis({
          url: settings.redisUrl,
          limits: RATES,
          emit: observed.redis,
        });
  const secrets = openSecrets({
    provider,
    audit: trail,
    limits: redis?.limits ?? createInProcessLimits({ ...RATES, windowSeconds: 1, clock: Date.now }),
    invalidations:
      redis?.invalidations ?? createInProcessInvalidations({ alone: isSoleWriter(settings, ownsDatabase) }),
    clock: Date.now,
    elapsed: () => performance.now(),
    random: randomBytes,
    newId: randomUUID,
    onAccess: observed.accessed,
    ...(eraseTenant === undefined ? {} : { sealed: () => rootKeys.sealed, eraseTenant }),
    cache: { ttlMs: settings.cacheTtlMs },
  });
  const posting = { signer: folder.keys.rotationSigner(), addresses: settings.webhooks };
  const rotations = openRotations({
    provider: secrets.provider,
    store: openRotationStore({ database }),
    audit: trail,
    admission: secrets,
    rotators: [
      createRandomRotator(randomBytes),
      createKeyPairRotator(),
      createPostgresRolesRotator(randomBytes),
      createWebhookRotator({ ...posting, randomBytes }),
    ],
    notifier: createWebhookNotifier(posting, Date.now),
    clock: systemClock,
    random: systemRandom,
    newId: randomUUID,
  });
  rotations.on(observed.rotated);
  rotations.start();
  const fingerprints = new LiveFingerprints({
    secrets,
    crypto: folder.crypto,
    random: (length) => randomBytes(length),
    now: Date.now,
    refreshMs: refreshMsOf(settings, ownsDatabase),
  });
  const volume =
    settings.volume &&
    (await watchVolume({
      path: settings.volume.path,
      pollIntervalMs: settings.volume.pollMs,
      debounceMs: settings.volume.debounceMs,
      healthCheckIntervalMs: settings.volume.healthCheckMs,
      emit: observed.volume,
      onWatched: (count) => metrics.secrets.setWatched(count),
      now: Date.now,
    }));
  const csi =
    settings.csiFile === null ? undefined : await openCsi(settings.csiFile, secrets, observed.mounted);
  const keepPartitions = () =>
    audit.drop(Date.now() - RETENTION_MS).then(
      (dropped) => {
        if (dropped.length > 0)
          log.info(
            { event: 'secret_audit_dropped', tags: [], partitions: dropped.length },
            'old accesses dropped',
          );
      },
      (error: unknown) => {
        const problem = error instanceof Error ? error.message : 'unknown';
        log.error({ event: 'secret_audit_failed', tags: ['ERROR'], problem }, 'partitions could not be kept');
      },
    );
  void keepPartitions();
  const daily = setInterval(() => void keepPartitions(), DAY_MS).unref();
  let problems: readonly string[] = [];
  const look = async () => {
    const { problems: found } = await secrets.health();
    problems = found;
    metrics.secrets.setProviderUp(provider.name, found.length === 0);
    metrics.secrets.setPoolInUse(database.inUse());
    metrics.secrets.setCacheSize(provider.name, secrets.provider.cachedSecrets());
  };
  await look();
  const looking = setInterval(() => void look().catch(() => undefined), LOOK_MS).unref();
  const use = useWhatIsKnown({ secrets, fingerprints });
  return {
    secrets: { ...secrets, use },
    rotations,
    audit,
    fingerprints: serveFingerprints({ secrets, fingerprints }),
    broker: isEmbedded && source === null ? undefined : createBroker({ secrets: { use }, fingerprints }),
    settings,
    stopsAgents: () =>
      source !== null && unsealing?.problem() !== undefined
        ? 'the store of secrets is sealed, so actions are refused; see `secrets_sealed` in the log'
        : undefined,
    health: () => [...problems, ...trail.health()],
    async close() {
      clearInterval(daily);
      clearInterval(looking);
      unsealing?.stop();
      await csi?.close();
      fingerprints.close();
      await volume?.stop();
      await rotations.stop();
      await secrets.close();
      await trail.close();
      await restoring;
      // Otherwise left for the next start.
      if (isRestored) await mark.clear();
      await audit.close();
      await redis?.close();
      await provider.close();
      await database.close();
    },
  };
}
