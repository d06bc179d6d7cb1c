import type { KillOrder, KillSource } from './kill-switch.ts';

/** A place whose faults a test chooses: one that cannot be asked, cannot be set, or never answers. */
export function fakeKillSource(
  name: KillSource['name'],
  first?: KillOrder | null,
): KillSource & {
  say(state: KillOrder | null | undefined): void;
  failing: boolean;
  readonly sets: (KillOrder | null)[];
} {
  const told = new Set<(state: KillOrder | null | undefined) => void>();
  const sets: (KillOrder | null)[] = [];
  const source = {
    name,
    failing: false,
    sets,
    say(state: KillOrder | null | undefined) {
      for (const tell of told) tell(state);
    },
    async watch(tell: (state: KillOrder | null | undefined) => void) {
      told.add(tell);
      if (first !== undefined) tell(first);
      return {
        close: async () => {
          told.delete(tell);
        },
      };
    },
    async set(order: KillOrder | null) {
      if (source.failing) throw new Error('no answer');
      sets.push(order);
      source.say(order);
    },
  };
  return source;
}
