import { asDigest } from '@provability-fabric/kernel';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AGENT, ask, bundleOf, ME, World } from './enforcer.fixture.ts';

/** As much as may happen in the tests below. */
const PERMISSIVE = bundleOf(1, { clauses: bundleOf(1).clauses.filter(({ id }) => id === 'all') });

let world: World;

beforeEach(() => {
  world = new World();
});

describe('a session with more behind it than is kept in memory', () => {
  it('still answers every request as it first did, refuses other content, and takes each outcome once', async () => {
    const enforcer = await world.start(PERMISSIVE);
    const first = ask('look', { requestId: 'first' });
    const refused = ask('nowhere', { requestId: 'refused' });
    const answers = [await enforcer.authorize(first), await enforcer.authorize(refused)];
    const [allowed] = answers as [(typeof answers)[0]];
    await enforcer.settle(ME, 's', allowed.certificateId, 'done', 'result');
    for (let number = 0; number < 300; number += 1) {
      const { certificateId } = await enforcer.authorize(ask('look'));
      await enforcer.settle(ME, 's', certificateId, 'done', null);
    }
    const length = world.journal.entries.length;
    expect([await enforcer.authorize(first), await enforcer.authorize(refused)]).toEqual(answers);
    await expect(enforcer.authorize({ ...first, attributes: { x: 1 } })).rejects.toMatchObject({
      code: 'REQUEST_CONFLICT',
    });
    await enforcer.settle(ME, 's', allowed.certificateId, 'done', 'result');
    for (const [outcome, result] of [
      ['done', 'other'],
      ['failed', 'result'],
    ] as const) {
      await expect(enforcer.settle(ME, 's', allowed.certificateId, outcome, result)).rejects.toMatchObject({
        code: 'OUTCOME_REFUSED',
      });
    }
    expect(world.journal.entries).toHaveLength(length);
  });
});

describe('sessions in memory', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['performance'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  async function use(enforcer: Awaited<ReturnType<World['start']>>, session: string, settle = true) {
    const { certificateId } = await enforcer.authorize(ask('look', { session }));
    if (settle) await enforcer.settle(ME, session, certificateId, 'done', null);
    await vi.advanceTimersByTimeAsync(6000);
  }

  it('are as many as the setting says right now, less what is still under way', async () => {
    let most = 10;
    const enforcer = await world.start(PERMISSIVE, { maxSessions: () => most });
    for (let id = 0; id < 10; id += 1) await use(enforcer, `s${id}`, id !== 3);
    expect(await enforcer.snapshot()).toHaveLength(10);
    most = 4;
    for (let id = 10; id < 14; id += 1) await use(enforcer, `s${id}`);
    const kept = (await enforcer.snapshot()).map(({ session }) => session);
    expect(kept.length).toBeLessThanOrEqual(5);
    expect(kept).toContain('s3');
    expect((await world.statements('s3')).map(({ type }) => type)).not.toContain('outcome-certificate');
  });

  it('are fewer where much has happened in them', async () => {
    const enforcer = await world.start(PERMISSIVE, { maxStatements: 40 });
    for (const id of ['a', 'b', 'c', 'd'])
      for (let number = 0; number < 9; number += 1) await use(enforcer, id);
    const statements = (await enforcer.snapshot()).map(({ seq }) => seq + 1);
    expect(statements.length).toBeLessThan(4);
    expect(statements.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(40 + 19);
  });

  it('leave it when nobody has used them for minutes, but for those with something under way', async () => {
    const enforcer = await world.start(PERMISSIVE);
    for (let id = 0; id < 10; id += 1) await use(enforcer, `s${id}`, id !== 3);
    await vi.advanceTimersByTimeAsync(100_000);
    await use(enforcer, 'late');
    await vi.advanceTimersByTimeAsync(30_000);
    await use(enforcer, 'later');
    const kept = (await enforcer.snapshot()).map(({ session }) => session);
    expect(kept.toSorted()).toEqual(['late', 'later', 's3']);
    expect(await enforcer.authorize(ask('look', { session: 's0' }))).toMatchObject({ effect: 'allow' });
    expect((await world.statements('s0')).map(({ seq }) => seq)).toEqual([0, 1, 2, 3]);
  });

  it('that were let go of come back with everything that happened in them', async () => {
    const enforcer = await world.start(bundleOf(1), { maxSessions: 1 });
    for (let round = 0; round < 3; round += 1) for (const id of ['a', 'b', 'c']) await use(enforcer, id);
    expect((await enforcer.snapshot()).length).toBeLessThanOrEqual(2);
    for (const id of ['a', 'b', 'c'])
      expect(await enforcer.authorize(ask('look', { session: id }))).toMatchObject({
        refusal: { code: 'LIMIT_EXCEEDED' },
      });
  });
});

describe('a start', () => {
  it('reads no session, and a session that is used before the sweep comes to it is looked after then', async () => {
    const before = await world.start(PERMISSIVE);
    for (let id = 0; id < 20; id += 1) await before.authorize(ask('look', { session: `s${id}` }));
    const enforcer = world.open(PERMISSIVE);
    expect(await enforcer.snapshot()).toEqual([]);
    await enforcer.authorize(ask('look', { session: 's7' }));
    expect((await world.statements('s7')).map(({ type }) => type)).toEqual([
      'session-record',
      'permission-certificate',
      'outcome-certificate',
      'permission-certificate',
    ]);
    expect((await world.statements('s8')).at(-1)).toMatchObject({ type: 'permission-certificate' });
    expect(await enforcer.recover()).toEqual([]);
    for (let id = 0; id < 20; id += 1) {
      const outcomes = (await world.statements(`s${id}`)).filter(
        ({ type }) => type === 'outcome-certificate',
      );
      expect(outcomes).toEqual([expect.objectContaining({ outcome: 'ambiguous' })]);
    }
  });

  it('names the sessions that cannot go on, and goes on with the others', async () => {
    const before = await world.start(PERMISSIVE);
    for (const session of ['a', 'b', 'c']) await before.authorize(ask('look', { session }));
    const { journal } = world;
    const enforcer = await world.open(PERMISSIVE, {
      journal: {
        commit: (commit) => journal.commit(commit),
        heads: () => journal.heads(),
        head: (tenant, session) => journal.head(tenant, session),
        async *readSession(tenant, session) {
          if (session === 'c') throw new Error('segment 0 holds no whole frame there');
          for await (const statement of journal.readSession(tenant, session))
            yield { ...statement, record: session === 'b' ? null : statement.record };
        },
      },
    });
    expect(await enforcer.recover()).toMatchObject([
      { tenant: 'acme', session: 'b', problem: expect.stringContaining('erased') },
      { tenant: 'acme', session: 'c', problem: expect.stringContaining('segment 0') },
    ]);
    expect((await world.statements('a')).at(-1)).toMatchObject({ outcome: 'ambiguous' });
  });

  it('leaves accesses to secrets alone: they are no session of an agent', async () => {
    const { journal } = world;
    const session = `secrets:${'ab'.repeat(16)}:0`;
    const bytes = new Uint8Array(32);
    const entry = { seq: 0, digest: asDigest('0'.repeat(64)), envelope: bytes, salt: bytes, record: bytes };
    const place = { tenant: 'acme', session, expectedSeq: -1, expectedDigest: null };
    await journal.commit({ ...place, entries: [entry] });
    expect(await world.open(PERMISSIVE).recover()).toEqual([]);
    expect(journal.head('acme', session)?.seq).toBe(0);
  });

  it('that is ended again ends the sweep', async () => {
    const before = await world.start(PERMISSIVE);
    for (let id = 0; id < 50; id += 1) await before.authorize(ask('look', { session: `s${id}` }));
    const enforcer = world.open(PERMISSIVE);
    const sweep = enforcer.recover();
    await enforcer.close();
    await sweep;
    expect((await world.statements('s49')).at(-1)).toMatchObject({ type: 'permission-certificate' });
  });

  it('finds the newest of a principal without a sid, among any number of others', async () => {
    const before = await world.start(PERMISSIVE);
    const names: string[] = [];
    for (let id = 0; id < 5; id += 1) {
      world.now += 100_000;
      const principal = { ...AGENT, id: `agent-${id % 2}` };
      names.push((await before.authorize(ask('look', { session: null, principal }))).session);
    }
    const enforcer = world.open(PERMISSIVE);
    const again = await enforcer.authorize(
      ask('look', { session: null, principal: { ...AGENT, id: 'agent-0' } }),
    );
    expect(again.session).toBe(names[4]);
  });
});
