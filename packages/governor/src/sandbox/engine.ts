import type { ConfinedStart } from './confined-process.ts';
import type { SandboxRun } from './sandbox.ts';
import type { Architecture } from './seccomp/system-calls.ts';
import type { SystemFolder } from './system-folders.ts';

export interface EngineRun {
  readonly run: SandboxRun;
  readonly systemFolders: readonly SystemFolder[];
  /** Folders of the host below those, of which nothing is to be seen. */
  readonly masked: readonly string[];
  readonly architecture: Architecture;
  /** Files of groups: whoever's pid is written into each is bounded by them, with all that it starts from then on. */
  readonly entrances: readonly string[];
  /** Who the commands are outside; absent: whoever the governor is. */
  readonly user: number | undefined;
}

export interface PreparedRun {
  /** One for each command, each begun when the one before has ended. */
  readonly starts: readonly ConfinedStart[];
  /** Takes away what was made for the run; nothing of it runs any more. */
  close(): Promise<void>;
}

/** What sets up the sandbox of a command. Every engine shows the same root and applies the same filter and limits. */
export interface SandboxEngine {
  /** Program and version, or why it cannot be used here. */
  version(): Promise<{ readonly name: string } | { readonly missing: string }>;
  prepare(run: EngineRun): Promise<PreparedRun>;
  /** `said` was written to stderr before any command had begun. */
  diagnose(said: string): string;
}
