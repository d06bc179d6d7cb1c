import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JsonValue } from '@provability-fabric/kernel';
import { describe, expect, it } from 'vitest';
import { ringOf, testKey } from '../gate/gate.fixture.ts';
import { loadPolicy, OPEN_POLICY } from '../policy/policy.fixture.ts';
import { CALLER, type TestGovernor, testGovernor, writing } from './governor.fixture.ts';

async function applying(during: (test: TestGovernor) => void | Promise<void>, tests = ['true']) {
  const test = await testGovernor();
  const envelope = (await test.sign(writing('two\n', tests))) as unknown as JsonValue;
  const act = async () => during(test);
  if (tests.length === 0) test.levers.prepared = act;
  else {
    const passed = test.levers.tests;
    test.levers.tests = async () => {
      await act();
      return passed();
    };
  }
  const outcome = await test.governor.apply(CALLER, { signed_envelope: envelope }).then(
    () => 'applied',
    (error: { readonly code?: string }) => error.code,
  );
  return { outcome, text: readFileSync(join(test.place.root, 'a.txt'), 'utf8'), test };
}

describe('while the tests of a change run', () => {
  it('lands where nothing comes in between', async () => {
    expect(await applying(() => undefined)).toMatchObject({ outcome: 'applied', text: 'two\n' });
  });

  it('its time may be up', async () => {
    const late = await applying(({ levers }) => {
      levers.now += 3_600_001;
    });
    expect(late).toMatchObject({ outcome: 'CHANGE_EXPIRED', text: 'one\n' });
    expect(late.test.events.map(({ kind }) => kind)).toEqual([
      'policy-adopted',
      'change-started',
      'change-failed',
    ]);
  });

  it('another policy may come into force', async () => {
    const tightened = await applying(async ({ levers }) => {
      levers.policy = await loadPolicy(`${OPEN_POLICY}deny_paths: [a.txt]\n`);
    });
    expect(tightened).toMatchObject({ outcome: 'POLICY_MISMATCH', text: 'one\n' });
  });

  it('a key that signed it may be retired', async () => {
    const retired = await applying(({ levers, key }) => {
      levers.ring = ringOf({ ...key, entry: { ...key.entry, state: 'retired', retiredAt: levers.now } });
    });
    expect(retired).toMatchObject({ outcome: 'SIGNATURE_INVALID', text: 'one\n' });
    const another = await applying(({ levers }) => {
      levers.ring = ringOf(testKey('bob'));
    });
    expect(another).toMatchObject({ outcome: 'SIGNATURE_INVALID', text: 'one\n' });
  });
});

describe('an order to stop', () => {
  it('holds up to the first file, also while the change is being prepared', async () => {
    const stopped = await applying(
      ({ governor }) => governor.kill(CALLER, 'an agent runs wild').then(() => {}),
      [],
    );
    expect(stopped).toMatchObject({ outcome: 'KILLED', text: 'one\n' });
  });

  it('holds for a rollback as well', async () => {
    const { test } = await applying(() => undefined, []);
    test.levers.prepared = () => test.governor.kill(CALLER, 'an agent runs wild').then(() => {});
    const index = test.events.findIndex(({ kind }) => kind === 'change-applied');
    await expect(test.governor.rollback(CALLER, { audit_index: index })).rejects.toMatchObject({
      code: 'KILLED',
    });
    expect(readFileSync(join(test.place.root, 'a.txt'), 'utf8')).toBe('two\n');
  });
});
