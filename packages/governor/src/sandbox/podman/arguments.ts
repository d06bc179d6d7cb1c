import { GovernorError } from '../../errors.ts';
import { environmentInside, memoryFiles, WAIT_FOR_COMMAND, wordsOf } from '../inside.ts';
import { resourceLimits } from '../limits.ts';
import type { SandboxRun } from '../sandbox.ts';

export interface PodmanInput {
  readonly run: SandboxRun;
  readonly command: string | readonly string[];
  readonly name: string;
  readonly pidFile: string;
  readonly monitorFile: string;
  readonly root: string;
  readonly profile: string;
  /** Shown at the paths that they have on the host. */
  readonly shown: readonly string[];
  readonly user: number;
  readonly inCgroup: boolean;
}

/** Ends a container whose governor is no more; as long as there is one, its own time-out comes first. */
const SECONDS_AFTER_TIMEOUT = 2;

/** Whoever opened the gate and went without a word did not put this process into its groups: then nothing begins. */
const WAIT_AT_GATE = `read -r _ < /gate || exit 125; ${WAIT_FOR_COMMAND}`;

function volume(source: string, target: string, access: 'ro' | 'rw'): string[] {
  if (source.includes(':')) {
    throw new GovernorError(
      'SANDBOX_UNAVAILABLE',
      `podman cannot show \`${source}\`: its name holds a colon`,
    );
  }
  // Not `rbind`: what is mounted below it would stay writable.
  return ['--volume', `${source}:${target}:${access},bind,private,nosuid,nodev`];
}

function temporary(path: string, bytes: number): string[] {
  return ['--tmpfs', `${path}:rw,exec,nosuid,nodev,notmpcopyup,mode=1777,size=${bytes}`];
}

/** What comes after podman's common arguments. */
export function podmanArguments(input: PodmanInput): readonly string[] {
  const { run, user } = input;
  const { temporaryBytes, sharedBytes } = memoryFiles(run.limits);
  const lasts = Math.ceil(run.limits.timeoutMs / 1000) + SECONDS_AFTER_TIMEOUT;
  return [
    ...[
      'run',
      '--rm',
      '--name',
      input.name,
      '--pidfile',
      input.pidFile,
      '--conmon-pidfile',
      input.monitorFile,
      '--timeout',
      String(lasts),
    ],
    ...[
      '--network',
      'none',
      '--ipc',
      'none',
      '--pid',
      'private',
      '--uts',
      'private',
      '--cgroupns',
      'private',
    ],
    ...['--cap-drop', 'ALL', '--security-opt', 'no-new-privileges', '--user', `${user}:${user}`],
    ...['--security-opt', `seccomp=${input.profile}`, '--security-opt', 'mask=/sys'],
    // The descriptors themselves, as to any child: kept in no log of podman's, and bounded by who reads them.
    ...['--log-driver', 'passthrough', '--systemd', 'false', '--sdnotify', 'ignore', '--pull', 'never'],
    ...['--hostname', 'sandbox', '--no-hosts', '--passwd=false', '--http-proxy=false'],
    // Podman's own are higher than what a machine may allow; `prlimit` inside sets those of the run.
    ...['--ulimit', 'nofile=1024:1024', '--ulimit', `nproc=${run.limits.pids + 1}:${run.limits.pids + 1}`],
    ...['--read-only', '--read-only-tmpfs=false'],
    ...temporary('/tmp', temporaryBytes),
    ...temporary('/dev/shm', sharedBytes),
    ...[...input.shown, ...run.readOnly].flatMap((path) => volume(path, path, 'ro')),
    ...volume(run.folder, '/workspace', 'rw'),
    ...['--workdir', '/workspace', '--rootfs', input.root],
    // No variable of podman's own, such as `container`.
    ...[
      '/usr/bin/env',
      '-i',
      ...environmentInside(run.environment).map(([name, value]) => `${name}=${value}`),
    ],
    ...['prlimit', ...resourceLimits(run.limits, input.inCgroup), '--'],
    ...['/bin/sh', '-c', WAIT_AT_GATE, 'sh', ...wordsOf(input.command)],
  ];
}
