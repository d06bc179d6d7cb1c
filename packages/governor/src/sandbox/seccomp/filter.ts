import {
  ARCHITECTURE_OFFSET,
  answer,
  argumentOffset,
  assemble,
  type Instruction,
  ifAnyBit,
  ifAtLeast,
  ifEqual,
  ifGreater,
  loadWord,
  NUMBER_OFFSET,
} from './assembler.ts';
import { FORBIDDEN_IOCTLS, NEW_NAMESPACE, PERSONALITIES, SOCKET_FAMILIES } from './conditions.ts';
import {
  ALLOWED_CALLS,
  type Architecture,
  CONDITIONAL_CALLS,
  callNumbers,
  DENIED_CALLS,
} from './system-calls.ts';

const ALLOW = answer(0x7fff0000);
const KILL_PROCESS = answer(0x80000000);
const EPERM = answer(0x00050000 | 1);
const ENOSYS = answer(0x00050000 | 38);
const EAFNOSUPPORT = answer(0x00050000 | 97);

/** AUDIT_ARCH_X86_64 and AUDIT_ARCH_AARCH64. */
const AUDIT_ARCHITECTURE: Record<Architecture, number> = { x86_64: 0xc000003e, aarch64: 0xc00000b7 };

/** Calls of the x32 ABI carry this bit and AUDIT_ARCH_X86_64: a filter without this check does not see them. */
const X32_BIT = 0x40000000;

function oneOf(values: readonly number[], then: Instruction, otherwise: Instruction): Instruction[] {
  return [...values.flatMap((value) => [ifEqual(value, 0, 1), then]), otherwise];
}

const CONDITIONS: Record<string, readonly Instruction[]> = {
  clone: [loadWord(argumentOffset(0)), ifAnyBit(NEW_NAMESPACE, 0, 1), EPERM, ALLOW],
  // Its flags are behind a pointer, where no filter can look: without it the C library takes clone.
  clone3: [ENOSYS],
  // The kernel takes the low 32 bits of the request, so that is what is compared.
  ioctl: [loadWord(argumentOffset(1)), ...oneOf(FORBIDDEN_IOCTLS, EPERM, ALLOW)],
  personality: [loadWord(argumentOffset(0)), ...oneOf(PERSONALITIES, ALLOW, EPERM)],
  socket: [loadWord(argumentOffset(0)), ...oneOf(SOCKET_FAMILIES, ALLOW, EAFNOSUPPORT)],
};

/** Answers for all calls in `numbers`, which become a few runs of consecutive ones. */
function ranges(numbers: readonly number[], then: Instruction): Instruction[] {
  const sorted = [...numbers].sort((left, right) => left - right);
  const runs: { first: number; last: number }[] = [];
  for (const number of sorted) {
    const run = runs.at(-1);
    if (run !== undefined && number <= run.last + 1) run.last = number;
    else runs.push({ first: number, last: number });
  }
  return runs.flatMap(({ first, last }) => [ifAtLeast(first, 0, 2), ifGreater(last, 1, 0), then]);
}

function numbersOf(tables: Readonly<Record<string, string>>, architecture: Architecture): number[] {
  return Object.values(tables).flatMap((table) => [...callNumbers(table, architecture).values()]);
}

/** An allow list in the shape of the container runtimes' default profile, narrower where tests of code need less. */
function seccompInstructions(architecture: Architecture): Instruction[] {
  return [
    loadWord(ARCHITECTURE_OFFSET),
    ifEqual(AUDIT_ARCHITECTURE[architecture], 1, 0),
    KILL_PROCESS,
    loadWord(NUMBER_OFFSET),
    ...(architecture === 'x86_64' ? [ifAtLeast(X32_BIT, 0, 1), KILL_PROCESS] : []),
    ...[...callNumbers(CONDITIONAL_CALLS, architecture)].flatMap(([name, number]) => {
      const condition = CONDITIONS[name];
      if (condition === undefined) throw new RangeError(`a condition was expected for \`${name}\``);
      return [ifEqual(number, 0, condition.length), ...condition];
    }),
    ...ranges(numbersOf(ALLOWED_CALLS, architecture), ALLOW),
    ...ranges(numbersOf(DENIED_CALLS, architecture), EPERM),
    ENOSYS,
  ];
}

export function seccompFilter(architecture: Architecture): Uint8Array {
  return assemble(seccompInstructions(architecture));
}

/** Of this process; undefined where there is no filter for it, and so no sandbox. */
export function architectureOf(nodeArchitecture: string): Architecture | undefined {
  if (nodeArchitecture === 'x64') return 'x86_64';
  if (nodeArchitecture === 'arm64') return 'aarch64';
  return undefined;
}
