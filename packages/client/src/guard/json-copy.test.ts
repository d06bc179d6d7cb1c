import { canonicalJson, type JsonValue } from '@provability-fabric/kernel';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonCopy, NotJson, TooLarge } from './json-copy.ts';

const ROOM = 1_000_000;
const problemOf = (value: unknown): string => {
  try {
    jsonCopy(value, ROOM);
    return 'none';
  } catch (error) {
    return (error as Error).message;
  }
};

describe('what is no JSON', () => {
  class Account {
    readonly balance = 1;
  }
  const cycle: Record<string, unknown> = {};
  cycle.self = { cycle };

  it.each<readonly [string, unknown, string]>([
    ['a date', { at: new Date() }, 'came a Date at `/at`'],
    ['bytes', Buffer.from('x'), 'came a Buffer'],
    ['a map', [new Map()], 'came a Map at `/0`'],
    ['an object of a class', { a: [new Account()] }, 'came a Account at `/a/0`'],
    ['an error', new TypeError('secret'), 'came a TypeError'],
    ['a function', { go() {} }, 'came a function at `/go`'],
    ['a symbol', Symbol('x'), 'came a symbol'],
    ['a number beyond all bounds', [1e308 * 10], 'came a number that is not finite at `/0`'],
    ['not a number', Number.NaN, 'came a number that is not finite'],
    ['a hole in an array', Array.from({ length: 3 }), 'came undefined at `/0`'],
    ['half a character', { x: '\ud800' }, 'came text with half of a surrogate pair at `/x`'],
    ['half a character in a key', { '\udfff': 1 }, 'came text with half of a surrogate pair at `/?`'],
    ['a cycle', cycle, 'came nesting deeper than 480'],
    [
      'a getter that throws',
      {
        get secret() {
          throw new Error('s3cret');
        },
      },
      'came a value that cannot be read',
    ],
    ['a revoked proxy', revoked(), 'came a value that cannot be read'],
  ])('is refused by name: %s', (_name, value, problem) => {
    expect(problemOf(value)).toBe(problem);
  });

  it('is named by a short path that no terminal obeys', () => {
    expect(problemOf({ ['\u001b[2J`'.padEnd(5000, 'x')]: Number.NaN })).toMatch(
      /^came a number .* at `\/\?\[2J\?x{190,}`$/,
    );
  });

  it('may not be larger than there is room for, however it is built', () => {
    for (const large of ['x'.repeat(101), Array(101).fill(0), { ['k'.repeat(101)]: 1 }])
      expect(() => jsonCopy(large, 100)).toThrow(TooLarge);
    let doubling: unknown = 'xx';
    for (let i = 0; i < 60; i++) doubling = [doubling, doubling];
    expect(() => jsonCopy(doubling, 100_000)).toThrow(TooLarge);
  });
});

describe('a copy', () => {
  it('says the same JSON as what it was made of, for every JSON value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const withoutUndefined = JSON.parse(JSON.stringify(value)) as JsonValue;
        expect(canonicalJson(jsonCopy(value, ROOM))).toBe(canonicalJson(withoutUndefined));
      }),
    );
  });

  it('is JSON or is refused, whatever it is made of', () => {
    fc.assert(
      fc.property(
        fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true }),
        (value) => {
          try {
            canonicalJson(jsonCopy(value, ROOM));
          } catch (error) {
            expect(error).toBeInstanceOf(NotJson);
          }
        },
      ),
    );
  });

  it('keeps digits, and `__proto__` as an ordinary member, and leaves out what is undefined', () => {
    const value = JSON.parse('{"__proto__":{"admin":true},"a":[-0]}');
    const copied = jsonCopy({ big: 2n ** 70n, none: undefined, value }, ROOM);
    const text = '{"big":1180591620717411303424,"value":{"__proto__":{"admin":true},"a":[0]}}';
    expect(canonicalJson(copied)).toBe(text);
    const own = jsonCopy(value, ROOM) as { admin?: boolean };
    expect(own.admin).toBeUndefined();
    expect(Object.getPrototypeOf(own)).toBe(Object.prototype);
    expect(Object.hasOwn(own, '__proto__')).toBe(true);
  });

  it('is frozen to its last member when it is asked to be, and reads each member once', () => {
    let reads = 0;
    const shifty = {
      get to() {
        reads += 1;
        return reads === 1 ? 'maria@customer.example' : 'audit@evil.example';
      },
      list: [{ deep: [1] }],
    };
    const copied = jsonCopy(shifty, ROOM, { frozen: true }) as unknown as {
      to: string;
      list: { deep: number[] }[];
    };
    expect([copied.to, reads]).toEqual(['maria@customer.example', 1]);
    for (const part of [copied, copied.list, copied.list[0], copied.list[0]?.deep])
      expect(Object.isFrozen(part)).toBe(true);
    expect(() => copied.list[0]?.deep.push(2)).toThrow(TypeError);
  });
});

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}
