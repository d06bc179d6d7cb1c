import type { Claims } from '@provability-fabric/governor';
import { asDigest } from '@provability-fabric/kernel';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

export interface ClaimsUnderTest {
  /** No change was claimed in it yet. */
  readonly one: Claims;
  /** Another governor's of the same tree; where each process has its own claims, the same again. */
  readonly another: Claims;
  readonly close: () => Promise<void>;
}

const AT = 1_800_000_000_000;
const [FIRST, SECOND] = ['a', 'b'].map((digit) => asDigest(digit.repeat(64))) as [
  ReturnType<typeof asDigest>,
  ReturnType<typeof asDigest>,
];

/** What every place that remembers which changes were taken up has to keep to. */
export function describeClaimsContract(name: string, open: () => Promise<ClaimsUnderTest>): void {
  describe(`the claims contract, kept by ${name}`, () => {
    let claims: ClaimsUnderTest;
    beforeEach(async () => {
      claims = await open();
    });
    afterEach(() => claims.close());
    const claim = (manifest = FIRST, idempotencyKey = 'key-1') => ({ idempotencyKey, manifest, at: AT });
    const kinds = async (takes: readonly ReturnType<Claims['take']>[]) =>
      (await Promise.all(takes)).map(({ kind }) => kind).sort();

    it('gives a change to one of those who race for it, by whichever governor they come', async () => {
      const { one, another } = claims;
      const takes = Array.from({ length: 20 }, (_, at) => (at % 2 === 0 ? one : another).take(claim()));
      const expected = [...Array.from({ length: 19 }, () => 'same-manifest'), 'taken'];
      expect(await kinds(takes)).toEqual(expected);
    });

    it('gives an idempotency key to one of the changes that race with it', async () => {
      const { one, another } = claims;
      const takes = Array.from({ length: 8 }, (_, at) =>
        (at % 2 === 0 ? one : another).take(claim(asDigest(String(at).repeat(64)))),
      );
      const expected = [...Array.from({ length: 7 }, () => 'other-manifest'), 'taken'];
      expect(await kinds(takes)).toEqual(expected);
    });

    it('knows a change that is under way from one that was applied', async () => {
      const { one, another } = claims;
      expect(await one.take(claim())).toEqual({ kind: 'taken' });
      expect(await another.take(claim())).toEqual({ kind: 'same-manifest', state: 'under-way' });
      await one.applied(FIRST);
      expect(await another.take(claim())).toEqual({ kind: 'same-manifest', state: 'applied' });
    });

    it('knows a change again under another key, and a key with another change', async () => {
      const { one, another } = claims;
      await one.take(claim());
      await one.applied(FIRST);
      expect(await another.take(claim(FIRST, 'key-2'))).toEqual({ kind: 'same-manifest', state: 'applied' });
      expect(await another.take(claim(SECOND, 'key-1'))).toEqual({ kind: 'other-manifest' });
      expect(await another.take(claim(SECOND, 'key-2'))).toEqual({ kind: 'taken' });
    });

    it('gives what was let go to the next who asks, and its key to any change', async () => {
      const { one, another } = claims;
      await one.take(claim());
      await one.release(FIRST);
      expect(await another.take(claim(SECOND, 'key-1'))).toEqual({ kind: 'taken' });
      await another.release(SECOND);
      expect(await another.take(claim())).toEqual({ kind: 'taken' });
    });

    it('never lets go of a change that was applied', async () => {
      const { one, another } = claims;
      await one.take(claim());
      await one.applied(FIRST);
      await one.release(FIRST);
      await another.release(FIRST);
      expect(await another.take(claim())).toEqual({ kind: 'same-manifest', state: 'applied' });
    });

    it('minds nothing that is said twice, or of a change that nobody took', async () => {
      const { one } = claims;
      await one.release(SECOND);
      await one.take(claim());
      await one.applied(FIRST);
      await one.applied(FIRST);
      expect(await one.take(claim(SECOND, 'key-2'))).toEqual({ kind: 'taken' });
    });
  });
}
