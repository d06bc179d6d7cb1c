/**
 * The few instructions of classic BPF that a seccomp filter needs (linux/filter.h, linux/seccomp.h). A filter runs before each
 * system call over `struct seccomp_data { int nr; __u32 arch; __u64 instruction_pointer; __u64 args[6]; }`.
 */
export interface Instruction {
  readonly code: number;
  /** How many instructions to skip where a comparison holds, and where it does not. */
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

const LOAD_WORD = 0x20;
const JUMP_IF_EQUAL = 0x15;
const JUMP_IF_GREATER = 0x25;
const JUMP_IF_AT_LEAST = 0x35;
const JUMP_IF_ANY_BIT = 0x45;
const RETURN = 0x06;

export const NUMBER_OFFSET = 0;
export const ARCHITECTURE_OFFSET = 4;

/** Of the low 32 bits; both architectures are little-endian. */
export function argumentOffset(index: number): number {
  return 16 + 8 * index;
}

/** The kernel takes no longer filter (BPF_MAXINSNS). */
const MAX_INSTRUCTIONS = 4096;

export function loadWord(offset: number): Instruction {
  return { code: LOAD_WORD, jt: 0, jf: 0, k: offset };
}

export function ifEqual(k: number, then: number, otherwise: number): Instruction {
  return { code: JUMP_IF_EQUAL, jt: then, jf: otherwise, k };
}

export function ifGreater(k: number, then: number, otherwise: number): Instruction {
  return { code: JUMP_IF_GREATER, jt: then, jf: otherwise, k };
}

export function ifAtLeast(k: number, then: number, otherwise: number): Instruction {
  return { code: JUMP_IF_AT_LEAST, jt: then, jf: otherwise, k };
}

export function ifAnyBit(k: number, then: number, otherwise: number): Instruction {
  return { code: JUMP_IF_ANY_BIT, jt: then, jf: otherwise, k };
}

export function answer(k: number): Instruction {
  return { code: RETURN, jt: 0, jf: 0, k };
}

/** An array of `struct sock_filter`, as `bwrap --seccomp` reads it. */
export function assemble(instructions: readonly Instruction[]): Uint8Array {
  if (instructions.length > MAX_INSTRUCTIONS) {
    throw new RangeError(
      `a filter of at most ${MAX_INSTRUCTIONS} instructions was expected, not ${instructions.length}`,
    );
  }
  const bytes = new Uint8Array(instructions.length * 8);
  const view = new DataView(bytes.buffer);
  instructions.forEach(({ code, jt, jf, k }, index) => {
    // A jump is one byte: a longer one would wrap around and skip checks silently.
    if (jt > 255 || jf > 255) throw new RangeError(`a jump of at most 255 was expected at ${index}`);
    view.setUint16(index * 8, code, true);
    view.setUint8(index * 8 + 2, jt);
    view.setUint8(index * 8 + 3, jf);
    view.setUint32(index * 8 + 4, k, true);
  });
  return bytes;
}
