import type { SandboxLimits } from './sandbox.ts';

/** The shell that waits for the command. */
const OWN_PROCESSES = 1;

/**
 * Limits per process and user, for `prlimit` inside the namespaces, so that `nproc` counts nobody else's. Where no cgroup bounds
 * the memory of all, each process is bounded by RLIMIT_DATA (what it can write) and not by address space, of which V8 and the JVM
 * reserve far more than they use.
 */
export function resourceLimits(limits: SandboxLimits, inCgroup: boolean): readonly string[] {
  const seconds = Math.ceil((limits.timeoutMs / 1000) * Math.max(1, limits.cpus)) + 1;
  const values: readonly (readonly [string, number])[] = [
    ...(inCgroup ? [] : [['data', limits.memoryBytes] as const]),
    ['cpu', seconds],
    ['fsize', limits.fileBytes],
    ['nproc', limits.pids + OWN_PROCESSES],
    ['nofile', 1024],
    ['core', 0],
    ['msgqueue', 0],
    ['memlock', 64 * 1024],
    ['sigpending', 1024],
  ];
  return values.map(([name, value]) => `--${name}=${value}:${value}`);
}

/** What a sandbox is given is the policy's and the operator's: a number that limits nothing is refused, not corrected. */
export function checkLimits(limits: SandboxLimits): void {
  const whole = ['timeoutMs', 'memoryBytes', 'pids', 'fileBytes', 'diskBytes', 'outputBytes'] as const;
  for (const name of whole) {
    if (!Number.isSafeInteger(limits[name]) || limits[name] < 1) {
      throw new RangeError(`a whole number above 0 was expected as \`${name}\`, not ${limits[name]}`);
    }
  }
  if (!Number.isFinite(limits.cpus) || limits.cpus <= 0) {
    throw new RangeError(`a number above 0 was expected as \`cpus\`, not ${limits.cpus}`);
  }
  // setTimeout takes no longer one, and fires at once instead.
  if (limits.timeoutMs > 2 ** 31 - 1) throw new RangeError('a time-out of at most 24 days was expected');
}
