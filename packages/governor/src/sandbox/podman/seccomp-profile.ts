import { FORBIDDEN_IOCTLS, NEW_NAMESPACE, PERSONALITIES, SOCKET_FAMILIES } from '../seccomp/conditions.ts';
import {
  ALLOWED_CALLS,
  type Architecture,
  CONDITIONAL_CALLS,
  callNumbers,
  DENIED_CALLS,
} from '../seccomp/system-calls.ts';

interface Comparison {
  readonly index: number;
  readonly value: number;
  readonly valueTwo?: number;
  readonly op: 'SCMP_CMP_EQ' | 'SCMP_CMP_GT' | 'SCMP_CMP_MASKED_EQ';
}

interface Rule {
  readonly names: readonly string[];
  readonly action: 'SCMP_ACT_ALLOW' | 'SCMP_ACT_ERRNO';
  readonly errnoRet?: number;
  readonly args?: readonly Comparison[];
}

const EPERM = 1;
const ENOSYS = 38;
const EAFNOSUPPORT = 97;
const LOW_WORD = 0xffffffff;

const allow = (names: readonly string[], arg?: Comparison): Rule => ({
  names,
  action: 'SCMP_ACT_ALLOW',
  ...(arg === undefined ? {} : { args: [arg] }),
});

const refuse = (names: readonly string[], errnoRet: number, arg?: Comparison): Rule => ({
  names,
  action: 'SCMP_ACT_ERRNO',
  errnoRet,
  ...(arg === undefined ? {} : { args: [arg] }),
});

const equal = (index: number, value: number): Comparison => ({ index, value, op: 'SCMP_CMP_EQ' });
const masked = (index: number, mask: number, value: number): Comparison => ({
  index,
  value: mask,
  valueTwo: value,
  op: 'SCMP_CMP_MASKED_EQ',
});

const bitsOf = (word: number): readonly number[] =>
  Array.from({ length: 32 }, (_, bit) => (1 << bit) >>> 0).filter((bit) => (word & bit) !== 0);

/**
 * All words but some few, as comparisons of which one must hold. A profile can say "not this value" only of all 64 bits, and the
 * kernel looks at the low 32: with a high bit set the forbidden value would pass.
 */
export function lowWordIsNone(index: number, forbidden: readonly number[]): readonly Comparison[] {
  const [first = 0] = forbidden;
  const differing = forbidden.reduce((bits, word) => bits | (word ^ first), 0);
  const others: Comparison[] = bitsOf(~differing).map((bit) => masked(index, bit, (~first & bit) >>> 0));
  const taken = forbidden.map((word) => word & differing);
  // All subsets of the bits in which the forbidden words differ, from all of them down to none.
  for (let pattern = differing; differing !== 0; pattern = (pattern - 1) & differing) {
    if (!taken.includes(pattern)) others.push(masked(index, differing >>> 0, pattern >>> 0));
    if (pattern === 0) break;
  }
  return others;
}

const CONDITIONS: Readonly<Record<string, readonly Rule[]>> = {
  clone: [
    allow(['clone'], masked(0, NEW_NAMESPACE, 0)),
    ...bitsOf(NEW_NAMESPACE).map((bit) => refuse(['clone'], EPERM, masked(0, bit, bit))),
  ],
  clone3: [refuse(['clone3'], ENOSYS)],
  ioctl: [
    ...lowWordIsNone(1, FORBIDDEN_IOCTLS).map((arg) => allow(['ioctl'], arg)),
    ...FORBIDDEN_IOCTLS.map((request) => refuse(['ioctl'], EPERM, masked(1, LOW_WORD, request))),
  ],
  personality: PERSONALITIES.map((value) => allow(['personality'], equal(0, value))),
  socket: [
    ...SOCKET_FAMILIES.map((family) => allow(['socket'], equal(0, family))),
    ...Array.from({ length: Math.max(...SOCKET_FAMILIES) }, (_, family) => family)
      .filter((family) => !SOCKET_FAMILIES.includes(family))
      .map((family) => refuse(['socket'], EAFNOSUPPORT, equal(0, family))),
    refuse(['socket'], EAFNOSUPPORT, {
      index: 0,
      value: Math.max(...SOCKET_FAMILIES),
      op: 'SCMP_CMP_GT',
    }),
  ],
};

function namesOf(tables: Readonly<Record<string, string>>, architecture: Architecture): string[] {
  return Object.values(tables).flatMap((table) => [...callNumbers(table, architecture).keys()]);
}

/** What `seccomp/filter.ts` says in instructions, in the words of container runtimes. Calls of other architectures kill. */
export function seccompProfile(architecture: Architecture): object {
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: ENOSYS,
    architectures: [architecture === 'x86_64' ? 'SCMP_ARCH_X86_64' : 'SCMP_ARCH_AARCH64'],
    syscalls: [
      ...[...callNumbers(CONDITIONAL_CALLS, architecture).keys()].flatMap((name) => {
        const rules = CONDITIONS[name];
        if (rules === undefined) throw new RangeError(`a condition was expected for \`${name}\``);
        return rules;
      }),
      allow(namesOf(ALLOWED_CALLS, architecture)),
      refuse(namesOf(DENIED_CALLS, architecture), EPERM),
    ],
  };
}
