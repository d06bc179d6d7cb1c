import { spawn } from 'node:child_process';
import { basename, join } from 'node:path';
import { GovernorError } from '../../errors.ts';
import type { EngineRun, SandboxEngine } from '../engine.ts';
import { programVersion } from '../program-version.ts';
import { podmanArguments } from './arguments.ts';
import { furtherFiles, makePlace, type PodmanPlace, removeLinks, removePlace } from './place.ts';
import { type PodmanStart, startPodman } from './start.ts';

export interface PodmanOptions {
  readonly program: string;
  /** Where its folders are made. */
  readonly folders: string;
}

const DIAGNOSIS_CHARACTERS = 300;

/**
 * For hosts that forbid user namespaces, or lack bubblewrap: run by root, podman needs none. No image and no daemon, and a store
 * of its own for each run. Not as another user: then it needs what bubblewrap needs, and more.
 */
export function podmanEngine({ program, folders }: PodmanOptions): SandboxEngine {
  return {
    version: async () => {
      const said = await programVersion(program);
      if (said === undefined) {
        return { missing: 'nor is there podman, which would do as well for a governor that root runs' };
      }
      if (process.getuid?.() !== 0)
        return { missing: 'podman is there, but is used only where root runs the governor' };
      await removeLinks();
      return { name: said.replace(' version ', ' ') };
    },
    prepare: async (input) => {
      requireNothingHidden(input.masked);
      const place = await makePlace(folders, input);
      try {
        const starts = await startsOf(program, place, input);
        const stopWatch = endWithGovernor(program, place);
        return {
          starts: starts.map((start) => (onOutput) => startPodman(start, onOutput)),
          close: async () => {
            stopWatch();
            await removePlace(place);
          },
        };
      } catch (error) {
        await removePlace(place);
        throw error;
      }
    },
    diagnose: (said) => {
      const line = said.trim().split('\n').at(-1) ?? '';
      return line === ''
        ? 'podman ended before it had set up the sandbox'
        : `podman: \`${line.slice(0, DIAGNOSIS_CHARACTERS)}\``;
    },
  };
}

/** Whole folders are shown here, and nothing can be taken out of them. */
function requireNothingHidden([first]: readonly string[]): void {
  if (first === undefined) return;
  throw new GovernorError(
    'SANDBOX_UNAVAILABLE',
    `podman shows \`${first}\` with the folder of the system that it lies in; move it, or install bubblewrap`,
  );
}

async function startsOf(
  program: string,
  { folder, common, environment, gate, root, profile, user }: PodmanPlace,
  { run, systemFolders, entrances }: EngineRun,
): Promise<readonly PodmanStart[]> {
  const folders = systemFolders.flatMap(({ path, linksTo }) => (linksTo === null ? [path] : []));
  const shown = ['/usr', ...folders, ...(await furtherFiles())];
  return run.commands.map((command, index) => {
    const name = `${basename(folder)}-${index}`;
    const pidFile = join(folder, `${index}.pid`);
    const monitorFile = join(folder, `${index}.monitor`);
    const inCgroup = entrances.length > 0;
    const argv = podmanArguments({
      run,
      command,
      name,
      pidFile,
      monitorFile,
      root,
      profile,
      shown,
      user,
      inCgroup,
    });
    const launcher = { program, argv: [...common, ...argv], environment };
    const killer = [...common, 'kill', '--signal', 'KILL', name];
    return { launcher, killer, gate, pidFile, monitorFile, entrances };
  });
}

/** Twice, since podman may be about to make one; it would wait at its gate. Whoever starts next may have taken the folder away. */
const AFTER_THE_GOVERNOR =
  'read -r _; folder=$1 link=$2; shift 2; ' +
  'for n in 1 2; do [ -e "$folder/containers.conf" ] || break; "$@"; sleep 0.3; done; ' +
  'rm -rf -- "$folder" "$link"';

/**
 * Containers are no children of the governor and would outlive it. The end of this process's input is the governor's end, also by
 * `kill -9`; where it is killed as well, groups are cleared at the next start and the container's own time-out remains.
 */
function endWithGovernor(program: string, { folder, link, common, environment }: PodmanPlace): () => void {
  const remove = [program, ...common, 'rm', '--force', '--all', '--time', '0'];
  const watch = spawn('/bin/sh', ['-c', AFTER_THE_GOVERNOR, 'sh', folder, link, ...remove], {
    env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', ...environment },
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  watch.on('error', () => {});
  watch.stdin.on('error', () => {});
  return () => watch.kill('SIGKILL');
}
