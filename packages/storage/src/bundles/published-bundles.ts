import { performance } from 'node:perf_hooks';
import type { Digest, JsonObject } from '@provability-fabric/kernel';
import { startRefreshing } from '../authority/refreshing.ts';
import type { Database } from '../database/database.ts';
import { LedgerError } from '../errors.ts';
import type { LedgerScope } from '../reader/scope.ts';
import type { BundleKeys } from './bundle-note.ts';
import { CHANNEL, TIMEOUT_MS } from './change.ts';
import { type BundleRow, listBundles } from './list-bundles.ts';
import { type NewestBundle, readContent, readNewest } from './newest-bundle.ts';
import { type PublishAnswer, type Publishing, publishBundle } from './publish-bundle.ts';

/** Bundles that every fabric on one database is to decide under, from the highest version on. */
export interface PublishedBundles {
  /**
   * Durable when it resolves, and heard by all who follow the name within a second. Versions only go up; a bundle
   * that decides for others than the scope is refused. Where the connection is lost at the commit it may have
   * happened all the same: publishing it again tells.
   */
  publish(scope: LedgerScope, bundle: JsonObject, publishing: Publishing): Promise<PublishAnswer>;
  newest(name: string): Promise<NewestBundle>;
  /** Newest first, of one name or of all. */
  list(scope: LedgerScope, name?: string): Promise<readonly BundleRow[]>;
  /** Of a digest that evidence names, for whoever may see that evidence. */
  read(digest: Digest): Promise<JsonObject | undefined>;
  /**
   * Calls `heard` with the newest of a name, first at once and then after every change, one call at a time. Where it
   * throws it is called again, until it does not.
   */
  follow(name: string, heard: (newest: NewestBundle) => Promise<void>): FollowedBundle;
}

export interface FollowedBundle {
  /** Looks now; rejects with what the look, or `heard`, threw. */
  look(): Promise<void>;
  /** What is wrong, for an operator. */
  health(): readonly string[];
  close(): Promise<void>;
}

export interface PublishedBundlesOptions extends BundleKeys {
  readonly database: Database;
  /** Monotonic ms. */
  readonly now?: () => number;
  /** ms since 1970. */
  readonly wall?: () => number;
}

/** Connects nothing by itself. */
export function openPublishedBundles(options: PublishedBundlesOptions): PublishedBundles {
  const { database } = options;
  const now = options.now ?? (() => performance.now());
  const wall = options.wall ?? (() => Date.now());
  const reading = { readOnly: true, timeoutMs: TIMEOUT_MS };

  return {
    publish: (scope, bundle, publishing) => publishBundle(database, options, scope, bundle, publishing),
    newest: (name) => database.transaction('pf_auditor', (tx) => readNewest(tx, options, name), reading),
    list: (scope, name) => listBundles(database, options, scope, name),
    read: (digest) =>
      database.transaction('pf_auditor', (tx) => readContent(tx, options.crypto, digest), reading),
    follow(name, heard) {
      /** As of the last look that was heard to its end. */
      let known: number | undefined;
      const refreshing = startRefreshing(
        async (extent) => {
          const found = await database.transaction(
            'pf_auditor',
            async (tx) => {
              const [state] = await tx.query<{ change: number }>('select change from pf.bundle_state');
              const change = state?.change ?? 0;
              // A row that somebody wrote by hand changes no count: it is seen when everything is looked at.
              if (extent === 'changes' && change === known) return undefined;
              return { change, newest: await readNewest(tx, options, name) };
            },
            reading,
          );
          if (found === undefined) return;
          await heard(found.newest);
          known = found.change;
        },
        { now, wall },
      );
      const listening = database
        .listen(CHANNEL, (payload) => refreshing.hint(payload === ''))
        .catch(() => undefined);
      refreshing.now().catch(() => undefined); // told by `health`, and tried again
      return {
        look: () => refreshing.now(),
        health() {
          const failure = refreshing.failure();
          if (failure === undefined) return [];
          const code = failure instanceof LedgerError ? failure.code : 'unknown error';
          return [`newer bundles were last looked for ${ago(refreshing.staleMs())} (${code})`];
        },
        async close() {
          await refreshing.stop();
          await (await listening)?.();
        },
      };
    },
  };
}

function ago(ms: number): string {
  return Number.isFinite(ms) ? `${Math.round(ms / 1000)} s ago` : 'never';
}
