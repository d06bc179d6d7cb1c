import { WAIT_FOR_COMMAND, wordsOf } from '../inside.ts';
import { resourceLimits } from '../limits.ts';
import { rootFiles } from '../root-files.ts';
import type { SandboxRun } from '../sandbox.ts';
import type { SystemFolder } from '../system-folders.ts';
import { bubblewrapArguments, INSIDE_ID } from './arguments.ts';
import { FIRST_FEED, type Launch, STATUS_DESCRIPTOR } from './start.ts';

/** Enters each group, then becomes what follows: from here on everything is counted. Texts come as arguments, never as script. */
const ENTER_GROUPS = 'while [ "$1" != -- ]; do echo 0 > "$1" || exit 125; shift; done; shift; exec "$@"';

export interface LaunchInput {
  readonly bubblewrap: string;
  readonly run: SandboxRun;
  readonly command: string | readonly string[];
  readonly systemFolders: readonly SystemFolder[];
  readonly masked: readonly string[];
  readonly seccomp: Uint8Array;
  /** Files to enter the groups by. */
  readonly entrances: readonly string[];
  /** Only root can become somebody else: who owns the workspace and nothing besides. Undefined: it stays who it is. */
  readonly user: number | undefined;
}

function becomeUser(user: number): string[] {
  return ['setpriv', '--reuid', String(user), '--regid', String(user), '--clear-groups', '--'];
}

export function launch({
  bubblewrap,
  run,
  command,
  systemFolders,
  masked,
  seccomp,
  entrances,
  user,
}: LaunchInput): Launch {
  const files = rootFiles(INSIDE_ID).map((file, index) => ({ ...file, descriptor: FIRST_FEED + 1 + index }));
  return {
    program: '/bin/sh',
    argv: [
      ...['-c', ENTER_GROUPS, 'sandbox', ...entrances, '--'],
      ...(user === undefined ? [] : becomeUser(user)),
      bubblewrap,
      ...bubblewrapArguments({
        folder: run.folder,
        systemFolders,
        masked,
        readOnly: run.readOnly,
        limits: run.limits,
        environment: run.environment,
        statusDescriptor: STATUS_DESCRIPTOR,
        seccompDescriptor: FIRST_FEED,
        files,
      }),
      ...[
        'prlimit',
        ...resourceLimits(run.limits, entrances.length > 0),
        '--',
        '/bin/sh',
        '-c',
        WAIT_FOR_COMMAND,
        'sh',
        ...wordsOf(command),
      ],
    ],
    feeds: [seccomp, ...files.map(({ text }) => Buffer.from(text))],
  };
}
