import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { LiveSettings, Settings } from '@provability-fabric/configuration';
import { EnforcementError, Enforcer, type Observer } from '@provability-fabric/enforcement';
import {
  type BundleArchive,
  type Emit,
  type FileLog,
  type KeyRing,
  lockDataFolder,
  nodeCrypto,
  openBundleArchive,
  openFileLog,
  openKeyRing,
  openRecordSealer,
} from '@provability-fabric/evidence';
import { createMetrics, type Metrics } from '@provability-fabric/gateway-http';
import type { JsonObject } from '@provability-fabric/kernel';
import {
  type CompiledBundle,
  type Environment,
  loadBundle,
  type Principal,
} from '@provability-fabric/policy';
import type { Logger } from 'pino';
import type { FollowedSettings } from './live-settings.ts';
import { observeDecisions } from './observe/log-decisions.ts';
import { pooledRandomness } from './pooled-randomness.ts';
import { SessionDecider } from './session-decider.ts';

export interface FabricOptions {
  readonly dataFolder: string;
  readonly bundle: CompiledBundle;
  readonly settings: Pick<Settings, 'origin' | 'epoch' | 'sessionIdleMs'>;
  readonly live: Pick<FollowedSettings, 'current' | 'onChange'>;
  readonly log: Logger;
}

/** Everything that one process of the fabric is made of, connected. */
export interface Fabric {
  readonly enforcer: Enforcer;
  readonly journal: FileLog;
  readonly bundles: BundleArchive;
  readonly keys: KeyRing;
  /** Who issues tokens and signs checkpoints. */
  readonly origin: string;
  readonly metrics: Metrics;
  /** What is wrong right now, for /health. */
  problems(): readonly string[];
  deciderFor(principal: Principal, sid: string | null): SessionDecider;
  /** Refuses new work, waits for what was begun, publishes a last checkpoint, lets go of the data folder. */
  close(): Promise<void>;
}

const MAX_SESSIONS_IN_MEMORY = 10_000;

/** The composition root: the only place that knows every part. Throws by name where the folder, keys or log are unfit. */
export async function openFabric(options: FabricOptions): Promise<Fabric> {
  const { dataFolder, bundle, settings, live, log } = options;
  const { origin } = settings;
  await mkdir(dataFolder, { recursive: true, mode: 0o700 });
  const lock = await lockDataFolder(dataFolder, { now: Date.now });
  try {
    const crypto = nodeCrypto();
    const metrics = createMetrics();
    metrics.setMode(live.current.enforcementMode);
    live.onChange(({ enforcementMode }) => metrics.setMode(enforcementMode));
    let broken = false;
    const emit: Emit = (event, details) => {
      if (event === 'journal_write_failed' || event === 'journal_poisoned') broken = true;
      if (event === 'journal_recovered') broken = false;
      log.warn({ event, tags: broken ? ['ERROR'] : [], ...details }, event.replaceAll('_', ' '));
    };
    const logged = observeDecisions(log, metrics);
    // Not the journal alone can fail: a new tenant's record key is also a file that must be written first.
    const observer: Observer = {
      ...logged,
      decided(event) {
        broken = false;
        logged.decided(event);
      },
      unavailable(event) {
        broken ||= !(event.cause instanceof EnforcementError);
        logged.unavailable(event);
      },
    };
    const keyFolder = join(dataFolder, 'keys');
    const keys = await openKeyRing(keyFolder, { origin, create: true });
    const bundles = await openBundleArchive({ directory: join(dataFolder, 'bundles'), crypto });
    await bundles.activate(bundle as unknown as JsonObject);
    const records = openRecordSealer({ directory: keyFolder, emit });
    const journal = await openFileLog({
      directory: dataFolder,
      origin,
      crypto,
      signer: keys.logSigner(),
      verifiers: keys.logVerifiers(),
      records,
      emit,
    });
    const enforcer = new Enforcer({
      crypto,
      signer: keys.evidenceSigner(),
      random: pooledRandomness(),
      bundle: loadBundle(bundle, crypto),
      journal,
      clock: { now: Date.now },
      surroundings: { environment: () => environmentOf(live.current), epoch: () => settings.epoch },
      observer,
      sessionIdleMs: settings.sessionIdleMs,
      maxSessions: MAX_SESSIONS_IN_MEMORY,
    });
    for (const lost of await enforcer.recover())
      log.error({ event: 'session_lost', tags: ['ERROR'], ...lost }, lost.problem);
    return {
      enforcer,
      journal,
      bundles,
      keys,
      origin,
      metrics,
      problems: () => (broken ? ['evidence cannot be made durable; actions are refused'] : []),
      deciderFor: (principal, sid) => new SessionDecider(enforcer, principal, sid),
      async close() {
        await enforcer.close();
        await journal.close();
        await lock.release();
      },
    };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

function environmentOf({ enforcementMode, defaultMode }: LiveSettings): Environment {
  return { enforcement_mode: enforcementMode, default_mode: defaultMode, overlay: null };
}

export function newRequestId(): string {
  return randomUUID();
}
