import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildPrograms } from './built-programs.fixture.ts';
import { type Asked, changeAgainAndAgain, changesIn, expectSettled } from './crowd-of-changes.fixture.ts';
import { change, Governed, type GovernorService } from './governed-tree.fixture.ts';
import type { GovernorClient } from './governor-client.fixture.ts';

// `pf serve governor` that is killed and stopped while it applies changes.
/** How many changes are in the tree, and how many ms later it is killed. */
const LIVES = [
  [0, 30],
  [1, 50],
  [2, 90],
  [4, 5],
] as const;
const WORKERS = 3;
const ROUNDS = 1_000;

let governed: Governed;
let service: GovernorService;
let admin: GovernorClient;
const asked: Asked[] = [];

beforeAll(async () => {
  await buildPrograms();
  governed = new Governed({ files: { 'README.md': 'a tree\n' } });
  await governed.key('default');
  await start();
});
afterAll(() => service.stop());

async function start(): Promise<void> {
  service = governed.serve();
  admin = await service.client();
}

/** Some changes have tests, so that it is also killed while they run. */
function load(life: number): Promise<readonly Asked[]>[] {
  return Array.from({ length: WORKERS }, (_, worker) =>
    changeAgainAndAgain(
      governed,
      admin,
      `life-${life}-${worker}`,
      ROUNDS,
      worker === 0 ? ['sleep 0.02'] : [],
    ),
  );
}

async function expectWhole(): Promise<number> {
  const [audit, { tree }] = [await admin.audit(), await admin.tree()];
  expect(await admin.ask('GET', '/v1/audit/verify')).toMatchObject({ body: { valid: true, behind: 0 } });
  return expectSettled(governed, asked, audit, tree.digest).length;
}

describe.sequential('the governor that is killed', () => {
  it('leaves no change half done, loses none that it answered, and settles what it had begun', async () => {
    let applied = 0;
    for (const [life, [changes, ms]] of LIVES.entries()) {
      const before = changesIn(governed).length;
      const working = load(life);
      await expect
        .poll(() => changesIn(governed).length - before, { timeout: 25_000 })
        .toBeGreaterThanOrEqual(changes);
      await sleep(ms);
      service.kill('SIGKILL');
      await service.ended;
      asked.push(...(await Promise.all(working)).flat());
      await start();
      applied = await expectWhole();
    }
    expect(applied).toBeGreaterThan(0);
  });

  it('is answered after SIGTERM for what was under way, and takes no more', async () => {
    const { envelope, hash } = await governed.sign(
      change({ 'slow.txt': 'slow\n' }, { tests: ['sleep 0.7'] }),
      await admin.tree(),
    );
    const answer = admin.apply(envelope);
    await expect
      .poll(async () => (await admin.audit(1)).map(({ kind }) => kind), { timeout: 10_000 })
      .toEqual(['change-started']);
    service.kill('SIGTERM');
    expect(await answer).toMatchObject({ status: 200, body: { manifest_hash: hash } });
    expect(await service.ended).toEqual({ code: 0, signal: null });
    await start();
    const [last] = await admin.audit(1);
    expect(last).toMatchObject({ kind: 'change-applied', manifest_sha256: hash });
    expect(await admin.apply(envelope)).toMatchObject({ status: 409, body: { code: 'CHANGE_REPLAYED' } });
  });
});
