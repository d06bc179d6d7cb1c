import { describe, expect, it } from 'vitest';
import { CALLER, testGovernor } from './governor.fixture.ts';

describe('an order to stop', () => {
  it('is on record also where not every place took it: the governor has stopped', async () => {
    const { governor, redis, sentinel, events } = await testGovernor();
    redis.failing = true;
    await expect(governor.kill(CALLER, 'an agent runs wild')).rejects.toMatchObject({
      code: 'KILL_SWITCH_UNAVAILABLE',
    });
    expect([governor.killState().active, sentinel.sets.length]).toEqual([true, 1]);
    expect(events).toMatchObject([
      {
        kind: 'killed',
        principal: 'alice',
        detail: 'an agent runs wild',
        errorCode: 'KILL_SWITCH_UNAVAILABLE',
      },
    ]);
  });

  it('is on record once where all of them did', async () => {
    const { governor, events } = await testGovernor();
    await governor.kill(CALLER, ` ${'😀'.repeat(150)} `);
    expect(events.map(({ kind, errorCode }) => [kind, errorCode])).toEqual([['killed', null]]);
  });
});
