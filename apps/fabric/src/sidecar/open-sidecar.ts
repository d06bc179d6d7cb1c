import { join } from 'node:path';
import type { LiveSettings } from '@provability-fabric/configuration';
import { EnforcementError, Enforcer, type Observer } from '@provability-fabric/enforcement';
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
import type { JsonObject } from '@provability-fabric/kernel';
import {
  type CompiledBundle,
  type Environment,
  type LoadedBundle,
  loadBundle,
} from '@provability-fabric/policy';
import type { Logger } from 'pino';
import type { DataFolder } from '../data-folder.ts';
import { lateLedger } from '../ledger/late-ledger.ts';
import type { Ledger } from '../ledger/open-ledger.ts';
import type { FollowedSettings } from '../live-settings.ts';
import type { JournalProblems } from '../observe/journal-problems.ts';
import { observeDecisions } from '../observe/log-decisions.ts';
import { pooledRandomness } from '../pooled-randomness.ts';
import type { FabricSettings } from '../settings.ts';
import { fileUsage } from '../usage/file-usage.ts';

export interface SidecarOptions {
  readonly folder: DataFolder;
  readonly bundle: CompiledBundle;
  readonly settings: FabricSettings;
  readonly live: Pick<FollowedSettings, 'current' | 'onChange'>;
  readonly log: Logger;
  readonly emit: Emit;
  readonly metrics: Metrics;
  readonly problems: JournalProblems;
  readonly ledger: Ledger | undefined;
  /** Opens a ledger that did not answer at the start. */
  readonly late: (() => Promise<LedgerWriter>) | undefined;
}

/** What decides and records: the enforcer on its journal, and what carries the journal into the ledger. */
export interface Sidecar {
  readonly enforcer: Enforcer;
  readonly journal: FileLog;
  readonly shipper: Shipper | undefined;
  /** Whether other fabrics may own sessions that are asked for here. */
  readonly shares: boolean;
  /** Once all that an earlier process left open is marked. Nobody has to wait for it: sessions in use come first. */
  readonly recovered: Promise<void>;
  inForce(): LoadedBundle;
  /** Every action from now on is decided under this bundle; sessions are folded anew under it. */
  adopt(bundle: CompiledBundle): Promise<void>;
  /** What is wrong right now, for /health. */
  health(): readonly string[];
  close(): Promise<void>;
}

const BATCH_BYTES = 4 * 1024 * 1024;
const FLUSH_MS = 5_000;

export async function openSidecar(options: SidecarOptions): Promise<Sidecar> {
  const { folder, bundle, settings, live, log, emit, metrics, problems, ledger } = options;
  const { crypto, keys, records, bundles } = folder;
  await bundles.activate(bundle as unknown as JsonObject);
  let enforcer: Enforcer | undefined;
  const journal = await openFileLog({
    directory: folder.path,
    origin: settings.origin,
    crypto,
    signer: keys.logSigner(),
    verifiers: keys.logVerifiers(),
    records,
    emit,
    fences: (tenant, session) => enforcer?.fenceOf(tenant, session),
    ...(ledger === undefined ? {} : { archive: ledger.reader }),
  });
  const leases = await ledger?.openLeases(journal.id, bundle.assurance);
  const writer = ledger?.writer ?? (options.late && lateLedger(options.late));
  const pool = pooledRandomness();
  const random = (length: number) => pool.bytes(length);
  let inForce = loadBundle(bundle, crypto);
  metrics.setBundle({ ...bundle, digest: inForce.digest });
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
  // Opened by the first reservation: where the database counts there is no such file.
  const counted = fileUsage(join(folder.path, 'usage'));
  enforcer = new Enforcer({
    crypto,
    signer: keys.evidenceSigner(),
    random: pool,
    bundle: inForce,
    journal,
    clock: { now: Date.now },
    surroundings: {
      environment: () => environmentOf(live.current),
      epoch: (tenant) => ledger?.authority.epoch(tenant) ?? settings.epoch,
    },
    observer: observing(log, metrics, problems, live),
    sessionIdleMs: settings.sessionIdleMs,
    usage: ledger?.usage ?? counted,
    maxSessions: () => live.current.cacheSize,
    ...(shipper === undefined
      ? {}
      : {
          ledgered: shipper,
          maxLagMs: () => settings.evidenceMaxLagMs,
          answersWait: () => (live.current.asyncProcessing ? ('journal' as const) : ('ledger' as const)),
        }),
    ...(leases === undefined || ledger === undefined
      ? {}
      : { leases, archive: ledger.archive, evidenceKeys: () => keys.evidenceKeys() }),
  });
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
  let damage: string | undefined;
  const recovered = enforcer.recover().then(
    (lostSessions) => {
      for (const lost of lostSessions)
        log.error({ event: 'session_lost', tags: ['ERROR'], ...lost }, lost.problem);
    },
    (error: unknown) => {
      // Sessions that it did not get to are looked at when they are used, and refused then if they are damaged.
      damage = error instanceof Error ? error.message : 'unknown';
      log.error({ event: 'recovery_failed', tags: ['ERROR'], problem: damage }, damage);
    },
  );
  const owner = enforcer;
  const lagsTooFar = () => shipper !== undefined && !(shipper.lagMs() <= settings.evidenceMaxLagMs);
  return {
    enforcer,
    journal,
    shipper,
    shares: leases !== undefined,
    recovered,
    inForce: () => inForce,
    async adopt(next) {
      // A lease row must never promise a complete ledger that there is not.
      if (next.assurance === 'standard') await leases?.assure('standard');
      inForce = loadBundle(next, crypto);
      owner.adopt(inForce);
      metrics.setBundle({ ...next, digest: inForce.digest });
      if (next.assurance === 'standard' || shipper === undefined) return;
      await shipper.upTo(journal.size - 1, FLUSH_MS);
      await leases?.assure('high');
    },
    health: () => [
      ...(damage === undefined ? [] : ['the journal is damaged; see `recovery_failed` in the log']),
      ...(problems.broken ? ['evidence cannot be made durable; actions are refused'] : []),
      // A database that hangs answers nothing, an error neither: only the lag tells.
      ...(lagsTooFar() ? ['the ledger lacks evidence that is too old; actions are refused'] : []),
      ...(shipper?.health() ?? []),
      ...(leases?.health() ?? []),
      ...counted.health(),
    ],
    async close() {
      clearInterval(watching);
      await owner.close();
      await recovered;
      await counted.close();
      await heads.close();
      const shipped = (await shipper?.close({ flushMs: FLUSH_MS })) ?? true;
      await leases?.close({ shipped });
      await journal.close();
    },
  };
}

/** Not the journal alone can fail: a new tenant's record key is also a file that must be written first. */
function observing(
  log: Logger,
  metrics: Metrics,
  problems: JournalProblems,
  live: Pick<FollowedSettings, 'current'>,
): Observer {
  const logged = observeDecisions(log, metrics, () => live.current.performanceMode);
  return {
    ...logged,
    decided(event) {
      problems.decided(true);
      logged.decided(event);
    },
    unavailable(event) {
      if (!(event.cause instanceof EnforcementError)) problems.decided(false);
      logged.unavailable(event);
    },
  };
}

function environmentOf({ enforcementMode, defaultMode }: LiveSettings): Environment {
  return { enforcement_mode: enforcementMode, default_mode: defaultMode, overlay: null };
}
