import { performance } from 'node:perf_hooks';
import { GovernorError, type TreeLock } from '@provability-fabric/governor';
import { startBeats } from '../leases/beats.ts';
import type { GovernedTree } from './governed-tree.ts';

const LEASE_END = `clock_timestamp() + $3::float8 * interval '1 ms'`;
/** Nothing comes back where somebody has it. */
const TAKE = `
  insert into pf.governor_trees as t (tenant, tree, fence, held_until, holder) values ($1, $2, 1, ${LEASE_END}, $4)
  on conflict (tenant, tree) do update set fence = t.fence + 1, held_until = excluded.held_until, holder = excluded.holder
    where t.holder is null or t.held_until <= clock_timestamp()
  returning fence`;
/** As long as the fence is the same nobody else has had it, whatever the time. */
const RENEW = `
  update pf.governor_trees set held_until = ${LEASE_END}
  where tenant = $1 and tree = $2 and holder = $4 and fence = $5 returning fence`;
const GIVE_BACK = `
  update pf.governor_trees set holder = null, held_until = null
  where tenant = $1 and tree = $2 and holder = $3 and fence = $4 returning fence`;

const SHORTEST_WAIT_MS = 10;
const LONGEST_WAIT_MS = 100;

export interface TreeLockOptions {
  /** A UUID of this replica, of this run. */
  readonly holder: string;
  /** How long a replica that is gone keeps the others waiting. */
  readonly leaseMs: number;
  readonly patienceMs: number;
}

/**
 * A lease of the tree, renewed while work goes on. Those of this process queue in order, and one of them asks; among
 * replicas it goes to whoever asks first after it was given back.
 */
export function postgresTreeLock(tree: GovernedTree, options: TreeLockOptions): TreeLock {
  const { holder, leaseMs, patienceMs } = options;
  let last: Promise<void> = Promise.resolve();

  const limited = { timeoutMs: leaseMs };

  async function take(until: number): Promise<number> {
    for (let wait = SHORTEST_WAIT_MS; ; wait = Math.min(2 * wait, LONGEST_WAIT_MS)) {
      const [row] = await tree.transaction(
        (query) => query<{ readonly fence: number }>(TAKE, [leaseMs, holder]),
        limited,
      );
      if (row !== undefined) return row.fence;
      const left = until - performance.now();
      if (left <= 0) throw busy('another replica is at work on it');
      await pause(Math.min(left, wait * (0.5 + Math.random() / 2)));
    }
  }

  async function withLease<Result>(
    until: number,
    work: (held: () => Promise<void>) => Promise<Result>,
  ): Promise<Result> {
    let sure = deadline(leaseMs);
    const fence = await take(until);
    let lost = false;

    async function renew(): Promise<void> {
      if (lost) throw busy('it was lost to another replica while work went on');
      const asked = deadline(leaseMs);
      const rows = await tree.transaction((query) => query(RENEW, [leaseMs, holder, fence]), limited);
      lost = rows.length === 0;
      if (lost) throw busy('it was lost to another replica while work went on');
      sure = asked;
    }

    async function held(): Promise<void> {
      try {
        await renew();
      } catch (error) {
        if (error instanceof GovernorError) throw error;
        throw busy('whether this replica still has it could not be asked', error);
      }
    }

    const beats = startBeats(leaseMs / 3, renew);
    let result: Result;
    try {
      result = await work(held);
    } catch (error) {
      await beats.stop();
      // It runs out by itself where it cannot be given back; why the work failed is what counts.
      await giveBack(fence).catch(() => undefined);
      throw error;
    }
    await beats.stop();
    // Unreachable now is no harm where nobody else can have had it until this moment.
    const kept = await giveBack(fence).catch(() => isAhead(sure));
    if (!kept) throw busy('it was lost to another replica while work went on');
    return result;
  }

  async function giveBack(fence: number): Promise<boolean> {
    const rows = await tree.transaction((query) => query(GIVE_BACK, [holder, fence]), limited);
    return rows.length > 0;
  }

  return {
    async withLock(work) {
      const until = performance.now() + patienceMs;
      const before = last;
      let done: () => void = () => undefined;
      last = new Promise((resolve) => {
        done = resolve;
      });
      if (!(await inTime(before, patienceMs))) {
        // Who comes next waits for those before, not for this one that has left the queue.
        void before.then(done);
        throw busy('other changes are at work on it');
      }
      try {
        return await withLease(until, work);
      } finally {
        done();
      }
    },
  };
}

function busy(why: string, cause?: unknown): GovernorError {
  const text = `expected the lock of the tree, ${why}; try again`;
  return new GovernorError('TREE_BUSY', text, cause === undefined ? {} : { cause });
}

/** By both clocks: the monotonic one stands still while a machine is suspended, and the other one may be set. */
interface Deadline {
  readonly monotonic: number;
  readonly wall: number;
}

function deadline(ms: number): Deadline {
  return { monotonic: performance.now() + ms, wall: Date.now() + ms };
}

function isAhead({ monotonic, wall }: Deadline): boolean {
  return performance.now() < monotonic && Date.now() < wall;
}

async function inTime(work: Promise<void>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
