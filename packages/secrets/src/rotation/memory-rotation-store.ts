import type { SecretPlace } from '../names.ts';
import type {
  BeginAnswer,
  ClaimedRotation,
  ClaimRequest,
  Dependant,
  Rotation,
  RotationChange,
  RotationListing,
  RotationSchedule,
  RotationStore,
  ScheduleMove,
} from './ports.ts';

const KEPT_ENDED = 1_000;

/** A rotation and who has it. */
interface HeldRotation {
  rotation: Rotation;
  fence: number;
  heldUntil: number;
}

/** For one process that keeps nothing: what is under way when it ends is forgotten, and its schedules with it. */
export function createMemoryRotationStore(now: () => number): RotationStore {
  const schedules = new Map<string, RotationSchedule>();
  const rotations = new Map<string, HeldRotation>();
  const dependants = new Map<string, Map<string, Dependant>>();

  const ofTenant = (tenant: string) =>
    [...rotations.values()].map(({ rotation }) => rotation).filter((rotation) => rotation.tenant === tenant);

  function move(place: SecretPlace, { from, to, plannedAt }: ScheduleMove): boolean {
    const schedule = schedules.get(keyOf(place));
    if (schedule === undefined || schedule.nextAt !== from) return false;
    schedules.set(keyOf(place), { ...schedule, nextAt: to, plannedAt });
    return true;
  }

  function forgetOldest(tenant: string): void {
    const ended = ofTenant(tenant).filter(hasEnded).sort(newestFirst);
    for (const { id } of ended.slice(KEPT_ENDED)) rotations.delete(id);
  }

  return {
    async putSchedule(schedule) {
      schedules.set(keyOf(schedule), schedule);
    },
    async schedule(place) {
      return schedules.get(keyOf(place)) ?? null;
    },
    async schedules(tenant, limit, after = '' as never) {
      return [...schedules.values()]
        .filter((schedule) => schedule.tenant === tenant && schedule.name > after)
        .sort((a, b) => (a.name < b.name ? -1 : 1))
        .slice(0, limit);
    },
    async removeSchedule(place) {
      return schedules.delete(keyOf(place));
    },
    async dueSchedules(time, plannedAfter, limit) {
      return [...schedules.values()]
        .filter(({ nextAt, plannedAt }) => nextAt !== null && (nextAt <= time || plannedAt > plannedAfter))
        .sort((a, b) => (a.nextAt ?? 0) - (b.nextAt ?? 0))
        .slice(0, limit);
    },
    async moveSchedule(place, change) {
      return move(place, change);
    },

    async begin(rotation, scheduleMove): Promise<BeginAnswer> {
      const open = ofTenant(rotation.tenant).some(
        (other) => other.name === rotation.name && !hasEnded(other),
      );
      if (open) return 'under-way';
      if (scheduleMove !== undefined && !move(rotation, scheduleMove)) return 'moved';
      rotations.set(rotation.id, { rotation, fence: 0, heldUntil: 0 });
      return 'begun';
    },
    async claim(request: ClaimRequest): Promise<readonly ClaimedRotation[]> {
      const turns = new Map<string, number>();
      const turnOf = ({ tenant }: Rotation) => {
        const turn = (turns.get(tenant) ?? 0) + 1;
        turns.set(tenant, turn);
        return turn;
      };
      const open = [...rotations.values()].filter(({ rotation }) => !hasEnded(rotation));
      for (const { rotation, heldUntil } of open) if (heldUntil > now()) turnOf(rotation);
      const free = open
        .filter(({ rotation, heldUntil }) => heldUntil <= now() && isWanted(rotation, request))
        .sort((a, b) => a.rotation.dueAt - b.rotation.dueAt)
        .map((held) => ({ held, turn: turnOf(held.rotation) }))
        .sort((a, b) => a.turn - b.turn || a.held.rotation.dueAt - b.held.rotation.dueAt)
        .slice(0, request.limit);
      return free
        .map(({ held }) => held)
        .map((held) => {
          held.fence += 1;
          held.heldUntil = now() + request.leaseMs;
          return { rotation: held.rotation, fence: held.fence };
        });
    },
    async advance(tenant, id, fence, change: RotationChange, leaseMs) {
      const held = rotations.get(id);
      if (held === undefined || held.rotation.tenant !== tenant || held.fence !== fence) return false;
      held.rotation = { ...held.rotation, ...change };
      held.heldUntil = hasEnded(held.rotation) ? 0 : now() + leaseMs;
      if (hasEnded(held.rotation)) forgetOldest(tenant);
      return true;
    },
    async rotation(tenant, id) {
      const rotation = rotations.get(id)?.rotation;
      return rotation?.tenant === tenant ? rotation : null;
    },
    async rotations(tenant, { name, open, limit }: RotationListing) {
      return ofTenant(tenant)
        .filter((rotation) => name === undefined || rotation.name === name)
        .filter((rotation) => open !== true || !hasEnded(rotation))
        .sort(newestFirst)
        .slice(0, limit);
    },
    async countOpen() {
      return [...rotations.values()].filter(({ rotation }) => !hasEnded(rotation)).length;
    },

    async putDependant(place, dependant) {
      const known = dependants.get(keyOf(place)) ?? new Map<string, Dependant>();
      dependants.set(keyOf(place), known.set(dependant.serviceId, dependant));
    },
    async removeDependant(place, serviceId) {
      return dependants.get(keyOf(place))?.delete(serviceId) ?? false;
    },
    async dependants(place) {
      const known = [...(dependants.get(keyOf(place))?.values() ?? [])];
      return known.sort((a, b) => (a.serviceId < b.serviceId ? -1 : 1)).slice(0, 1_000);
    },
  };
}

export function hasEnded({ phase }: Pick<Rotation, 'phase'>): boolean {
  return phase === 'done' || phase === 'failed';
}

function isWanted(rotation: Rotation, { id, now, changedAfter }: ClaimRequest): boolean {
  if (id !== undefined) return rotation.id === id;
  return rotation.dueAt <= now || rotation.changedAt > changedAfter;
}

function newestFirst(a: Rotation, b: Rotation): number {
  return b.startedAt - a.startedAt || (a.id < b.id ? 1 : -1);
}

/** A tenant's id has no `/`. */
function keyOf({ tenant, name }: SecretPlace): string {
  return `${tenant}/${name}`;
}
