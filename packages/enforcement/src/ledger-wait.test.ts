import { loadBundle } from '@provability-fabric/policy';
import { MemoryLedger, MemoryShipper } from '@provability-fabric/testkit';
import { beforeEach, describe, expect, it } from 'vitest';
import { AGENT, ask, bundleOf, crypto, ME, World } from './enforcer.fixture.ts';
import type { Enforcer, EnforcerOptions } from './enforcer.ts';

const HIGH = bundleOf(1, { assurance: 'high' });

let world: World;
let ledger: MemoryLedger;
let shipper: MemoryShipper;

beforeEach(() => {
  world = new World();
  ledger = new MemoryLedger();
  shipper = new MemoryShipper(ledger, world.journal, () => undefined);
});

function start(bundle = bundleOf(1), over: Partial<EnforcerOptions> = {}): Promise<Enforcer> {
  return world.start(bundle, { ledgered: shipper, ledgerWaitMs: 20, ...over });
}

const kinds = async () => (await world.statements()).map(({ type }) => type.split('-')[0]);

describe('a ledger that is too far behind', () => {
  it('stops decisions and prompts before anything is decided, and no outcome', async () => {
    const enforcer = await start(bundleOf(1), { maxLagMs: () => 1000 });
    const { certificateId } = await enforcer.authorize(ask('look'));
    shipper.reachable = false;
    shipper.lag = 1001;
    await expect(enforcer.authorize(ask('look'))).rejects.toMatchObject({ code: 'EVIDENCE_UNAVAILABLE' });
    await expect(enforcer.prompt(AGENT, 's', 'go')).rejects.toMatchObject({ code: 'EVIDENCE_UNAVAILABLE' });
    expect(world.unavailable).toHaveLength(2);
    await enforcer.settle(ME, 's', certificateId, 'done', 'result');
    expect(await kinds()).toEqual(['session', 'permission', 'outcome']);
  });

  it('stops nothing below the limit, which can change at any time, and a lag that is no number stops all', async () => {
    let most = 1000;
    const enforcer = await start(bundleOf(1), { maxLagMs: () => most });
    shipper.reachable = false;
    shipper.lag = 900;
    expect(await enforcer.authorize(ask('look'))).toMatchObject({ effect: 'allow' });
    most = 800;
    await expect(enforcer.authorize(ask('look'))).rejects.toMatchObject({ code: 'EVIDENCE_UNAVAILABLE' });
    most = 1000;
    shipper.lag = Number.NaN;
    await expect(enforcer.authorize(ask('look'))).rejects.toMatchObject({ code: 'EVIDENCE_UNAVAILABLE' });
    shipper.lag = 1;
    expect(await enforcer.authorize(ask('look'))).toMatchObject({ effect: 'allow' });
  });
});

describe('under high assurance', () => {
  it('an allowed action that does not reach the ledger in time is withheld, on record, and for good', async () => {
    const enforcer = await start(HIGH);
    shipper.reachable = false;
    const request = ask('look');
    await expect(enforcer.authorize(request)).rejects.toMatchObject({ code: 'EVIDENCE_UNAVAILABLE' });
    expect(world.decided).toEqual([]);
    expect((await world.statements()).at(-1)).toMatchObject({ outcome: 'failed', result_digest: null });
    shipper.reachable = true;
    await expect(enforcer.authorize(request)).rejects.toMatchObject({ code: 'REQUEST_CONFLICT' });
    const restarted = await start(HIGH);
    await expect(restarted.authorize(request)).rejects.toMatchObject({ code: 'REQUEST_CONFLICT' });
    expect(await restarted.authorize(ask('look'))).toMatchObject({ effect: 'allow' });
  });

  it('its repeats share the first wait: none of them is answered otherwise than it', async () => {
    const enforcer = await start(HIGH);
    await enforcer.authorize(ask('look'));
    shipper.reachable = false;
    const request = ask('look');
    const answers = Array.from({ length: 5 }, () => enforcer.authorize(request));
    const settled = Promise.allSettled(answers);
    setTimeout(() => {
      shipper.reachable = true;
    }, 5);
    const effects = (await settled).map((answer) =>
      answer.status === 'fulfilled' ? answer.value.effect : '',
    );
    expect(new Set(effects).size).toBe(1);
    shipper.reachable = false;
    const late = ask('look');
    const refused = await Promise.allSettled([enforcer.authorize(late), enforcer.authorize(late)]);
    expect(refused.every(({ status }) => status === 'rejected')).toBe(true);
    expect((await world.statements()).filter(({ type }) => type === 'outcome-certificate')).toHaveLength(1);
  });

  it('what was withheld stays withheld while even the journal fails, and goes on record before the next action', async () => {
    const enforcer = await start(HIGH);
    await enforcer.authorize(ask('look'));
    shipper.reachable = false;
    const request = ask('look');
    const answer = enforcer.authorize(request);
    setTimeout(() => {
      world.journal.failure = new Error('no space left');
    }, 5);
    await expect(answer).rejects.toMatchObject({ code: 'EVIDENCE_UNAVAILABLE' });
    world.journal.failure = undefined;
    shipper.reachable = true;
    await expect(enforcer.authorize(request)).rejects.toMatchObject({ code: 'REQUEST_CONFLICT' });
    await enforcer.authorize(ask('look'));
    expect((await kinds()).slice(-3)).toEqual(['permission', 'outcome', 'permission']);
    await enforcer.authorize(ask('send'));
    expect((await kinds()).slice(-2)).toEqual(['permission', 'permission']);
  });

  it('a refusal that does not reach the ledger is not told, and its repeat is', async () => {
    const enforcer = await start(HIGH);
    await enforcer.authorize(ask('look'));
    shipper.reachable = false;
    const request = ask('nowhere');
    await expect(enforcer.authorize(request)).rejects.toMatchObject({ code: 'EVIDENCE_UNAVAILABLE' });
    shipper.reachable = true;
    expect(await enforcer.authorize(request)).toMatchObject({ effect: 'block' });
  });

  it('a result may be shown only once the ledger has the outcome; the report may be repeated until then', async () => {
    const enforcer = await start(HIGH);
    const { certificateId } = await enforcer.authorize(ask('read'));
    shipper.reachable = false;
    const report = () => enforcer.settle(ME, 's', certificateId, 'done', 'secret');
    await expect(report()).rejects.toMatchObject({ code: 'EVIDENCE_UNAVAILABLE' });
    await expect(report()).rejects.toMatchObject({ code: 'EVIDENCE_UNAVAILABLE' });
    shipper.reachable = true;
    await report();
    expect(await ledger.find('acme', 's')).toMatchObject({ seq: 2 });
    expect(await kinds()).toEqual(['session', 'permission', 'outcome']);
  });

  it('an answer that waits while another bundle comes into force is given, or withheld, as without it', async () => {
    const enforcer = await start(HIGH, { ledgerWaitMs: 50 });
    await enforcer.authorize(ask('look'));
    const next = (version: number) =>
      enforcer.adopt(loadBundle(bundleOf(version, { assurance: 'high' }), crypto));
    shipper.reachable = false;
    const given = enforcer.authorize(ask('look'));
    await new Promise((resolve) => setTimeout(resolve, 5));
    next(2);
    const after = enforcer.authorize(ask('nowhere'));
    shipper.reachable = true;
    expect(await given).toMatchObject({ effect: 'allow' });
    expect(await after).toMatchObject({ effect: 'block' });
    shipper.reachable = false;
    const request = ask('look');
    const withheld = enforcer.authorize(request);
    await new Promise((resolve) => setTimeout(resolve, 5));
    next(3);
    const behind = enforcer.authorize(ask('nowhere')).catch(() => undefined);
    await expect(withheld).rejects.toMatchObject({ code: 'EVIDENCE_UNAVAILABLE' });
    await behind;
    shipper.reachable = true;
    await expect(enforcer.authorize(request)).rejects.toMatchObject({ code: 'REQUEST_CONFLICT' });
  });

  it('every answer that was given is in the ledger', async () => {
    const enforcer = await start(HIGH);
    for (const target of ['look', 'nowhere', 'look']) {
      await enforcer.authorize(ask(target));
      expect(await ledger.find('acme', 's')).toEqual(world.journal.head('acme', 's'));
    }
  });
});

describe('where answers wait by configuration', () => {
  it('they do from the moment it says so, and an answer that was given before is not taken back', async () => {
    let wait: 'journal' | 'ledger' = 'journal';
    const enforcer = await start(bundleOf(1), { answersWait: () => wait });
    shipper.reachable = false;
    const early = ask('look');
    const first = await enforcer.authorize(early);
    wait = 'ledger';
    await expect(enforcer.authorize(early)).rejects.toMatchObject({ code: 'EVIDENCE_UNAVAILABLE' });
    await expect(enforcer.authorize(ask('look'))).rejects.toMatchObject({ code: 'EVIDENCE_UNAVAILABLE' });
    shipper.reachable = true;
    expect(await enforcer.authorize(early)).toEqual(first);
    await enforcer.settle(ME, 's', first.certificateId, 'done', null);
  });
});
