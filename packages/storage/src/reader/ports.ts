import type { Digest, JsonObject } from '@provability-fabric/kernel';

/** A compiled bundle by its digest; undefined where it is not kept. */
export type BundleSource = (digest: Digest) => Promise<JsonObject | undefined> | JsonObject | undefined;
