import type { SandboxLimits, SandboxRun } from './sandbox.ts';

/** What commands see and may take is the same in every engine. */
const SHARED_MEMORY_BYTES = 64 * 1024 * 1024;

export interface MemoryFiles {
  readonly temporaryBytes: number;
  readonly sharedBytes: number;
}

/** /tmp and /dev/shm are memory, so they can be no larger than what the run may use. */
export function memoryFiles({
  memoryBytes,
  diskBytes,
}: Pick<SandboxLimits, 'memoryBytes' | 'diskBytes'>): MemoryFiles {
  const temporaryBytes = Math.max(4096, Math.min(diskBytes, Math.floor(memoryBytes / 2)));
  return { temporaryBytes, sharedBytes: Math.min(SHARED_MEMORY_BYTES, temporaryBytes) };
}

export function environmentInside(given: SandboxRun['environment']): readonly (readonly [string, string])[] {
  return Object.entries({
    ...given,
    PATH: '/usr/local/bin:/usr/bin:/bin',
    HOME: '/tmp',
    LANG: 'C.UTF-8',
    TZ: 'UTC',
  });
}

/**
 * The first process of the pid namespace: it waits, so that the command is not that process itself, for which the kernel ignores
 * most signals and `abort` would not work. Programs that are not there get the shell's own codes, 126 and 127.
 */
export const WAIT_FOR_COMMAND = '"$@"; exit "$?"';

export function wordsOf(command: string | readonly string[]): readonly string[] {
  return typeof command === 'string' ? ['/bin/sh', '-c', command] : command;
}
