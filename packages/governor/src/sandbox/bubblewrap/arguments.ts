import type { SandboxLimits } from '../sandbox.ts';
import { INSIDE_ID, ROOT_FILES } from './root-files.ts';

/** A top-level name of the host beside /usr: a link into it, or a folder of its own on older systems. */
export interface SystemFolder {
  readonly path: string;
  readonly linksTo: string | null;
}

export interface BubblewrapInput {
  readonly folder: string;
  readonly systemFolders: readonly SystemFolder[];
  readonly readOnly: readonly string[];
  readonly limits: Pick<SandboxLimits, 'memoryBytes' | 'diskBytes'>;
  readonly environment: Readonly<Record<string, string>>;
  readonly statusDescriptor: number;
  readonly seccompDescriptor: number;
  /** One for each of ROOT_FILES. */
  readonly fileDescriptors: readonly number[];
}

const SHARED_MEMORY_BYTES = 64 * 1024 * 1024;

/** Both are memory, so they can be no larger than what the run may use. */
function temporaryBytes({ memoryBytes, diskBytes }: BubblewrapInput['limits']): number {
  return Math.max(4096, Math.min(diskBytes, Math.floor(memoryBytes / 2)));
}

function namespaces(): string[] {
  return [
    '--unshare-all',
    // Only together do they keep the commands from making a user namespace of their own, and with it mounts and interfaces.
    '--unshare-user',
    '--disable-userns',
    '--uid',
    String(INSIDE_ID),
    '--gid',
    String(INSIDE_ID),
    '--hostname',
    'sandbox',
    '--cap-drop',
    'ALL',
    '--die-with-parent',
    // Without a session of its own a command could reach the terminal that the governor was started from.
    '--new-session',
    // The commands' shell is the first process of the namespace: when it ends, the kernel kills all the others.
    '--as-pid-1',
  ];
}

function fileSystem(input: BubblewrapInput): string[] {
  const temporary = String(temporaryBytes(input.limits));
  return [
    '--ro-bind',
    '/usr',
    '/usr',
    ...input.systemFolders.flatMap(({ path, linksTo }) =>
      linksTo === null ? ['--ro-bind', path, path] : ['--symlink', linksTo, path],
    ),
    '--proc',
    '/proc',
    '--dev',
    '/dev',
    ...[
      '--perms',
      '1777',
      '--size',
      String(Math.min(SHARED_MEMORY_BYTES, Number(temporary))),
      '--tmpfs',
      '/dev/shm',
    ],
    '--remount-ro',
    '/dev',
    ...['--perms', '1777', '--size', temporary, '--tmpfs', '/tmp'],
    ...['--perms', '0755', '--dir', '/etc'],
    ...['--ro-bind-try', '/etc/ld.so.cache', '/etc/ld.so.cache'],
    // Where Debian keeps which awk or editor is meant; names of programs, nothing else.
    ...['--ro-bind-try', '/etc/alternatives', '/etc/alternatives'],
    ...ROOT_FILES.flatMap(({ path }, index) => [
      '--perms',
      '0644',
      '--ro-bind-data',
      String(input.fileDescriptors[index]),
      path,
    ]),
    ...input.readOnly.flatMap((path) => ['--ro-bind', path, path]),
    '--bind',
    input.folder,
    '/workspace',
    // The root itself is memory without a bound: nothing may be written there.
    '--remount-ro',
    '/',
    '--chdir',
    '/workspace',
  ];
}

function environment(given: Readonly<Record<string, string>>): string[] {
  const all = { ...given, PATH: '/usr/local/bin:/usr/bin:/bin', HOME: '/tmp', LANG: 'C.UTF-8', TZ: 'UTC' };
  return ['--clearenv', ...Object.entries(all).flatMap(([name, value]) => ['--setenv', name, value])];
}

/** What comes after `bwrap`, up to and with `--`. */
export function bubblewrapArguments(input: BubblewrapInput): readonly string[] {
  return [
    ...namespaces(),
    ...fileSystem(input),
    ...environment(input.environment),
    '--seccomp',
    String(input.seccompDescriptor),
    '--json-status-fd',
    String(input.statusDescriptor),
    '--',
  ];
}
