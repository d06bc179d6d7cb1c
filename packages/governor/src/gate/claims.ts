import type { Digest } from '@provability-fabric/kernel';
import type { Claims } from '../ports.ts';

interface Taken {
  /** null where only recovery knows of it. */
  readonly idempotencyKey: string | null;
  readonly state: 'under-way' | 'applied';
}

/**
 * Claims of one process: atomic since nothing else runs in between, and durable since what was applied is on record, from which the
 * next process seeds its own.
 */
export function createClaims(
  applied: Iterable<{ readonly idempotencyKey: string | null; readonly manifest: Digest }>,
): Claims {
  const byManifest = new Map<Digest, Taken>();
  const byKey = new Map<string, Digest>();
  const set = (manifest: Digest, taken: Taken) => {
    byManifest.set(manifest, taken);
    if (taken.idempotencyKey !== null) byKey.set(taken.idempotencyKey, manifest);
  };
  for (const { idempotencyKey, manifest } of applied) set(manifest, { idempotencyKey, state: 'applied' });

  return {
    async take({ idempotencyKey, manifest }) {
      const taken = byManifest.get(manifest);
      if (taken !== undefined) return { kind: 'same-manifest', state: taken.state };
      if (byKey.has(idempotencyKey)) return { kind: 'other-manifest' };
      set(manifest, { idempotencyKey, state: 'under-way' });
      return { kind: 'taken' };
    },
    async applied(manifest) {
      // What a killed process had landed was taken by nobody here, and must not be taken now.
      const { idempotencyKey } = byManifest.get(manifest) ?? { idempotencyKey: null };
      set(manifest, { idempotencyKey, state: 'applied' });
    },
    async release(manifest) {
      const taken = byManifest.get(manifest);
      if (taken?.state !== 'under-way') return;
      byManifest.delete(manifest);
      if (taken.idempotencyKey !== null) byKey.delete(taken.idempotencyKey);
    },
  };
}
