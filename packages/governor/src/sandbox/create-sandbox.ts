import { GovernorError } from '../errors.ts';
import { bubblewrapEngine } from './bubblewrap/bubblewrap.ts';
import { type Cgroup, makeCgroup } from './cgroups/cgroup.ts';
import { type FoundCgroups, findCgroups } from './cgroups/find-cgroups.ts';
import { checkRun } from './check-run.ts';
import type { SandboxEngine } from './engine.ts';
import { checkFolder, checkPassable, handOver } from './folder.ts';
import { podmanEngine } from './podman/podman.ts';
import { checkReadOnly, maskedBelow } from './read-only-paths.ts';
import type { Sandbox, SandboxAbility, SandboxResult, SandboxRun } from './sandbox.ts';
import { architectureOf } from './seccomp/filter.ts';
import { type Supervised, supervise } from './supervise.ts';
import { systemFolders } from './system-folders.ts';
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
  /** Program that is tried where bubblewrap does not work; absent: `podman` of the PATH. */
  readonly podman?: string;
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
  // What others write to the same disk meanwhile counts; the trial itself writes nothing.
  diskBytes: 2 ** 32,
  outputBytes: 64 * 1024,
};

interface Found {
  readonly ability: SandboxAbility;
  readonly cgroups: FoundCgroups;
  readonly engine: SandboxEngine;
}

export function createSandbox(options: SandboxOptions): Sandbox {
  const bubblewrap = bubblewrapEngine(options.bubblewrap ?? 'bwrap');
  const podman = podmanEngine({ program: options.podman ?? 'podman', folders: options.workspaces });
  let serial = 0;
  let found: Promise<Found> | undefined;

  async function enter(
    engine: SandboxEngine,
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
    // Runs overlap, and each awaits before it uses this.
    const number = ++serial;
    const user = process.getuid?.() === 0 ? FIRST_USER + ((process.pid + number) % USERS) : undefined;
    await checkFolder(run.folder, options.hidden);
    if (user !== undefined) {
      await checkPassable(run.folder);
      await handOver(run.folder, user);
    }
    const folders = await systemFolders();
    const masked = await maskedBelow(['/usr', ...folders.map(({ path }) => path)], options.hidden);
    const group: Cgroup | undefined =
      cgroups.kind === 'found' ? await makeCgroup(cgroups.cgroups, run.limits, number) : undefined;
    try {
      const entrances = group?.entrances ?? [];
      const prepared = await engine.prepare({
        run,
        systemFolders: folders,
        masked,
        architecture,
        entrances,
        user,
      });
      try {
        const supervised = await supervise(run, prepared.starts);
        return { ...supervised, outOfMemory: (await group?.outOfMemory()) ?? false };
      } finally {
        await prepared.close();
      }
    } finally {
      await group?.remove();
    }
  }

  /** Why an engine does not work here; undefined where it does. */
  async function refusal(engine: SandboxEngine, cgroups: FoundCgroups): Promise<string | undefined> {
    const workspace = await makeWorkspace(options.workspaces);
    try {
      const run = { folder: workspace.folder, commands: [['/bin/true']], limits: TRIAL_LIMITS, readOnly: [] };
      const tried = await enter(engine, run, cgroups);
      if (!tried.begun) return engine.diagnose(tried.stderr.text());
      return tried.rc === 0 ? undefined : `/bin/true ended with ${tried.rc} (${tried.end}) in the sandbox`;
    } catch (error) {
      return (error as Error).message;
    } finally {
      await workspace.remove();
    }
  }

  async function find(): Promise<Found> {
    const cgroups: FoundCgroups =
      options.cgroup === false
        ? { kind: 'missing', why: 'cgroups are switched off by configuration' }
        : await findCgroups(options.cgroup);
    const missing: string[] = [];
    let installed = 'none';
    for (const engine of [bubblewrap, podman]) {
      const version = await engine.version();
      const why = 'missing' in version ? version.missing : await refusal(engine, cgroups);
      if ('name' in version && why === undefined) {
        const tier = cgroups.kind === 'found' ? 'cgroups' : 'rlimits';
        const lacks = cgroups.kind === 'found' ? [] : [cgroups.why];
        return { ability: { tier, engine: version.name, missing: lacks }, cgroups, engine };
      }
      if ('name' in version && installed === 'none') installed = version.name;
      if (why !== undefined) missing.push(why);
    }
    return { ability: { tier: 'none', engine: installed, missing }, cgroups, engine: bubblewrap };
  }

  const once = (): Promise<Found> => {
    found ??= find();
    return found;
  };

  return {
    ability: async () => (await once()).ability,
    run: async (run): Promise<SandboxResult> => {
      checkRun(run);
      const { ability, cgroups, engine } = await once();
      if (ability.tier === 'none') {
        throw new GovernorError('SANDBOX_UNAVAILABLE', `tests cannot be run: ${ability.missing.join('; ')}`);
      }
      await checkReadOnly(run.readOnly, options.hidden);
      const started = options.now();
      const ended = await enter(engine, run, cgroups).catch(couldNotStart);
      if (!ended.begun) {
        throw new GovernorError(
          'SANDBOX_UNAVAILABLE',
          `the sandbox could not be set up: ${engine.diagnose(ended.stderr.text())}`,
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
