import { beforeEach, describe, expect, it } from 'vitest';
import { AGENT, ask, bundleOf, ME, World } from './enforcer.fixture.ts';
import type { Journal } from './ports.ts';

let world: World;

beforeEach(() => {
  world = new World();
});

describe('an action', () => {
  it('is refused, and nothing of it is kept, when its evidence cannot be made durable', async () => {
    const enforcer = await world.start();
    world.journal.failure = new Error('no space left');
    await expect(enforcer.authorize(ask('look'))).rejects.toMatchObject({ code: 'EVIDENCE_UNAVAILABLE' });
    expect([world.decided.length, world.unavailable.length]).toEqual([0, 1]);
    world.journal.failure = undefined;
    for (let count = 0; count < 3; count += 1)
      expect(await enforcer.authorize(ask('look'))).toMatchObject({ effect: 'allow' });
    expect(await enforcer.authorize(ask('look'))).toMatchObject({
      effect: 'block',
      refusal: { code: 'LIMIT_EXCEEDED', clause: 'three' },
    });
  });

  it('gets the first answer again when its request is repeated, and is refused when other content uses its id', async () => {
    const enforcer = await world.start();
    const first = await enforcer.authorize(ask('look', { requestId: 'r' }));
    expect(await enforcer.authorize(ask('look', { requestId: 'r' }))).toEqual(first);
    const other = { kind: 'call', target: 'look', args: { x: 1 } } as const;
    await expect(enforcer.authorize(ask('look', { requestId: 'r', action: other }))).rejects.toMatchObject({
      code: 'REQUEST_CONFLICT',
    });
    expect((await world.statements()).filter(({ type }) => type === 'permission-certificate')).toHaveLength(
      1,
    );
    const restarted = await world.start();
    expect(await restarted.authorize(ask('look', { requestId: 'r' }))).toEqual(first);
    await expect(restarted.authorize(ask('send', { requestId: 'r' }))).rejects.toMatchObject({
      code: 'REQUEST_CONFLICT',
    });
  });

  it('has a certificate of its own even where tenants choose the same session and request ids', async () => {
    const enforcer = await world.start();
    const mine = await enforcer.authorize(ask('look', { requestId: 'r' }));
    const theirs = await enforcer.authorize(
      ask('look', { requestId: 'r', principal: { ...AGENT, tenant: 'globex' } }),
    );
    expect(theirs.certificateId).not.toBe(mine.certificateId);
    await expect(
      enforcer.settle({ tenant: 'globex', principal: AGENT.id }, 's', mine.certificateId, 'done', null),
    ).rejects.toMatchObject({ code: 'OUTCOME_REFUSED' });
  });

  it('cannot take over a session of another principal', async () => {
    const enforcer = await world.start();
    await enforcer.authorize(ask('look'));
    const stranger = ask('look', { principal: { ...AGENT, id: 'agent-2' } });
    expect(await enforcer.authorize(stranger)).toMatchObject({
      effect: 'block',
      refusal: { code: 'CAP_MISS' },
    });
  });

  it('is decided in turn: of many at once exactly as many pass as the limit says, and the chain has no gap', async () => {
    const enforcer = await world.start();
    const answers = await Promise.all(Array.from({ length: 50 }, () => enforcer.authorize(ask('look'))));
    expect(answers.filter(({ effect }) => effect === 'allow')).toHaveLength(3);
    const chain = await world.statements();
    expect(chain.map(({ seq }) => seq)).toEqual(chain.map((_, index) => index));
    for (const [index, statement] of chain.entries()) {
      if (index > 0) expect(statement.state.before).toBe(chain[index - 1]?.state.after);
    }
  });

  it('is turned away when too many wait for one session', async () => {
    const enforcer = await world.start();
    const answers = await Promise.allSettled(
      Array.from({ length: 1100 }, () => enforcer.authorize(ask('look'))),
    );
    const busy = answers.filter((answer) => answer.status === 'rejected');
    expect(busy.length).toBeGreaterThan(0);
    expect(busy[0]).toMatchObject({ reason: { code: 'SESSION_BUSY' } });
  });
});

describe('an outcome', () => {
  it('is taken once, for an allowed action, in its own session', async () => {
    const enforcer = await world.start();
    const { certificateId } = await enforcer.authorize(ask('look'));
    await expect(
      enforcer.settle({ ...ME, principal: 'agent-2' }, 's', certificateId, 'done', null),
    ).rejects.toMatchObject({ code: 'OUTCOME_REFUSED' });
    await expect(enforcer.settle(ME, 'elsewhere', certificateId, 'done', null)).rejects.toMatchObject({
      code: 'OUTCOME_REFUSED',
    });
    await enforcer.settle({ ...ME, principal: null }, 's', certificateId, 'done', { text: 'hello' });
    const { length } = await world.statements();
    await enforcer.settle(ME, 's', certificateId, 'done', { text: 'hello' });
    expect(await world.statements()).toHaveLength(length);
    await expect(enforcer.settle(ME, 's', certificateId, 'done', null)).rejects.toMatchObject({
      code: 'OUTCOME_REFUSED',
    });
  });

  it('is not recorded when it cannot be durable, so that the caller withholds the result', async () => {
    const enforcer = await world.start();
    const { certificateId } = await enforcer.authorize(ask('read'));
    world.journal.failure = new Error('no space left');
    await expect(enforcer.settle(ME, 's', certificateId, 'done', 'secret')).rejects.toMatchObject({
      code: 'EVIDENCE_UNAVAILABLE',
    });
    world.journal.failure = undefined;
    await enforcer.settle(ME, 's', certificateId, 'done', 'secret');
    expect(await enforcer.authorize(ask('send'))).toMatchObject({
      effect: 'block',
      refusal: { code: 'LABEL_FLOW' },
    });
  });
});

describe('a restart', () => {
  it('resets nothing: labels, counters and prompts are what they were', async () => {
    const enforcer = await world.start();
    const { certificateId } = await enforcer.authorize(ask('read'));
    await enforcer.settle(ME, 's', certificateId, 'done', 'secret');
    await enforcer.close();
    const restarted = await world.start();
    expect(await restarted.authorize(ask('send'))).toMatchObject({
      effect: 'block',
      refusal: { code: 'LABEL_FLOW' },
    });
    await restarted.authorize(ask('look'));
    await restarted.authorize(ask('look'));
    expect(await restarted.authorize(ask('look'))).toMatchObject({ refusal: { code: 'LIMIT_EXCEEDED' } });
  });

  it('marks what was in flight as ambiguous, and a late outcome resolves it', async () => {
    const { certificateId } = await (await world.start()).authorize(ask('look'));
    const restarted = await world.start();
    expect((await world.statements()).at(-1)).toMatchObject({
      type: 'outcome-certificate',
      outcome: 'ambiguous',
      certificate_id: certificateId,
    });
    await restarted.settle(ME, 's', certificateId, 'done', 'late');
    expect((await world.statements()).at(-1)).toMatchObject({ outcome: 'done' });
  });

  it('under another bundle folds the session anew: what was read and counted before binds the new clauses', async () => {
    const enforcer = await world.start(
      bundleOf(1, { clauses: bundleOf(1).clauses.filter(({ id }) => id === 'all') }),
    );
    const { certificateId } = await enforcer.authorize(ask('read'));
    await enforcer.settle(ME, 's', certificateId, 'done', 'secret');
    expect(await enforcer.authorize(ask('send'))).toMatchObject({ effect: 'allow' });
    const stricter = await world.start(bundleOf(2));
    expect(await stricter.authorize(ask('send'))).toMatchObject({
      effect: 'block',
      refusal: { code: 'LABEL_FLOW' },
    });
    const changes = (await world.statements()).filter(
      (statement) => statement.type === 'session-record' && statement.kind === 'bundle',
    );
    expect(changes).toHaveLength(1);
    const again = await world.start(bundleOf(2));
    expect(await again.authorize(ask('send'))).toMatchObject({ effect: 'block' });
  });

  it('refuses a session whose records no longer lead to its last certificate', async () => {
    await (await world.start()).authorize(ask('look'));
    const erased: Journal = {
      commit: (commit) => world.journal.commit(commit),
      heads: () => world.journal.heads(),
      head: (tenant, session) => world.journal.head(tenant, session),
      async *readSession(tenant, session) {
        for await (const statement of world.journal.readSession(tenant, session))
          yield { ...statement, record: null };
      },
    };
    const restarted = await world.start(bundleOf(1), { journal: erased });
    await expect(restarted.authorize(ask('look'))).rejects.toMatchObject({ code: 'SESSION_CORRUPT' });
    expect(await restarted.authorize(ask('look', { session: 'another' }))).toMatchObject({ effect: 'allow' });
    expect(await restarted.authorize(ask('look', { session: null }))).toMatchObject({ effect: 'allow' });
  });
});

describe('a session', () => {
  it('without a sid goes on until it has been idle, also over a restart, and then a new one begins', async () => {
    const enforcer = await world.start();
    const first = await enforcer.authorize(ask('look', { session: null }));
    world.now += 60_000;
    const restarted = await world.start();
    expect((await restarted.authorize(ask('look', { session: null }))).session).toBe(first.session);
    world.now += 60_001;
    expect((await restarted.authorize(ask('look', { session: null }))).session).not.toBe(first.session);
  });

  it('hears of a change of mode and of epoch before the next action, on the record', async () => {
    const enforcer = await world.start();
    await enforcer.authorize(ask('look'));
    world.environment = { ...world.environment, enforcement_mode: 'shadow' };
    world.epoch = 2;
    expect(await enforcer.authorize(ask('nowhere'))).toMatchObject({ effect: 'allow', verdict: 'reject' });
    expect(await enforcer.authorize(ask('look', { epoch: 1 }))).toMatchObject({
      refusal: { code: 'EPOCH_STALE' },
    });
    const kinds = (await world.statements()).flatMap((statement) =>
      statement.type === 'session-record' ? [statement.kind] : [],
    );
    expect(kinds).toEqual(['open', 'mode', 'epoch']);
  });

  it('that was let go of comes back from the journal', async () => {
    const enforcer = await world.start(bundleOf(1), { maxSessions: 2 });
    for (let round = 0; round < 4; round += 1) {
      for (let id = 0; id < 5; id += 1) await enforcer.authorize(ask('look', { session: `s${id}` }));
    }
    for (let id = 0; id < 5; id += 1) {
      expect(await enforcer.authorize(ask('look', { session: `s${id}` }))).toMatchObject({
        refusal: { code: 'LIMIT_EXCEEDED' },
      });
    }
  });

  it.each(['secrets', 'changes'])('has no name of a record of %s, whoever asks for it', async (record) => {
    const enforcer = await world.start();
    const reserved = { code: 'SESSION_RESERVED', message: expect.stringContaining(`\`${record}:\``) };
    const session = `${record}:0:0`;
    await expect(enforcer.authorize(ask('look', { session }))).rejects.toMatchObject(reserved);
    await expect(enforcer.prompt(AGENT, session, 'do it')).rejects.toMatchObject(reserved);
    expect([...world.journal.heads()]).toEqual([]);
  });

  it('takes nothing new once the fabric closes', async () => {
    const enforcer = await world.start();
    await enforcer.close();
    await expect(enforcer.authorize(ask('look'))).rejects.toMatchObject({ code: 'CLOSED' });
  });
});

describe('a certificate', () => {
  it('holds digests and labels but no argument, result or prompt', async () => {
    const enforcer = await world.start();
    await enforcer.prompt(AGENT, 's', 'the very secret prompt');
    const action = { kind: 'call', target: 'read', args: { password: 'hunter2' } } as const;
    const { certificateId } = await enforcer.authorize(ask('read', { action }));
    await enforcer.settle(ME, 's', certificateId, 'done', 'a secret result');
    const text = JSON.stringify(await world.statements());
    for (const secret of ['hunter2', 'a secret result', 'very secret prompt'])
      expect(text).not.toContain(secret);
    expect((await world.statements()).map(({ type }) => type)).toEqual([
      'session-record',
      'session-record',
      'permission-certificate',
      'outcome-certificate',
    ]);
  });
});
