import { performance } from 'node:perf_hooks';
import type { Database, Transaction } from '../database/database.ts';
import { LedgerError } from '../errors.ts';
import { requireName } from '../reader/name.ts';
import { startBeats } from './beats.ts';
import { ClockWatch } from './clock-watch.ts';
import {
  ASSURE,
  DECLARE_LOST,
  GIVE_UP,
  GIVE_UP_ALL,
  type LeaseRow,
  LOOK,
  MOVE_IN,
  RENEW,
  type RenewedRow,
  TAKE,
} from './lease-statements.ts';

/** Who may decide a session now. */
export type LeaseAnswer =
  | { readonly ok: true; readonly fence: number }
  | {
      readonly ok: false;
      readonly owner: string;
      /** Where the owner takes requests; null where it never said. */
      readonly address: string | null;
      /** `tail-missing`: the lease ran out, but what was decided last may be nowhere but with its owner. */
      readonly reason: 'held' | 'tail-missing';
    };

export type LostAnswer = { readonly ok: true } | { readonly ok: false; readonly reason: 'held' | 'unknown' };

export type Assurance = 'standard' | 'high';

export interface Leases {
  /** The right to decide a session. Throws LedgerError where the database cannot say. */
  acquire(tenant: string, session: string): Promise<LeaseAnswer>;
  /** By this process's clocks, with a margin: true only while no other process can hold the session. */
  holds(tenant: string, session: string): boolean;
  /** Of the lease held last; undefined once it was released or found lost. */
  fenceOf(tenant: string, session: string): number | undefined;
  /**
   * Gives a session up, so that anyone may have it: the caller has shipped all of it. `holds` is false at
   * once; where the database is not reached this throws, and sends it again until it is.
   */
  release(tenant: string, session: string): Promise<void>;
  /**
   * For operators: the host that had the session will not come back. The session goes on from what the ledger
   * has; anything else that turns up of it is superseded. Refused while the lease has not run out.
   */
  declareLost(tenant: string, session: string): Promise<LostAnswer>;
  /**
   * Changes what `assurance` says of everything that is owned, and resolves once the database has it. To
   * `standard` before the first action is answered without the ledger; to `high` once the ledger has everything
   * that was.
   */
  assure(assurance: Assurance): Promise<void>;
  /** What is wrong, for an operator. */
  health(): readonly string[];
  /** `shipped`: the ledger has everything of this owner, so all that it owns is released. */
  close(options: { readonly shipped: boolean }): Promise<void>;
}

export interface LeasesOptions {
  readonly database: Database;
  /** Stable over restarts: whoever has this id has the tails of its sessions too. */
  readonly owner: string;
  readonly address: string | null;
  readonly ttlMs: number;
  /**
   * `high`: every action that this process decides is in the ledger before it is answered, so its sessions can
   * go on from the ledger when their leases have run out.
   */
  readonly assurance: Assurance;
  /** Monotonic ms. */
  readonly now?: () => number;
  /** Ms of the day: the clock that also runs while a suspended machine's monotonic one stands still. */
  readonly wall?: () => number;
}

interface Held {
  readonly tenant: string;
  readonly session: string;
  readonly fence: number;
  until: number;
  untilWall: number;
}

// Shares of a lease. ClockWatch says why the margin is five tolerances.
const TOLERANCE = 1 / 15;
const MARGIN = 5 * TOLERANCE;
const BEAT = 1 / 4;
const SHORTEST_MS = 200;

export async function openLeases(options: LeasesOptions): Promise<Leases> {
  const { database, owner, address, ttlMs } = options;
  const now = options.now ?? (() => performance.now());
  const wall = options.wall ?? (() => Date.now());
  requireName(owner, 'an owner');
  if (address !== null) requireName(address, "an owner's address", 2_048);
  if (!Number.isSafeInteger(ttlMs) || ttlMs < SHORTEST_MS) {
    throw new RangeError(`expected a lease of at least ${SHORTEST_MS} ms, came \`${ttlMs}\``);
  }
  const watch = new ClockWatch(ttlMs, ttlMs * TOLERANCE);
  const held = new Map<string, Held>();
  /** Given up here, and not yet in the database. */
  const owed = new Map<string, Held>();
  /** One statement at a time for a session: answers that cross would leave the older fence here. */
  const turns = new Map<string, Promise<void>>();
  let assurance = options.assurance;
  let closed = false;

  const write = <T>(work: (tx: Transaction) => Promise<T>): Promise<T> =>
    database.transaction('pf_writer', work, { timeoutMs: ttlMs });

  function inTurn<T>(tenant: string, session: string, work: (key: string) => Promise<T>): Promise<T> {
    requireName(tenant, 'a tenant');
    requireName(session, 'a session');
    if (closed) throw new LedgerError('LEDGER_UNAVAILABLE', 'expected open leases, got closed ones');
    const key = keyOf(tenant, session);
    const mine = (turns.get(key) ?? Promise.resolve()).then(() => work(key));
    const done = mine
      .then(
        () => undefined,
        () => undefined,
      )
      .then(() => {
        if (turns.get(key) === done) turns.delete(key);
      });
    turns.set(key, done);
    return mine;
  }

  const running = (lease: Held): boolean => now() < lease.until && wall() < lease.untilWall;

  /** Both clocks were read before the statement was sent, so the database ends the lease later. */
  function deadlines(sent: number, sentWall: number): Pick<Held, 'until' | 'untilWall'> {
    const safe = ttlMs * (1 - MARGIN);
    return { until: sent + safe, untilWall: sentWall + safe };
  }

  async function acquire(tenant: string, session: string, key: string): Promise<LeaseAnswer> {
    const known = held.get(key);
    if (known !== undefined && running(known)) return { ok: true, fence: known.fence };
    const [sent, sentWall] = [now(), wall()];
    const bounds = watch.bounds(sent);
    const answer = await write(async (tx): Promise<LeaseAnswer> => {
      const [taken] = await tx.query<{ fence: number }>(TAKE, [
        ...[tenant, session, owner, address, assurance, ttlMs],
        ...[bounds?.earliest ?? null, bounds?.latest ?? null],
      ]);
      if (taken !== undefined) return { ok: true, fence: taken.fence };
      const [row] = await tx.query<LeaseRow>(LOOK, [tenant, session]);
      return refusal(row);
    });
    if (answer.ok) {
      held.set(key, { tenant, session, fence: answer.fence, ...deadlines(sent, sentWall) });
      owed.delete(key);
    } else held.delete(key);
    return answer;
  }

  async function release(key: string): Promise<void> {
    const lease = held.get(key) ?? owed.get(key);
    if (lease === undefined) return;
    held.delete(key);
    owed.set(key, lease);
    await write((tx) => tx.query(GIVE_UP, [owner, ...columns([lease])]));
    owed.delete(key);
  }

  /** Renews all that is held, gives up all that is owed, and looks at the database's clock. */
  async function beat(): Promise<void> {
    const leases = [...held];
    const debts = [...owed];
    const sentWall = wall();
    const { sent, received, row } = await write(async (tx) => {
      if (debts.length > 0) await tx.query(GIVE_UP, [owner, ...columns(debts.map(([, lease]) => lease))]);
      const sent = now();
      const asked = columns(leases.map(([, lease]) => lease));
      const [row] = await tx.query<RenewedRow>(RENEW, [owner, ...asked, ttlMs]);
      return { sent, received: now(), row: row as RenewedRow };
    });
    watch.take({ sent, received, database: row.clock });
    for (const [key, lease] of debts) if (owed.get(key) === lease) owed.delete(key);
    const lost = new Set(row.lost);
    leases.forEach(([key, lease], position) => {
      if (!lost.has(position + 1)) Object.assign(lease, deadlines(sent, sentWall));
      else if (held.get(key) === lease) held.delete(key);
    });
  }

  await write((tx) => tx.query(MOVE_IN, [owner, address]));
  const beats = startBeats(ttlMs * BEAT, beat);

  return {
    acquire: async (tenant, session) => inTurn(tenant, session, (key) => acquire(tenant, session, key)),
    holds(tenant, session) {
      const lease = held.get(keyOf(tenant, session));
      return lease !== undefined && running(lease);
    },
    fenceOf: (tenant, session) => held.get(keyOf(tenant, session))?.fence,
    async release(tenant, session) {
      // At once, whatever is under way: a caller that has let go decides nothing more.
      const key = keyOf(tenant, session);
      const lease = held.get(key);
      if (lease !== undefined) owed.set(key, lease);
      held.delete(key);
      await inTurn(tenant, session, release);
    },
    declareLost: async (tenant, session) =>
      inTurn(tenant, session, () =>
        write(async (tx): Promise<LostAnswer> => {
          if ((await tx.query(DECLARE_LOST, [tenant, session])).length > 0) return { ok: true };
          const [row] = await tx.query<LeaseRow>(LOOK, [tenant, session]);
          if (row === undefined) return { ok: false, reason: 'unknown' };
          return row.released ? { ok: true } : { ok: false, reason: 'held' };
        }),
      ),
    async assure(next) {
      assurance = next;
      // One that is on its way may still bring the old word along.
      await Promise.all(turns.values());
      await write((tx) => tx.query(ASSURE, [owner, next]));
    },
    health() {
      const failure = beats.failure();
      if (failure === undefined) return [];
      const code = failure instanceof LedgerError ? failure.code : 'unknown error';
      return [`leases are not renewed (${code}): their sessions stop until they are`];
    },
    async close({ shipped }) {
      closed = true;
      await Promise.all([beats.stop(), ...turns.values()]);
      held.clear();
      if (shipped) await write((tx) => tx.query(GIVE_UP_ALL, [owner]));
    },
  };
}

function refusal(row: LeaseRow | undefined): LeaseAnswer {
  if (row === undefined) return { ok: false, owner: '', address: null, reason: 'held' };
  const { owner, address, assurance, expired } = row;
  return { ok: false, owner, address, reason: expired && assurance === 'standard' ? 'tail-missing' : 'held' };
}

function columns(leases: readonly Held[]): readonly unknown[] {
  return [
    leases.map(({ tenant }) => tenant),
    leases.map(({ session }) => session),
    leases.map(({ fence }) => fence),
  ];
}

/** Names hold no NUL, so no two pairs share a key. */
function keyOf(tenant: string, session: string): string {
  return `${tenant}\0${session}`;
}
