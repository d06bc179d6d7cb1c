import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { GovernorError } from '../errors.ts';
import { diagnose } from './bubblewrap/diagnosis.ts';
import { launch } from './bubblewrap/launch.ts';
import { systemFolders } from './bubblewrap/system-folders.ts';
import { type Cgroup, makeCgroup } from './cgroups/cgroup.ts';
import { type FoundCgroups, findCgroups } from './cgroups/find-cgroups.ts';
import { checkRun } from './check-run.ts';
import { checkFolder, checkPassable, handOver } from './folder.ts';
import { checkReadOnly } from './read-only-paths.ts';
import type { Sandbox, SandboxAbility, SandboxResult, SandboxRun } from './sandbox.ts';
import { architectureOf, seccompFilter } from './seccomp/filter.ts';
import { type Supervised, supervise } from './supervise.ts';
import { makeWorkspace } from './workspace.ts';

export interface SandboxOptions {
  /** Milliseconds of a clock that only goes up. */
  now(): number;
  /** Where workspaces are made, by `makeWorkspace`; as root each folder above must let any user pass, as /tmp does. */
  readonly workspaces: string;
  /** Never shown to commands, as `readOnly` or below or above it: the governed tree, the data folder. */
  readonly hidden: readonly string[];
  /** Program; absent: `bwrap` of the PATH. */
  readonly bubblewrap?: string;
  /** A cgroup v2 folder that was delegated to the governor; absent: its own, version 2 or 1. `false`: no cgroups. */
  readonly cgroup?: string | false;
}

/**
 * Users that nobody is: systemd takes such numbers for services that come and go. One a run, so that what the kernel counts per
 * user is counted per run, and no run can touch another's files.
 */
const FIRST_USER = 61_500;
const USERS = 3_500;

const TRIAL_LIMITS = {
  timeoutMs: 10_000,
  memoryBytes: 64 * 1024 * 1024,
  pids: 8,
  cpus: 1,
  fileBytes: 1024 * 1024,
  diskBytes: 1024 * 1024,
  outputBytes: 64 * 1024,
};

interface Found {
  readonly ability: SandboxAbility;
  readonly cgroups: FoundCgroups;
}

export function createSandbox(options: SandboxOptions): Sandbox {
  const program = options.bubblewrap ?? 'bwrap';
  let serial = 0;
  let found: Promise<Found> | undefined;

  async function enter(
    run: SandboxRun,
    cgroups: FoundCgroups,
  ): Promise<Supervised & { outOfMemory: boolean }> {
    const architecture = architectureOf(process.arch);
    if (architecture === undefined) {
      throw new GovernorError(
        'SANDBOX_UNAVAILABLE',
        `there is no seccomp filter for \`${process.arch}\`: use x64 or arm64`,
      );
    }
    serial++;
    const user = process.getuid?.() === 0 ? FIRST_USER + ((process.pid + serial) % USERS) : undefined;
    await checkFolder(run.folder, options.hidden);
    if (user !== undefined) {
      await checkPassable(run.folder);
      await handOver(run.folder, user);
    }
    const folders = await systemFolders();
    const group: Cgroup | undefined =
      cgroups.kind === 'found' ? await makeCgroup(cgroups.cgroups, run.limits, serial) : undefined;
    try {
      const starts = run.commands.map((command) =>
        launch({
          bubblewrap: program,
          run,
          command,
          systemFolders: folders,
          seccomp: seccompFilter(architecture),
          entrances: group?.entrances ?? [],
          ...(user === undefined ? {} : { user }),
        }),
      );
      const supervised = await supervise(run, starts);
      return { ...supervised, outOfMemory: (await group?.outOfMemory()) ?? false };
    } finally {
      await group?.remove();
    }
  }

  async function find(): Promise<Found> {
    const engine = await version(program);
    const cgroups: FoundCgroups =
      options.cgroup === false
        ? { kind: 'missing', why: 'cgroups are switched off by configuration' }
        : await findCgroups(options.cgroup);
    const none = (why: string): Found => ({ ability: { tier: 'none', engine, missing: [why] }, cgroups });
    if (engine === 'none')
      return none('bubblewrap cannot be run: install the package bubblewrap, 0.8 or newer');
    const workspace = await makeWorkspace(options.workspaces);
    try {
      const run = { folder: workspace.folder, commands: [['/bin/true']], limits: TRIAL_LIMITS, readOnly: [] };
      const tried = await enter(run, cgroups);
      if (!tried.begun) return none(diagnose(tried.stderr.text()));
      if (tried.rc !== 0) return none(`/bin/true ended with ${tried.rc} (${tried.end}) in the sandbox`);
    } catch (error) {
      return none((error as Error).message);
    } finally {
      await workspace.remove();
    }
    if (cgroups.kind === 'missing')
      return { ability: { tier: 'rlimits', engine, missing: [cgroups.why] }, cgroups };
    return { ability: { tier: 'cgroups', engine, missing: [] }, cgroups };
  }

  const once = (): Promise<Found> => {
    found ??= find();
    return found;
  };

  return {
    ability: async () => (await once()).ability,
    run: async (run): Promise<SandboxResult> => {
      checkRun(run);
      const { ability, cgroups } = await once();
      if (ability.tier === 'none') {
        throw new GovernorError('SANDBOX_UNAVAILABLE', `tests cannot be run: ${ability.missing.join('; ')}`);
      }
      await checkReadOnly(run.readOnly, options.hidden);
      const started = options.now();
      const ended = await enter(run, cgroups).catch(couldNotStart);
      if (!ended.begun) {
        throw new GovernorError(
          'SANDBOX_UNAVAILABLE',
          `the sandbox could not be set up: ${diagnose(ended.stderr.text())}`,
        );
      }
      return {
        rc: ended.rc,
        stdout: ended.stdout.text(),
        stderr: ended.stderr.text(),
        duration_ms: Math.round(options.now() - started),
        timed_out: ended.end === 'timed-out',
        end: ended.end === 'exited' && ended.rc !== 0 && ended.outOfMemory ? 'memory-limit' : ended.end,
        commands: ended.commands,
        stdout_bytes: ended.stdout.bytes,
        stderr_bytes: ended.stderr.bytes,
        tier: ability.tier,
        engine: ability.engine,
      };
    },
  };
}

function couldNotStart(cause: unknown): never {
  if (cause instanceof GovernorError) throw cause;
  const { code } = cause as NodeJS.ErrnoException;
  throw new GovernorError('SANDBOX_UNAVAILABLE', `the sandbox could not be started (${code ?? 'unknown'})`, {
    cause,
  });
}

async function version(program: string): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(program, ['--version'], { timeout: 5_000 });
    return stdout.trim().slice(0, 64);
  } catch {
    return 'none';
  }
}
