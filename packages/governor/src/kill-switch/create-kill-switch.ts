import { GovernorError } from '../errors.ts';
import { cleanKillOrder, sameKillOrder } from './kill-order.ts';
import type { KillOrder, KillSource, KillState, KillSwitch } from './kill-switch.ts';

type Known = KillOrder | null | undefined;

/**
 * Stopped as long as any source says so or cannot be asked. Resolves when every source was asked once, whatever came of it.
 *
 * An order that PostgreSQL and this replica's sentinel both hold came from one `kill`, here; when PostgreSQL is told to let the
 * governor act again, by whichever replica, the sentinel goes with it. Redis takes nothing with it: it is not trusted with that.
 */
export async function createKillSwitch(sources: readonly KillSource[]): Promise<KillSwitch> {
  const known = new Map<KillSource, Known>();
  /** The last order of a source, also while it cannot be asked. */
  const ordered = new Map<KillSource, KillOrder>();
  const listeners = new Set<(state: KillState) => void>();
  let stopping: KillOrder | undefined;
  let shown = '';

  function stateNow(): KillState {
    const stopped = sources.filter((source) => known.get(source) !== null);
    const active = stopped.length > 0 || stopping !== undefined;
    const of = (name: KillSource['name']) =>
      sources.filter((source) => source.name === name).map((source) => known.get(source));
    return {
      active,
      env_enabled: of('environment').every((state) => state === null),
      sentinel_exists: of('sentinel').some((state) => state !== null && state !== undefined),
      reason: active ? reasonOf(stopped) : null,
      sources: stopped.map(({ name }) => name),
    };
  }

  /** Somebody's words come first; what cannot be asked is said where nobody said anything. */
  function reasonOf(stopped: readonly KillSource[]): string {
    const orders = [stopping, ...stopped.map((source) => known.get(source))];
    const order = orders.find((found) => found !== null && found !== undefined);
    if (order) return order.reason;
    return `${stopped.map(({ name }) => `\`${name}\``).join(', ')} cannot be asked`;
  }

  function tell(): void {
    const state = stateNow();
    const text = JSON.stringify(state);
    if (text === shown) return;
    shown = text;
    for (const listener of listeners) listener(state);
  }

  function heard(source: KillSource, state: Known): void {
    known.set(source, state);
    const before = ordered.get(source);
    if (state) ordered.set(source, state);
    else if (state === null) ordered.delete(source);
    if (state === null && before !== undefined && source.name === 'postgres') void takeSentinelBack(before);
    tell();
  }

  async function takeSentinelBack(order: KillOrder): Promise<void> {
    for (const source of sources) {
      if (source.name !== 'sentinel' || !sameKillOrder(known.get(source), order)) continue;
      // Where it cannot be removed, it goes on stopping this replica and says so.
      await source.set?.(null).catch(() => undefined);
    }
  }

  async function setAll(order: KillOrder | null): Promise<void> {
    const settable = sources.filter(({ set }) => set !== undefined);
    const results = await Promise.allSettled(settable.map(async (source) => source.set?.(order)));
    const failed = settable.filter((_, position) => results[position]?.status === 'rejected');
    if (failed.length === 0 && settable.length > 0) return;
    const cause = results.find((result) => result.status === 'rejected')?.reason;
    throw new GovernorError('KILL_SWITCH_UNAVAILABLE', unset(order, settable, failed), { cause });
  }

  // Asked at once: one that is slow to answer must not keep the others' orders from being known.
  const watches = await Promise.all(
    sources.map((source) => source.watch((state) => heard(source, state)).catch(() => undefined)),
  );
  tell();

  return {
    state: stateNow,
    check() {
      const { active, reason } = stateNow();
      if (!active) return;
      throw new GovernorError(
        'KILLED',
        `expected a governor that may act, it is stopped: ${reason}; \`safeai kill off\` lets it act again`,
      );
    },
    async kill(order) {
      const clean = cleanKillOrder(order);
      stopping = clean;
      tell();
      try {
        await setAll(clean);
      } finally {
        if (stopping === clean) stopping = undefined;
        tell();
      }
    },
    revive: () => setAll(null),
    onChange(told) {
      listeners.add(told);
      return () => {
        listeners.delete(told);
      };
    },
    async close() {
      listeners.clear();
      await Promise.all(watches.map((watch) => watch?.close()));
    },
  };
}

function unset(
  order: KillOrder | null,
  settable: readonly KillSource[],
  failed: readonly KillSource[],
): string {
  const wanted = order === null ? 'to let the governor act again' : 'to stop the governor';
  if (settable.length === 0) return `expected a source by which ${wanted}, there is none that can be set`;
  const names = failed.map(({ name }) => `\`${name}\``).join(', ');
  const rest = order === null ? 'it stays stopped' : 'the others are set';
  return `expected ${wanted} by every source, ${names} could not be set; ${rest}, try again when it can be reached`;
}
