import { EvidenceError } from '@provability-fabric/evidence';
import type { Metrics } from '@provability-fabric/gateway-http';
import type { JsonObject } from '@provability-fabric/kernel';
import type { LoadedBundle } from '@provability-fabric/policy';
import type { NewestBundle, PublishedBundles, SignedBundle } from '@provability-fabric/storage';
import type { Logger } from 'pino';
import type { DataFolder } from '../data-folder.ts';
import { readCompiledJson, sameSources } from './compiled-json.ts';
import type { Sidecar } from './open-sidecar.ts';

export interface FollowOptions {
  readonly published: Pick<PublishedBundles, 'follow' | 'publish'>;
  readonly folder: Pick<DataFolder, 'bundles' | 'crypto'>;
  readonly sidecar: Pick<Sidecar, 'inForce' | 'adopt'>;
  readonly log: Pick<Logger, 'warn' | 'error'>;
  readonly metrics: Pick<Metrics, 'setBundleKept'>;
  /** ms since 1970. */
  now(): number;
}

export interface BundleFollower {
  inForce(): LoadedBundle;
  /** Looks at the database now; what is fit is in force when it resolves. */
  look(): Promise<void>;
  /** Why the newest is not in force here. */
  health(): readonly string[];
  close(): Promise<void>;
}

/** Why a bundle in the database was left where it is. */
interface Unfit {
  readonly version: number;
  readonly code: string;
}

/**
 * Puts in force what others publish under the name that this process decides under. What is unfit is named, and the
 * running bundle stays.
 */
export function followBundle(options: FollowOptions): BundleFollower {
  const { published, folder, sidecar, log, metrics, now } = options;
  const { bundles, crypto } = folder;
  const { name } = sidecar.inForce().ir;
  let unfit: Unfit | undefined;
  /** Whether the last adoption broke off, perhaps half-way: then it is done again. */
  let brokeOff = false;

  function keep(version: number, code: string, problem: string): void {
    const said = unfit?.version === version && unfit.code === code;
    unfit = { version, code };
    metrics.setBundleKept(true);
    if (said) return;
    const { ir, digest } = sidecar.inForce();
    const running = { in_force: ir.version, digest };
    log.error({ event: 'bundle_kept', tags: ['ERROR'], bundle: name, version, code, ...running }, problem);
  }

  async function heard({ signed, unsigned }: NewestBundle): Promise<void> {
    const running = sidecar.inForce();
    const behind = signed === null || signed.version < running.ir.version;
    if (!behind && (brokeOff || signed.digest !== running.digest)) {
      const refusal = await adopt(signed, running);
      if (refusal !== undefined) return keep(signed.version, refusal.code, refusal.problem);
    }
    const [stranger] = unsigned;
    if (stranger !== undefined) {
      const problem = 'somebody without the key of this ledger wrote a bundle to the database';
      return keep(stranger, 'BUNDLE_UNSIGNED', problem);
    }
    if (behind) await putBack(running);
    unfit = undefined;
    metrics.setBundleKept(false);
  }

  async function adopt(
    { version, content }: SignedBundle,
    running: LoadedBundle,
  ): Promise<{ readonly code: string; readonly problem: string } | undefined> {
    if (content === null) {
      return { code: 'LEDGER_CORRUPT', problem: 'expected the content that was signed, came other bytes' };
    }
    const read = readCompiledJson(content, crypto);
    if (!read.ok) return read;
    const { ir, digest } = read.loaded;
    if (ir.name !== name || ir.version !== version) {
      const problem = `expected version ${version} of bundle \`${name}\`, came ${ir.version} of \`${ir.name}\``;
      return { code: 'BUNDLE_WRONG_NAME', problem };
    }
    if (version === running.ir.version && digest !== running.digest) {
      if (sameSources(ir, running.ir)) return undefined;
      const problem = `version ${version} is in force here with other content; publish what you want as ${version + 1}`;
      return { code: 'BUNDLE_ROLLBACK', problem };
    }
    try {
      await bundles.activate(content);
      brokeOff = true;
      await sidecar.adopt(ir);
      brokeOff = false;
    } catch (error) {
      const { code = 'INTERNAL', message: problem } = error as Error & { readonly code?: string };
      if (error instanceof EvidenceError && code === 'BUNDLE_ROLLBACK') return { code, problem };
      keep(version, code, 'it could not be put in force; tried again');
      throw error;
    }
    const details = { bundle: name, before: running.ir.version, version, digest };
    log.warn(
      { event: 'bundle_adopted', tags: [], ...details },
      `bundle ${name} version ${version} is in force`,
    );
    return undefined;
  }

  /** The database was put back, or never had it. What was in force somewhere stays the highest everywhere. */
  async function putBack({ ir, digest }: LoadedBundle): Promise<void> {
    const json = ir as unknown as JsonObject;
    const publishing = { by: 'sidecar-watcher', at: now(), mayBeFirst: true };
    const answer = await published.publish({ tenant: null }, json, publishing);
    // Refused where somebody else was faster: the next look shows what.
    if (!answer.ok) return;
    const details = { bundle: name, version: ir.version, digest };
    log.warn({ event: 'bundle_put_back', tags: [], ...details }, 'the database lacked the bundle in force');
  }

  const followed = published.follow(name, heard);
  return {
    inForce: () => sidecar.inForce(),
    look: () => followed.look(),
    health: () => [
      ...(unfit === undefined
        ? []
        : [
            `bundle \`${name}\` version ${unfit.version} in the database is not in force here (${unfit.code})`,
          ]),
      ...followed.health(),
    ],
    close: () => followed.close(),
  };
}
