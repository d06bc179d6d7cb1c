import type { TraceAutomaton, TraceClause } from '@provability-fabric/policy';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ask, bundleOf, ME, World } from './enforcer.fixture.ts';
import { Obligations } from './obligations.ts';

const WITHIN = 60_000;
const any = { tools: null, effects: null, label: null, args: null, principal: null };
const [ASKED, DONE] = [
  { ...any, tools: ['read'] },
  { ...any, tools: ['look'] },
];

const CLAUSE: TraceClause = {
  id: 'report',
  kind: 'trace',
  mode: 'monitor',
  severity: 'high',
  owner: 'o',
  expires: null,
  critical: false,
  description: '',
  pattern: { kind: 'after_then', after: ASKED, response: DONE, within_ms: WITHIN, tolerance_ms: 0 },
};

const stay = { at: 'asked', in: [], not_in: [], full: null, action: null, violation: null } as const;
/** As the compiler makes it, which is a ring above. */
const AUTOMATON: TraceAutomaton = {
  clause: 'report',
  initial: 0,
  states: 3,
  classes: [
    { on: ASKED, unknown: 'in' },
    { on: DONE, unknown: 'out' },
  ],
  register: { kind: 'deadline', within_ms: WITHIN },
  transitions: [
    { ...stay, from: 0, in: [0], not_in: [1], to: 1, action: 'start' },
    { ...stay, from: 0, in: [0, 1], to: 0 },
    { ...stay, from: 0, not_in: [0], to: 0 },
    { ...stay, from: 0, at: 'done', to: 0 },
    { ...stay, from: 1, in: [0], not_in: [1], to: 1, action: 'forget' },
    { ...stay, from: 1, in: [0, 1], to: 1 },
    { ...stay, from: 1, not_in: [0], to: 1 },
    { ...stay, from: 1, at: 'done', in: [1], to: 0, action: 'clear' },
    { ...stay, from: 1, at: 'done', not_in: [1], to: 1 },
    { ...stay, from: 1, at: 'deadline', to: 2 },
    { ...stay, from: 2, in: [1], to: 2 },
    { ...stay, from: 2, not_in: [1], to: 2, violation: 'TRACE_OBLIGATION' },
    { ...stay, from: 2, at: 'done', in: [1], to: 0, action: 'clear' },
    { ...stay, from: 2, at: 'done', not_in: [1], to: 2 },
  ],
};

const [ALL] = bundleOf(1).clauses;
const BUNDLE = bundleOf(1, {
  clauses: ALL === undefined ? [] : [ALL, CLAUSE],
  automata: { format: 'provability-fabric/dfa/v2', automata: [AUTOMATON] },
});

let world: World;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  world = new World();
});
afterEach(() => {
  vi.useRealTimers();
});

async function pass(ms: number): Promise<void> {
  world.now += ms;
  await vi.advanceTimersByTimeAsync(1000);
  // What the timer began goes over the journal, which has its own turns.
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

async function settled(enforcer: Awaited<ReturnType<World['start']>>, tool: string): Promise<void> {
  const { certificateId, session } = await enforcer.authorize(ask(tool));
  await enforcer.settle(ME, session, certificateId, 'done', null);
}

describe('an obligation', () => {
  it('is told of once when its time has passed, though the agent does nothing more, and on record', async () => {
    const enforcer = await world.start(BUNDLE);
    await settled(enforcer, 'read');
    const since = world.now + WITHIN;
    await pass(WITHIN);
    expect(world.overdue).toEqual([]);
    await pass(1);
    await pass(WITHIN);
    expect(world.overdue).toEqual([{ tenant: 'acme', session: 's', clause: 'report', since }]);
    const kinds = (await world.statements()).map((each) =>
      each.type === 'session-record' ? each.kind : each.type,
    );
    expect(kinds).toEqual(['open', 'permission-certificate', 'outcome-certificate', 'tick']);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('is not told of where it was met in time, and no timer runs for nothing', async () => {
    const enforcer = await world.start(BUNDLE);
    await settled(enforcer, 'read');
    expect(vi.getTimerCount()).toBe(1);
    await pass(1000);
    await settled(enforcer, 'look');
    expect(vi.getTimerCount()).toBe(0);
    await pass(2 * WITHIN);
    expect(world.overdue).toEqual([]);
  });

  it('that was told of is not told of again by the next fabric, until it begins anew', async () => {
    const first = await world.start(BUNDLE);
    await settled(first, 'read');
    await pass(WITHIN + 1);
    await first.close();
    const second = await world.start(BUNDLE);
    await settled(second, 'read');
    await pass(WITHIN + 1);
    expect(world.overdue).toHaveLength(1);
    await settled(second, 'look');
    await settled(second, 'read');
    await pass(WITHIN + 1);
    expect(world.overdue).toHaveLength(2);
  });

  it('is told of by the next fabric too, though nobody acts in the session any more', async () => {
    const first = await world.start(BUNDLE);
    await settled(first, 'read');
    await first.close();
    const second = await world.start(BUNDLE);
    expect(await second.recover()).toEqual([]);
    await pass(WITHIN + 1);
    expect(world.overdue).toHaveLength(1);
  });

  it('is still told of when evidence could not be made durable at first, without asking all the time', async () => {
    const enforcer = await world.start(BUNDLE);
    await settled(enforcer, 'read');
    const commit = vi.spyOn(world.journal, 'commit').mockRejectedValue(new Error('the disk is full'));
    await pass(WITHIN + 1);
    await pass(1000);
    await pass(1000);
    expect(commit).toHaveBeenCalledTimes(1);
    expect(world.overdue).toEqual([]);
    commit.mockRestore();
    await pass(WITHIN);
    expect(world.overdue).toHaveLength(1);
  });
});

describe('watching', () => {
  it('is bounded: beyond that nobody is watched anew, and what is watched goes on', async () => {
    const ticked: string[] = [];
    const tick = async (_tenant: string, session: string) => void ticked.push(session);
    const watching = new Obligations({ now: () => 10, tick, most: 2 });
    for (const session of ['a', 'b', 'c']) watching.note('acme', session, 5);
    watching.note('acme', 'a', 6);
    await watching.beat();
    expect(ticked).toEqual(['a', 'b']);
    await watching.beat();
    expect(ticked).toHaveLength(2);
    await watching.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('ends with the fabric, whatever is due', async () => {
    const tick = vi.fn(async () => undefined);
    const watching = new Obligations({ now: () => 10, tick });
    watching.note('acme', 'a', 5);
    await watching.close();
    watching.note('acme', 'b', 5);
    await watching.beat();
    expect(tick).not.toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
  });
});
