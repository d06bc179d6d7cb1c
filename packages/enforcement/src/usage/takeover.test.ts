import type { Clause, CompiledBundle, ToolRule } from '@provability-fabric/policy';
import {
  MemoryJournal,
  MemoryLeases,
  MemoryLeaseTable,
  MemoryLedger,
  MemoryShipper,
  MemoryUsage,
} from '@provability-fabric/testkit';
import { describe, expect, it } from 'vitest';
import { ask, bundleOf, World } from '../enforcer.fixture.ts';
import type { Enforcer } from '../enforcer.ts';
import type { Usage } from './ports.ts';

const TTL = 10_000;
const ANY = { tools: null, effects: null, label: null, args: null, principal: null };

function limited(limit: object, costs: Readonly<Record<string, number>> = {}): CompiledBundle {
  const { clauses, tools } = bundleOf(1);
  const costing = Object.entries(costs).map(([name, micro]): [string, ToolRule] => [
    name,
    { ...(tools[name] as ToolRule), cost: { kind: 'fixed', micro } },
  ]);
  const shared = {
    id: 'all-of-us',
    kind: 'limit',
    mode: 'enforce',
    severity: 'high',
    owner: 'o',
    expires: null,
    critical: false,
    description: '',
    on: ANY,
    window_ms: null,
    tolerance_ms: 0,
    per: 'tenant',
    ...limit,
  } as unknown as Clause;
  return bundleOf(1, {
    assurance: 'high',
    tools: { ...tools, ...Object.fromEntries(costing) },
    clauses: [...clauses.filter(({ id }) => id !== 'three'), shared],
  });
}

/** Two fabrics on one ledger, of which the first stalls when told to, while it asks what others have taken. */
function twoFabrics(bundle: CompiledBundle) {
  const world = new World();
  const ledger = new MemoryLedger();
  const table = new MemoryLeaseTable(ledger, true);
  const counts = new MemoryUsage();
  const clock = { now: 0, stalls: false };
  let go: () => void = () => undefined;
  const slow: Usage = {
    async reserve(request) {
      if (clock.stalls) await new Promise<void>((resolve) => (go = resolve));
      return counts.reserve(request);
    },
  };
  const open = (name: string, usage: Usage): Enforcer => {
    const journal = new MemoryJournal();
    journal.archive = ledger;
    const leases = new MemoryLeases(table, name, () => clock.now, TTL);
    const shipper: MemoryShipper = new MemoryShipper(ledger, journal, (...of) => enforcer.fenceOf(...of));
    shipper.reachable = true;
    const options = { ledgered: shipper, ledgerWaitMs: 20, leases, archive: ledger, journal, usage };
    const enforcer: Enforcer = world.open(bundle, options);
    return enforcer;
  };
  const [a, b] = [open('a', slow), open('b', counts)];
  /** While the first stalls over a request its lease ends, and the second decides one of the same id. */
  const takenOver = async (late: Parameters<typeof ask>[0], taken: Parameters<typeof ask>[0]) => {
    clock.stalls = true;
    const stalled = a.authorize(ask(late, { requestId: '2' }));
    await new Promise((resolve) => setTimeout(resolve, 10));
    clock.now += 2 * TTL;
    expect(await b.authorize(ask(taken, { requestId: '2' }))).toMatchObject({ effect: 'allow' });
    go();
    await expect(stalled).rejects.toMatchObject({ code: 'SESSION_ELSEWHERE' });
  };
  return { a, b, takenOver };
}

describe('the former owner of a session, who stalled over a request', () => {
  it('does not give back what the next owner took for it', async () => {
    const { a, b, takenOver } = twoFabrics(limited({ max: 2 }));
    expect(await a.authorize(ask('look', { requestId: '1' }))).toMatchObject({ effect: 'allow' });
    await takenOver('look', 'look');
    expect(await b.authorize(ask('look', { requestId: '3' }))).toMatchObject({ effect: 'block' });
  });

  it('does not make it less by another content under the same id', async () => {
    const { a, b, takenOver } = twoFabrics(limited({ max: 10, unit: 'cost' }, { look: 1, read: 9 }));
    expect(await a.authorize(ask('send', { requestId: '1' }))).toMatchObject({ effect: 'allow' });
    await takenOver('look', 'read');
    expect(await b.authorize(ask('read', { requestId: '3' }))).toMatchObject({ effect: 'block' });
  });
});
