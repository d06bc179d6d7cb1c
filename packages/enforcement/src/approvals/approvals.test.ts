import { type Approver, loadBundle } from '@provability-fabric/policy';
import { describe, expect, it } from 'vitest';
import { AGENT, ask, crypto, holding, ME, World } from '../enforcer.fixture.ts';
import type { Enforcer } from '../enforcer.ts';

const ALICE: Approver = { id: 'alice', roles: ['finance'], tenant: 'acme' };
const BOB: Approver = { id: 'bob', roles: ['finance'], tenant: 'acme' };

async function held(fabric: Enforcer, more: Parameters<typeof ask>[1] = {}): Promise<string> {
  const answer = await fabric.authorize(ask('send', more));
  expect([answer.effect, answer.verdict, answer.refusal?.code]).toEqual([
    'hold',
    'hold',
    'APPROVAL_REQUIRED',
  ]);
  return answer.refusal?.ticket as string;
}

function say(
  fabric: Enforcer,
  ticket: string,
  approver: Approver = ALICE,
  more: Partial<Parameters<Enforcer['approvals']['decide']>[0]> = {},
) {
  return fabric.approvals.decide({ ticket, session: null, approver, decision: 'approve', epoch: 1, ...more });
}

const effectOf = async (fabric: Enforcer, more: Parameters<typeof ask>[1] = {}) =>
  (await fabric.authorize(ask('send', more))).effect;

describe('an approval', () => {
  it('is refused by name where it may not be given, and nothing is on record then', async () => {
    const world = new World();
    const fabric = await world.start(holding(1, { approvers: { roles: ['finance'], ids: [AGENT.id] } }));
    const ticket = await held(fabric);
    const before = (await world.statements()).length;
    const own: Approver = { id: AGENT.id, roles: ['finance'], tenant: 'acme' };
    await expect(say(fabric, ticket, own)).rejects.toMatchObject({ code: 'APPROVER_REFUSED' });
    const stranger = { id: 'mallory', roles: ['sales'], tenant: 'acme' };
    await expect(say(fabric, ticket, stranger)).rejects.toMatchObject({ code: 'APPROVER_REFUSED' });
    for (const session of [null, 's'])
      await expect(say(fabric, ticket, { ...ALICE, tenant: 'globex' }, { session })).rejects.toMatchObject({
        code: 'TICKET_UNKNOWN',
      });
    await expect(say(fabric, 'b'.repeat(32))).rejects.toMatchObject({ code: 'TICKET_UNKNOWN' });
    await expect(say(fabric, ticket, ALICE, { session: 'never-was' })).rejects.toMatchObject({
      code: 'TICKET_UNKNOWN',
    });
    await expect(say(fabric, ticket, ALICE, { epoch: 0 })).rejects.toMatchObject({
      code: 'APPROVER_REFUSED',
    });
    expect(await world.statements()).toHaveLength(before);
    expect(world.approvals).toEqual([]);
    expect(await effectOf(fabric)).toBe('hold');
  });

  it('lets the same call go ahead once, on record in the certificate that used it', async () => {
    const world = new World();
    const fabric = await world.start(holding());
    const ticket = await held(fabric);
    expect(await say(fabric, ticket)).toEqual({ ticket, session: 's', status: 'approved' });
    expect(await effectOf(fabric)).toBe('allow');
    expect(await effectOf(fabric)).toBe('hold');
    const statements = await world.statements();
    const shown = statements.map((statement) =>
      statement.type === 'permission-certificate'
        ? [statement.effect, statement.approval]
        : statement.type === 'session-record' && statement.kind,
    );
    expect(shown).toEqual(['open', ['hold', ticket], 'approval', ['allow', ticket], ['hold', ticket]]);
    expect(world.approvals).toEqual([
      {
        tenant: 'acme',
        session: 's',
        ticket,
        target: 'send',
        approver: 'alice',
        decision: 'approve',
        status: 'approved',
      },
    ]);
  });

  it('is told again without being recorded again', async () => {
    const world = new World();
    const fabric = await world.start(holding());
    const ticket = await held(fabric);
    await say(fabric, ticket);
    const { length } = await world.statements();
    expect(await say(fabric, ticket)).toMatchObject({ status: 'approved' });
    expect([(await world.statements()).length, world.approvals.length]).toEqual([length, 1]);
  });

  it('does not change the answer that a request id has got: that is the same request, not a new one', async () => {
    const world = new World();
    const fabric = await world.start(holding());
    const request = ask('send');
    const first = await fabric.authorize(request);
    await say(fabric, first.refusal?.ticket as string);
    expect(await fabric.authorize(request)).toEqual(first);
    expect(await effectOf(fabric)).toBe('allow');
  });

  it('that races with a denial never lets the call go ahead once the denial is answered', async () => {
    for (const order of ['approve first', 'deny first']) {
      const world = new World();
      const fabric = await world.start(holding());
      const ticket = await held(fabric);
      const deny = () => say(fabric, ticket, BOB, { decision: 'deny' });
      const approve = () => say(fabric, ticket).catch((error: { code: string }) => error.code);
      const both = order === 'approve first' ? [approve(), deny()] : [deny(), approve()];
      const results = await Promise.all(both);
      expect(results).toContainEqual(expect.objectContaining({ status: 'denied' }));
      const answer = await fabric.authorize(ask('send'));
      expect([answer.effect, answer.refusal]).toEqual(['block', { code: 'APPROVAL_DENIED', clause: 'ask' }]);
    }
  });

  it('is used by one of many calls that come at once', async () => {
    const world = new World();
    const fabric = await world.start(holding());
    await say(fabric, await held(fabric));
    const effects = await Promise.all(Array.from({ length: 10 }, () => effectOf(fabric)));
    expect(effects.filter((effect) => effect === 'allow')).toHaveLength(1);
  });

  it('that cannot be made durable is not given', async () => {
    const world = new World();
    const fabric = await world.start(holding());
    const ticket = await held(fabric);
    const { commit } = world.journal;
    world.journal.commit = () => Promise.reject(new Error('no space'));
    await expect(say(fabric, ticket)).rejects.toMatchObject({ code: 'EVIDENCE_UNAVAILABLE' });
    world.journal.commit = commit;
    expect(await effectOf(fabric)).toBe('hold');
  });

  it('is not given once the epoch has been raised, though the session has not heard of it', async () => {
    const world = new World();
    const fabric = await world.start(holding());
    const ticket = await held(fabric);
    world.epoch = 2;
    expect(fabric.approvals.list('acme', 100)).toEqual([]);
    await expect(say(fabric, ticket)).rejects.toMatchObject({ code: 'APPROVER_REFUSED' });
    await expect(say(fabric, ticket, ALICE, { epoch: 2, session: 's' })).rejects.toMatchObject({
      code: 'TICKET_UNKNOWN',
    });
  });

  it('ends with its bundle', async () => {
    const world = new World();
    const fabric = await world.start(holding());
    const ticket = await held(fabric);
    await say(fabric, ticket);

    fabric.adopt(loadBundle(holding(2), crypto));
    expect(fabric.approvals.list('acme', 100)).toEqual([]);
    await expect(say(fabric, ticket, ALICE, { session: 's' })).rejects.toMatchObject({
      code: 'TICKET_UNKNOWN',
    });
    expect(await held(fabric)).not.toBe(ticket);
  });
});

describe('what is held', () => {
  it('is listed for its tenant, and shown with its arguments as they were asked for', async () => {
    const world = new World();
    const fabric = await world.start(holding());
    const args = { to: 'x', n: 9_007_199_254_740_993n };
    const ticket = await held(fabric, { action: { kind: 'call', target: 'send', args } });
    const [listed] = fabric.approvals.list('acme', 100);
    expect(fabric.approvals.list('acme', 1)).toHaveLength(1);
    expect(listed).toMatchObject({
      ticket,
      session: 's',
      principal: 'agent-1',
      target: 'send',
      status: 'waiting',
    });
    expect(listed).not.toHaveProperty('args');
    expect(await fabric.approvals.show('acme', ticket)).toMatchObject({
      args,
      approvers: [{ roles: ['finance'] }],
    });
    expect(fabric.approvals.list('globex', 100)).toEqual([]);
    expect(await fabric.approvals.show('globex', ticket)).toBeUndefined();
  });

  it('counts what was said of it, and is gone once it was used', async () => {
    const world = new World();
    const fabric = await world.start(holding(1, { approvals: 2 }));
    const ticket = await held(fabric);
    expect(await say(fabric, ticket)).toMatchObject({ status: 'waiting' });
    expect(await effectOf(fabric)).toBe('hold');
    expect(await say(fabric, ticket, BOB)).toMatchObject({ status: 'approved' });
    expect(fabric.approvals.list('acme', 100)).toMatchObject([
      { status: 'approved', decisions: [{ approver: 'alice' }, { approver: 'bob' }] },
    ]);
    expect(await effectOf(fabric)).toBe('allow');
    expect(fabric.approvals.list('acme', 100)).toEqual([]);
  });

  it('is found again by a fabric that starts after the one before was killed, with what was said of it', async () => {
    const world = new World();
    const first = await world.start(holding());
    const waiting = await held(first, { session: 'waiting' });
    const approved = await held(first, { session: 'approved' });
    await say(first, approved);
    const used = await held(first, { session: 'used' });
    await say(first, used);
    await first.authorize(ask('send', { session: 'used' }));
    const second = await world.start(holding());
    expect(second.approvals.list('acme', 100).map(({ ticket, status }) => [ticket, status])).toEqual([
      [waiting, 'waiting'],
      [approved, 'approved'],
    ]);
    expect(await effectOf(second, { session: 'approved' })).toBe('allow');
    expect(await effectOf(second, { session: 'approved' })).toBe('hold');
    expect(await effectOf(second, { session: 'used' })).toBe('hold');
    expect(world.unavailable).toEqual([]);
  });

  it('gets the same answer, ticket and all, once it is read back from the journal', async () => {
    const world = new World();
    const request = ask('send');
    const answer = await (await world.start(holding())).authorize(request);
    expect(await (await world.start(holding())).authorize(request)).toEqual(answer);
  });

  it('is not looked for after its time, nor under another bundle: a start does not fold every session that ever held something', async () => {
    const world = new World();
    await held(await world.start(holding()));
    expect(await (await world.start(holding(2))).snapshot()).toEqual([]);
    world.now += 3 * 86_400_000;
    expect(await (await world.start(holding())).snapshot()).toEqual([]);
  });

  it('moves no limit: what was held does not count', async () => {
    const world = new World();
    const fabric = await world.start(holding());
    for (let count = 0; count < 5; count += 1) await held(fabric);
    const { certificateId, effect } = await fabric.authorize(ask('look'));
    expect(effect).toBe('allow');
    await fabric.settle(ME, 's', certificateId, 'done', 'ok');
  });
});
