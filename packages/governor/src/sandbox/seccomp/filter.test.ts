import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assemble, ifEqual } from './assembler.ts';
import { seccompFilter } from './filter.ts';
import { interpret } from './interpreter.fixture.ts';
import {
  ALLOWED_CALLS,
  type Architecture,
  CONDITIONAL_CALLS,
  callNumbers,
  DENIED_CALLS,
} from './system-calls.ts';

const ALLOW = 0x7fff0000;
const KILL = 0x80000000;
const EPERM = 0x00050001;
const ENOSYS = 0x00050026;
const EAFNOSUPPORT = 0x00050061;
const AUDIT = { x86_64: 0xc000003e, aarch64: 0xc00000b7, i386: 0x40000003 };

const allowed = (architecture: Architecture) =>
  new Map(Object.values(ALLOWED_CALLS).flatMap((table) => [...callNumbers(table, architecture)]));
const denied = (architecture: Architecture) =>
  new Map(Object.values(DENIED_CALLS).flatMap((table) => [...callNumbers(table, architecture)]));

describe.each(['x86_64', 'aarch64'] as const)('the filter for %s', (architecture) => {
  const filter = seccompFilter(architecture);
  const conditional = callNumbers(CONDITIONAL_CALLS, architecture);
  const ask = (number: number, ...args: number[]) =>
    interpret(filter, { architecture: AUDIT[architecture], number, args });
  const named = (name: string, ...args: number[]) => {
    const number = conditional.get(name) ?? denied(architecture).get(name) ?? allowed(architecture).get(name);
    if (number === undefined) throw new Error(`no call ${name}`);
    return ask(number, ...args);
  };

  it('kills a process that calls by another architecture, whatever the number', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 0xffffffff }),
        fc.integer({ min: 0, max: 600 }),
        (other, number) => {
          fc.pre(other !== AUDIT[architecture]);
          expect(interpret(filter, { architecture: other, number })).toBe(KILL);
        },
      ),
      { numRuns: 100 },
    );
    expect(interpret(filter, { architecture: AUDIT.i386, number: 11 })).toBe(KILL);
  });

  it('says EPERM to every call that is denied by name', () => {
    for (const [name, number] of denied(architecture)) expect([name, ask(number)]).toEqual([name, EPERM]);
  });

  it('allows what is in the list and says ENOSYS to numbers that nobody listed', () => {
    for (const [name, number] of allowed(architecture)) expect([name, ask(number)]).toEqual([name, ALLOW]);
    const known = new Set([
      ...allowed(architecture).values(),
      ...denied(architecture).values(),
      ...conditional.values(),
    ]);
    for (let number = 0; number < 1000; number++) {
      if (!known.has(number)) expect([number, ask(number)]).toEqual([number, ENOSYS]);
    }
  });

  it('lists no call twice', () => {
    const names = [...allowed(architecture).keys(), ...denied(architecture).keys(), ...conditional.keys()];
    expect(new Set(names).size).toBe(names.length);
    const numbers = [
      ...allowed(architecture).values(),
      ...denied(architecture).values(),
      ...conditional.values(),
    ];
    expect(new Set(numbers).size).toBe(numbers.length);
  });

  it('lets a process fork and make threads, and make no namespace of any kind', () => {
    expect(named('clone', 0x01200011)).toBe(ALLOW);
    expect(named('clone', 0x003d0f00)).toBe(ALLOW);
    for (const flag of [0x80, 0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000]) {
      expect(named('clone', flag | 17)).toBe(EPERM);
    }
    expect(named('clone3')).toBe(ENOSYS);
    expect(named('unshare', 0x10000000)).toBe(EPERM);
    expect(named('setns')).toBe(EPERM);
  });

  it('refuses to type into terminals, odd personalities and sockets past the network namespace', () => {
    expect(named('ioctl', 0, 0x5412)).toBe(EPERM);
    expect(named('ioctl', 0, 0x541c)).toBe(EPERM);
    expect(named('ioctl', 0, 0x5401)).toBe(ALLOW);
    expect(named('personality', 0x0040000)).toBe(EPERM);
    expect(named('personality', 0xffffffff)).toBe(ALLOW);
    for (const family of [1, 2, 10]) expect(named('socket', family)).toBe(ALLOW);
    for (const family of [0, 16, 17, 38, 40, 44]) expect(named('socket', family)).toBe(EAFNOSUPPORT);
  });
});

it('kills calls of the x32 ABI, which look like x86_64', () => {
  const filter = seccompFilter('x86_64');
  expect(interpret(filter, { architecture: AUDIT.x86_64, number: 0x40000000 + 520 })).toBe(KILL);
});

it('a jump that does not fit is a bug, not a filter with a hole', () => {
  expect(() => assemble([ifEqual(1, 256, 0)])).toThrow(/255/);
});
