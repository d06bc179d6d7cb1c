import type { Invalidations } from '../ports.ts';

/**
 * For one process: all of its caches hear of each change at once. Not `alone`: others may write to the same store without a
 * bus between us, and what is in memory is good for a moment only.
 */
export function createInProcessInvalidations(options: { readonly alone?: boolean } = {}): Invalidations {
  const { alone = true } = options;
  const handlers = new Set<Parameters<Invalidations['subscribe']>[0]>();
  return {
    async publish(tenant, name) {
      for (const handler of [...handlers]) handler({ tenant, name });
    },
    subscribe(handler) {
      handlers.add(handler);
      return () => handlers.delete(handler);
    },
    connected: () => alone,
  };
}
