import { asDigest } from '@provability-fabric/kernel';
import { describeClaimsContract } from '@provability-fabric/testkit';
import { describe, expect, it } from 'vitest';
import { createClaims } from './claims.ts';

describeClaimsContract('a process alone with its tree', async () => {
  const claims = createClaims([]);
  return { one: claims, another: claims, close: async () => undefined };
});

describe('claims seeded from the record', () => {
  it('take nothing up again that was applied before', async () => {
    const manifest = asDigest('a'.repeat(64));
    const claims = createClaims([{ idempotencyKey: 'key-1', manifest }]);
    const at = 0;
    expect(await claims.take({ idempotencyKey: 'key-1', manifest, at })).toEqual({
      kind: 'same-manifest',
      state: 'applied',
    });
    const other = asDigest('b'.repeat(64));
    expect(await claims.take({ idempotencyKey: 'key-1', manifest: other, at })).toEqual({
      kind: 'other-manifest',
    });
  });

  it('gives nobody a change that recovery found in the tree, which no process lived to record', async () => {
    const manifest = asDigest('c'.repeat(64));
    const claims = createClaims([]);
    await claims.applied(manifest);
    await claims.release(manifest);
    expect(await claims.take({ idempotencyKey: 'key-2', manifest, at: 0 })).toEqual({
      kind: 'same-manifest',
      state: 'applied',
    });
  });
});
