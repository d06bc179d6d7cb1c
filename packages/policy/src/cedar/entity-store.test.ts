import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type EntityData, entityStore, withEntities } from './entity-store.ts';
import { cedarRecord, entityUid } from './values.ts';

const uid = (n: number) => entityUid('N', String(n));
const node = (n: number, ...parents: number[]): EntityData => ({ uid: uid(n), parents: parents.map(uid) });

describe('an entity store', () => {
  it('refuses cycles of any length and entities given twice', () => {
    expect(() => entityStore([node(1, 1)])).toThrow(/cycle/);
    expect(() => entityStore([node(1, 2), node(2, 3), node(3, 1)])).toThrow(/cycle/);
    expect(() => entityStore([node(1), node(1)])).toThrow(/once/);
  });

  it('refuses a request that closes a cycle', () => {
    const store = entityStore([node(1, 2)]);
    expect(() => withEntities(store, [node(2, 1)])).toThrow(/cycle/);
    expect(() => withEntities(store, [node(3, 4), node(4, 3)])).toThrow(/cycle/);
  });

  it('takes long chains in any order', () => {
    const chain = Array.from({ length: 1000 }, (_, n) => node(n, n + 1));
    expect(entityStore(chain).get(uid(0).key)?.ancestors.size).toBe(1000);
    expect(entityStore(chain.reverse()).get(uid(0).key)?.ancestors.size).toBe(1000);
  });

  it('counts parents that no entity describes', () => {
    expect(
      entityStore([node(1, 9)])
        .get(uid(1).key)
        ?.ancestors.has(uid(9).key),
    ).toBe(true);
  });

  it('stays as it is when a request adds to it', () => {
    const store = entityStore([node(1)]);
    const more = withEntities(store, [{ uid: uid(1), attributes: cedarRecord({ a: 1n }) }, node(2, 1)]);
    expect(more.get(uid(1).key)?.attributes.get('a')).toBe(1n);
    expect(more.get(uid(2).key)?.ancestors.has(uid(1).key)).toBe(true);
    expect(store.get(uid(1).key)?.attributes.get('a')).toBeUndefined();
    expect(store.get(uid(2).key)).toBeUndefined();
  });
});

it('adding entities for a request gives what building everything at once gives', () => {
  const entity = fc.tuple(fc.nat(7), fc.array(fc.nat(9), { maxLength: 3 }));
  const entities = fc.uniqueArray(entity, { selector: ([n]) => n, maxLength: 8 });
  fc.assert(
    fc.property(entities, entities, (below, above) => {
      // Parents have higher numbers: no cycles.
      const data = (list: typeof below): EntityData[] =>
        list.map(([n, parents]) => node(n, ...parents.filter((parent) => parent > n)));
      const replaced = new Set(above.map(([n]) => n));
      const whole = entityStore([...data(below.filter(([n]) => !replaced.has(n))), ...data(above)]);
      const layered = withEntities(entityStore(data(below)), data(above));
      for (let n = 0; n <= 7; n++) {
        const sorted = (store: typeof whole) => [...(store.get(uid(n).key)?.ancestors ?? ['absent'])].sort();
        expect(sorted(layered)).toEqual(sorted(whole));
      }
    }),
    { numRuns: 1000 },
  );
});
