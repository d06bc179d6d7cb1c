import { describeInvalidationsContract } from '@provability-fabric/testkit';
import { expect, it } from 'vitest';
import { createInProcessInvalidations } from './in-process-invalidations.ts';

describeInvalidationsContract('one process', async () => {
  const bus = createInProcessInvalidations();
  return { one: bus, another: bus, close: async () => undefined };
});

it('is not taken for a bus where others write to the same store', () => {
  expect(createInProcessInvalidations({ alone: false }).connected()).toBe(false);
});
