/**
 * How well a sandbox holds what runs in it, from weak to full. `none`: it cannot be had at all. `rlimits`: namespaces and
 * seccomp, with limits per process and user. `cgroups`: limits on all of it together as well.
 */
export type SandboxTier = 'none' | 'rlimits' | 'cgroups';

export const SANDBOX_TIERS: readonly SandboxTier[] = ['none', 'rlimits', 'cgroups'];

export interface SandboxLimits {
  /** For all commands together. */
  readonly timeoutMs: number;
  readonly memoryBytes: number;
  /** Processes and threads of the commands. */
  readonly pids: number;
  /** Of one second of the machine; needs a cgroup. */
  readonly cpus: number;
  /** Of one file. */
  readonly fileBytes: number;
  /** Of the folder as a whole, what was in it before included; looked at several times a second. */
  readonly diskBytes: number;
  /** Of both streams together. More ends the run. */
  readonly outputBytes: number;
}

export interface SandboxRun {
  /** A folder of the governor's own, which the commands see as `/workspace` and may write. */
  readonly folder: string;
  /** Each for `/bin/sh -c`, or one program with its arguments. One after the other until one fails. */
  readonly commands: readonly (string | readonly string[])[];
  readonly limits: SandboxLimits;
  readonly readOnly: readonly string[];
  /** Set beside PATH, HOME, LANG and TZ; nothing of the governor's own environment is passed on. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** Copied to the caller as it comes, up to the limit; absent: only kept. */
  onOutput?(stream: 'stdout' | 'stderr', chunk: Uint8Array): void;
}

/** Why a run ended other than by its own exit. `memory-limit` is told apart from an exit with 137 only in a cgroup. */
export type SandboxEnd = 'exited' | 'timed-out' | 'output-limit' | 'disk-limit' | 'memory-limit' | 'killed';

/** The first five members are the original's. */
export interface SandboxResult {
  /** Of the last command; 124 on time-out, 128 + n for signal n. */
  readonly rc: number;
  /** The first and last parts, at most 64 KiB each, as UTF-8 with replacement characters. */
  readonly stdout: string;
  readonly stderr: string;
  readonly duration_ms: number;
  readonly timed_out: boolean;
  readonly end: SandboxEnd;
  /** How many of the commands were begun. */
  readonly commands: number;
  readonly stdout_bytes: number;
  readonly stderr_bytes: number;
  readonly tier: SandboxTier;
  /** `bubblewrap 0.8.0`, `podman 4.3.1`. */
  readonly engine: string;
}

export interface SandboxAbility {
  readonly tier: SandboxTier;
  readonly engine: string;
  /** Why the tier is not a higher one, for people: what is missing and how to get it. */
  readonly missing: readonly string[];
}

/** Runs what is not trusted. Never falls back to running it unsandboxed. */
export interface Sandbox {
  /** Found out by trying, once. */
  ability(): Promise<SandboxAbility>;
  /** Resolves when nothing of it runs any more. Throws SANDBOX_UNAVAILABLE where it could not be started. */
  run(run: SandboxRun): Promise<SandboxResult>;
}
