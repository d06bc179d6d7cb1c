import { generateKeyPairSync } from 'node:crypto';
import {
  MemoryJournal,
  MemoryLeases,
  MemoryLeaseTable,
  MemoryLedger,
  MemoryShipper,
} from '@provability-fabric/testkit';
import { beforeEach, describe, expect, it } from 'vitest';
import { ask, bundleOf, holding, ME, World } from './enforcer.fixture.ts';
import type { Enforcer, EnforcerOptions } from './enforcer.ts';

const TTL = 10_000;
const HIGH = bundleOf(1, { assurance: 'high' });

interface Fabric {
  readonly enforcer: Enforcer;
  readonly journal: MemoryJournal;
  readonly leases: MemoryLeases;
  readonly shipper: MemoryShipper;
}

let world: World;
let ledger: MemoryLedger;
let table: MemoryLeaseTable;
/** The time by which leases run out. */
let now: number;

beforeEach(() => {
  world = new World();
  ledger = new MemoryLedger();
  table = new MemoryLeaseTable(ledger);
  now = 0;
});

function fabric(
  name: string,
  bundle = bundleOf(1),
  over: Partial<EnforcerOptions> & { journal?: MemoryJournal } = {},
): Fabric {
  const journal = over.journal ?? new MemoryJournal();
  journal.archive = ledger;
  const leases = new MemoryLeases(table, name, () => now, TTL);
  const shipper: MemoryShipper = new MemoryShipper(ledger, journal, (...of) => enforcer.fenceOf(...of));
  const shared = { ledgered: shipper, ledgerWaitMs: 20, leases, archive: ledger };
  const enforcer = world.open(bundle, { ...shared, ...over, journal });
  return { enforcer, journal, leases, shipper };
}

describe('a session that another fabric owns', () => {
  it('is refused with the address of its owner, whatever is asked of it', async () => {
    const [a, b] = [fabric('a'), fabric('b')];
    const { certificateId } = await a.enforcer.authorize(ask('look'));
    a.shipper.reachable = true;
    const elsewhere = { code: 'SESSION_ELSEWHERE', address: 'http://a.example' };
    await expect(b.enforcer.authorize(ask('look'))).rejects.toMatchObject(elsewhere);
    await expect(b.enforcer.settle(ME, 's', certificateId, 'done', null)).rejects.toMatchObject(elsewhere);
    expect(b.journal.entries).toEqual([]);
    expect(await b.enforcer.authorize(ask('look', { session: 'other' }))).toMatchObject({ effect: 'allow' });
  });

  it('that is gone with a tail nobody else has is refused, and taken over by nobody', async () => {
    const [a, b] = [fabric('a'), fabric('b')];
    await a.enforcer.authorize(ask('look'));
    now += 2 * TTL;
    await expect(b.enforcer.authorize(ask('look'))).rejects.toMatchObject({ code: 'SESSION_ELSEWHERE' });
  });

  it('is refused while nobody can say whose it is', async () => {
    const a = fabric('a');
    a.leases.failure = new Error('no connection');
    await expect(a.enforcer.authorize(ask('look'))).rejects.toMatchObject({ code: 'EVIDENCE_UNAVAILABLE' });
    expect(a.journal.entries).toEqual([]);
    a.leases.failure = undefined;
    expect(await a.enforcer.authorize(ask('look'))).toMatchObject({ effect: 'allow' });
  });

  it('without a sid is one with all of its principal: a second one would forget what the first has read', async () => {
    const [a, b] = [fabric('a'), fabric('b')];
    const { certificateId, session } = await a.enforcer.authorize(ask('read', { session: null }));
    await a.enforcer.settle(ME, session, certificateId, 'done', 'secret');
    await expect(b.enforcer.authorize(ask('send', { session: null }))).rejects.toMatchObject({
      code: 'SESSION_ELSEWHERE',
      address: 'http://a.example',
    });
    await a.enforcer.close();
    expect(await b.enforcer.authorize(ask('send', { session: null }))).toMatchObject({
      effect: 'block',
      session,
      refusal: { code: 'LABEL_FLOW' },
    });
  });
});

describe('an action that is held', () => {
  it('is decided about by the fabric that has its session, and found by the next one once that is told where', async () => {
    const [a, b] = [fabric('a', holding()), fabric('b', holding())];
    const ticket = (await a.enforcer.authorize(ask('send'))).refusal?.ticket as string;
    a.shipper.reachable = true;
    const approver = { id: 'alice', roles: ['finance'], tenant: 'acme' };
    const said = { ticket, approver, decision: 'approve', epoch: 1 } as const;
    await expect(b.enforcer.approvals.decide({ ...said, session: 's' })).rejects.toMatchObject({
      code: 'SESSION_ELSEWHERE',
      address: 'http://a.example',
    });
    await expect(b.enforcer.approvals.decide({ ...said, session: null })).rejects.toMatchObject({
      code: 'TICKET_UNKNOWN',
    });
    expect(b.journal.entries).toEqual([]);
    await a.enforcer.close();
    expect(await b.enforcer.approvals.decide({ ...said, session: 's' })).toMatchObject({
      status: 'approved',
    });
    expect(await b.enforcer.authorize(ask('send'))).toMatchObject({ effect: 'allow' });
    expect(await b.enforcer.authorize(ask('send'))).toMatchObject({ effect: 'hold' });
  });
});

describe('a lease that is lost', () => {
  it('between deciding and committing commits nothing, and the session is asked for anew', async () => {
    const a = fabric('a', bundleOf(1), {
      random: {
        bytes(length) {
          now += TTL; // time passes while a statement is being written
          return new Uint8Array(length);
        },
      },
    });
    await expect(a.enforcer.authorize(ask('look'))).rejects.toMatchObject({ code: 'SESSION_ELSEWHERE' });
    expect(a.journal.entries).toEqual([]);
    expect(await a.enforcer.snapshot()).toEqual([]);
  });

  it('and got back goes on where the session was, under a higher fence', async () => {
    const a = fabric('a');
    await a.enforcer.authorize(ask('look'));
    expect(a.enforcer.fenceOf('acme', 's')).toBe(1);
    now += TTL;
    expect(await a.enforcer.authorize(ask('look'))).toMatchObject({ effect: 'allow' });
    expect(a.enforcer.fenceOf('acme', 's')).toBe(2);
    expect((await world.statements('s', 'acme', a.journal)).map(({ seq }) => seq)).toEqual([0, 1, 2, 3]);
  });

  it('while the answer waits for the ledger gives no answer', async () => {
    table = new MemoryLeaseTable(ledger, true);
    const [a, b] = [fabric('a', HIGH), fabric('b', HIGH)];
    await a.enforcer.authorize(ask('look'));
    a.shipper.reachable = false;
    const answer = a.enforcer.authorize(ask('look', { requestId: 'late' }));
    setTimeout(async () => {
      now += 2 * TTL;
      await b.enforcer.authorize(ask('look'));
      a.shipper.reachable = true;
    }, 5);
    await expect(answer).rejects.toMatchObject({ code: expect.stringMatching(/ELSEWHERE|UNAVAILABLE/) });
    expect(ledger.superseded).toHaveLength(1);
  });
});

describe('a session that is taken over', () => {
  it('is refused where a statement of it was signed by nobody known, or a record is not the one it names', async () => {
    const a = fabric('a');
    await a.enforcer.authorize(ask('read'));
    await a.enforcer.authorize(ask('look'));
    await a.enforcer.close();
    const { publicKey } = generateKeyPairSync('ed25519');
    const raw = new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }).subarray(-32));
    const stranger = fabric('b', bundleOf(1), { evidenceKeys: () => new Map([['someone-else', raw]]) });
    await expect(stranger.enforcer.authorize(ask('look'))).rejects.toMatchObject({ code: 'SESSION_CORRUPT' });
    table.rows.clear();
    const forged = fabric('c');
    forged.journal.archive = {
      async *read(tenant, session) {
        const records: (Uint8Array | null)[] = [];
        for await (const { record } of ledger.read(tenant, session)) records.push(record);
        for await (const stored of ledger.read(tenant, session))
          yield { ...stored, record: records[stored.seq === 1 ? 2 : stored.seq] ?? null };
      },
    };
    await expect(forged.enforcer.authorize(ask('look'))).rejects.toMatchObject({
      code: 'SESSION_CORRUPT',
      message: expect.stringContaining('input record of seq 1'),
    });
  });

  it('after a clean hand-over goes on with its labels and counters, and its answers', async () => {
    const [a, b] = [fabric('a'), fabric('b')];
    const { certificateId } = await a.enforcer.authorize(ask('read', { requestId: 'r' }));
    await a.enforcer.settle(ME, 's', certificateId, 'done', 'secret');
    await a.enforcer.close();
    expect(await b.enforcer.authorize(ask('read', { requestId: 'r' }))).toMatchObject({ certificateId });
    expect(await b.enforcer.authorize(ask('send'))).toMatchObject({ refusal: { code: 'LABEL_FLOW' } });
    await b.enforcer.settle(ME, 's', certificateId, 'done', 'secret');
    await b.enforcer.authorize(ask('look'));
    await b.enforcer.close();
    const back = fabric('a', bundleOf(1), { journal: a.journal });
    await back.enforcer.authorize(ask('look'));
    expect(await back.enforcer.authorize(ask('look'))).toMatchObject({ refusal: { code: 'LIMIT_EXCEEDED' } });
    await back.enforcer.close();
    const chain = await world.statements('s', 'acme', a.journal);
    expect(chain.map(({ seq }) => seq)).toEqual(chain.map((_, index) => index));
    for (const [index, { state }] of chain.entries())
      if (index > 0) expect(state.before).toBe(chain[index - 1]?.state.after);
  });

  it('after its owner died leaves out what was never answered, also when that owner comes back with it', async () => {
    table = new MemoryLeaseTable(ledger, true);
    const [a, b] = [fabric('a', HIGH), fabric('b', HIGH)];
    await a.enforcer.authorize(ask('look', { requestId: 'answered' }));
    a.shipper.reachable = false;
    await expect(a.enforcer.authorize(ask('look', { requestId: 'lost' }))).rejects.toThrow();
    now += 2 * TTL;
    await b.enforcer.authorize(ask('look', { requestId: 'next' }));
    expect((await world.statements('s', 'acme', b.journal))[2]).toMatchObject({ outcome: 'ambiguous' });
    await b.enforcer.close();
    const seq = (await ledger.find('acme', 's'))?.seq as number;
    a.shipper.reachable = true;
    expect(ledger.superseded.length).toBeGreaterThan(0);
    // Its requests are new ones: nobody was ever answered.
    expect(await a.enforcer.authorize(ask('look', { requestId: 'lost' }))).toMatchObject({ effect: 'allow' });
    expect((await ledger.find('acme', 's'))?.seq).toBeGreaterThan(seq);
    await a.enforcer.close();
    const restarted = fabric('a', HIGH, { journal: a.journal });
    expect(await restarted.enforcer.authorize(ask('look', { requestId: 'lost' }))).toMatchObject({
      effect: 'allow',
    });
  });

  it('is not begun while the ledger has not got what this journal has of it', async () => {
    const a = fabric('a');
    await a.enforcer.authorize(ask('look'));
    a.shipper.reachable = false;
    await a.enforcer.authorize(ask('look'));
    now += TTL;
    await expect(a.enforcer.authorize(ask('look'))).rejects.toMatchObject({ code: 'EVIDENCE_UNAVAILABLE' });
    a.shipper.reachable = true;
    expect(await a.enforcer.authorize(ask('look'))).toMatchObject({ effect: 'allow' });
  });
});

describe('closing', () => {
  it('gives away only what the ledger has', async () => {
    const [a, b] = [fabric('a'), fabric('b')];
    await a.enforcer.authorize(ask('look', { session: 'shipped' }));
    a.shipper.reachable = true;
    expect(await ledger.find('acme', 'shipped')).toBeDefined();
    a.shipper.reachable = false;
    await a.enforcer.authorize(ask('look', { session: 'unshipped' }));
    await a.enforcer.close();
    expect(await b.enforcer.authorize(ask('look', { session: 'shipped' }))).toMatchObject({
      effect: 'allow',
    });
    await expect(b.enforcer.authorize(ask('look', { session: 'unshipped' }))).rejects.toMatchObject({
      code: 'SESSION_ELSEWHERE',
    });
  });

  it('waits for answers that wait for the ledger, and gives them', async () => {
    const a = fabric('a', HIGH, { ledgerWaitMs: 1000 });
    await a.enforcer.authorize(ask('look'));
    a.shipper.reachable = false;
    const answer = a.enforcer.authorize(ask('look'));
    await new Promise((resolve) => setTimeout(resolve, 5));
    const closing = a.enforcer.close();
    await expect(a.enforcer.authorize(ask('look'))).rejects.toMatchObject({ code: 'CLOSED' });
    a.shipper.reachable = true;
    expect(await answer).toMatchObject({ effect: 'allow' });
    await closing;
    const reporter = { ...ME, principal: null };
    await expect(a.enforcer.settle(reporter, 's', 'x', 'done', null)).rejects.toMatchObject({
      code: 'CLOSED',
    });
  });
});
