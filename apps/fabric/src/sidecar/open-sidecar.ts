import { join } from 'node:path';
import type { LiveSettings } from '@provability-fabric/configuration';
import {
  EnforcementError,
  Enforcer,
  type Observer,
  type Randomness,
  type SecretBroker,
} from '@provability-fabric/enforcement';
import type { FileLog, Shipper } from '@provability-fabric/evidence';
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
import type { EvidenceLog } from '../evidence/open-evidence-log.ts';
import type { Ledger } from '../ledger/open-ledger.ts';
import type { FollowedSettings } from '../live-settings.ts';
import type { JournalProblems } from '../observe/journal-problems.ts';
import { observeDecisions } from '../observe/log-decisions.ts';
import type { FabricSettings } from '../settings.ts';
import { fileUsage } from '../usage/file-usage.ts';

export interface SidecarOptions {
  readonly folder: DataFolder;
  readonly bundle: CompiledBundle;
  readonly settings: FabricSettings;
  readonly live: Pick<FollowedSettings, 'current' | 'onChange'>;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly problems: JournalProblems;
  readonly ledger: Ledger | undefined;
  readonly evidence: EvidenceLog;
  readonly random: Randomness;
  /** Absent: no secret is used, and nothing is searched for any. */
  readonly broker: SecretBroker | undefined;
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
  fenceOf(tenant: string, session: string): number | undefined;
  /** What is wrong right now, for /health. */
  health(): readonly string[];
  /** Decides nothing more. */
  close(): Promise<void>;
  /** Lets other fabrics have its sessions; last of all, and only where the ledger has everything. */
  releaseSessions(shipped: boolean): Promise<void>;
}

const FLUSH_MS = 5_000;

export async function openSidecar(options: SidecarOptions): Promise<Sidecar> {
  const { folder, bundle, settings, live, log, metrics, problems, ledger, evidence, random, broker } =
    options;
  const { crypto, keys, bundles } = folder;
  await bundles.activate(bundle as unknown as JsonObject);
  const { journal, shipper } = evidence;
  const leases = await ledger?.openLeases(journal.id, bundle.assurance);
  let inForce = loadBundle(bundle, crypto);
  metrics.setBundle({ ...bundle, digest: inForce.digest });
  // Opened by the first reservation: where the database counts there is no such file.
  const counted = fileUsage(join(folder.path, 'usage'));
  const enforcer = new Enforcer({
    crypto,
    signer: keys.evidenceSigner(),
    random,
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
    ...(broker === undefined ? {} : { secrets: broker }),
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
  return {
    enforcer,
    journal,
    shipper,
    shares: leases !== undefined,
    recovered,
    inForce: () => inForce,
    fenceOf: (tenant, session) => enforcer.fenceOf(tenant, session),
    async adopt(next) {
      // A lease row must never promise a complete ledger that there is not.
      if (next.assurance === 'standard') await leases?.assure('standard');
      inForce = loadBundle(next, crypto);
      enforcer.adopt(inForce);
      metrics.setBundle({ ...next, digest: inForce.digest });
      if (next.assurance === 'standard' || shipper === undefined) return;
      await shipper.upTo(journal.size - 1, FLUSH_MS);
      await leases?.assure('high');
    },
    health: () => [
      ...(damage === undefined ? [] : ['the journal is damaged; see `recovery_failed` in the log']),
      ...(leases?.health() ?? []),
      ...counted.health(),
    ],
    async close() {
      await enforcer.close();
      await recovered;
      await counted.close();
    },
    releaseSessions: async (shipped) => leases?.close({ shipped }),
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
