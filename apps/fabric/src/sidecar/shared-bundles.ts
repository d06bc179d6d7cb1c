import type { Bundles } from '@provability-fabric/gateway-http';
import type { Crypto, JsonObject } from '@provability-fabric/kernel';
import type { PublishedBundles } from '@provability-fabric/storage';
import { listOf, seenBy, summaryOf } from './bundle-control.ts';
import { readCompiledJson } from './compiled-json.ts';
import type { BundleFollower } from './follow-bundle.ts';

export interface SharedBundlesOptions {
  readonly published: PublishedBundles;
  readonly crypto: Crypto;
  /** ms since 1970. */
  now(): number;
  /** undefined where nothing is decided in this process. */
  readonly here: BundleFollower | undefined;
}

/** Bundles that all fabrics on one database decide under: published there, and adopted by whoever follows. */
export function sharedBundles({ published, crypto, now, here }: SharedBundlesOptions): Bundles {
  return {
    async list(scope, asked) {
      const rows = await published.list(scope, asked);
      const running = here?.inForce();
      const names = new Set(rows.map((row) => row.name));
      const name = asked ?? running?.ir.name ?? (names.size === 1 ? [...names][0] : undefined);
      if (running !== undefined && running.ir.name === name)
        return listOf(name, seenBy(scope, summaryOf(running)), rows);
      return listOf(name, rows.find((row) => row.name === name) ?? null, rows);
    },
    async activate(scope, json, by) {
      const read = readCompiledJson(json, crypto);
      if (!read.ok) return read;
      const answer = await published.publish(scope, json as JsonObject, { by, at: now(), mayBeFirst: false });
      // It is in the database by now and cannot be called back; where it cannot be adopted here, /health says so.
      if (answer.ok) await here?.look().catch(() => undefined);
      return answer;
    },
  };
}
