import { FIRST_FEED, STATUS_DESCRIPTOR } from '../confined-process.ts';
import { resourceLimits } from '../limits.ts';
import type { SandboxRun } from '../sandbox.ts';
import { bubblewrapArguments, type SystemFolder } from './arguments.ts';
import { ROOT_FILES } from './root-files.ts';

/** Enters each group, then becomes what follows: from here on everything is counted. Texts come as arguments, never as script. */
const ENTER_GROUPS = 'while [ "$1" != -- ]; do echo 0 > "$1" || exit 125; shift; done; shift; exec "$@"';

/**
 * The first process of the pid namespace: it waits, so that the command is not that process itself, for which the kernel ignores
 * most signals and `abort` would not work. Programs that are not there get the shell's own codes, 126 and 127.
 */
const WAIT_FOR_COMMAND = '"$@"; exit "$?"';

export interface Launch {
  readonly program: string;
  readonly argv: readonly string[];
  readonly feeds: readonly Uint8Array[];
}

export interface LaunchInput {
  readonly bubblewrap: string;
  readonly run: SandboxRun;
  readonly command: string | readonly string[];
  readonly systemFolders: readonly SystemFolder[];
  readonly seccomp: Uint8Array;
  /** Files to enter the groups by. */
  readonly entrances: readonly string[];
  /** Only root can become somebody else: who owns the workspace and nothing besides. Absent: it stays who it is. */
  readonly user?: number;
}

function becomeUser(user: number): string[] {
  return ['setpriv', '--reuid', String(user), '--regid', String(user), '--clear-groups', '--'];
}

export function launch({
  bubblewrap,
  run,
  command,
  systemFolders,
  seccomp,
  entrances,
  user,
}: LaunchInput): Launch {
  const inside = typeof command === 'string' ? ['/bin/sh', '-c', command] : command;
  return {
    program: '/bin/sh',
    argv: [
      ...['-c', ENTER_GROUPS, 'sandbox', ...entrances, '--'],
      ...(user === undefined ? [] : becomeUser(user)),
      bubblewrap,
      ...bubblewrapArguments({
        folder: run.folder,
        systemFolders,
        readOnly: run.readOnly,
        limits: run.limits,
        environment: run.environment ?? {},
        statusDescriptor: STATUS_DESCRIPTOR,
        seccompDescriptor: FIRST_FEED,
        fileDescriptors: ROOT_FILES.map((_, index) => FIRST_FEED + 1 + index),
      }),
      ...[
        'prlimit',
        ...resourceLimits(run.limits, entrances.length > 0),
        '--',
        '/bin/sh',
        '-c',
        WAIT_FOR_COMMAND,
        'sh',
        ...inside,
      ],
    ],
    feeds: [seccomp, ...ROOT_FILES.map(({ text }) => Buffer.from(text))],
  };
}
