import { environmentInside, memoryFiles } from '../inside.ts';
import type { RootFile } from '../root-files.ts';
import type { SandboxLimits, SandboxRun } from '../sandbox.ts';
import type { SystemFolder } from '../system-folders.ts';

/** User and group of the commands inside; outside they are one that owns nothing but the workspace. */
export const INSIDE_ID = 1000;

export interface BubblewrapInput {
  readonly folder: string;
  readonly systemFolders: readonly SystemFolder[];
  readonly readOnly: readonly string[];
  /** Folders of the host below those that are shown, of which nothing is to be seen. */
  readonly masked: readonly string[];
  readonly limits: Pick<SandboxLimits, 'memoryBytes' | 'diskBytes'>;
  readonly environment: SandboxRun['environment'];
  readonly statusDescriptor: number;
  readonly seccompDescriptor: number;
  readonly files: readonly (RootFile & { readonly descriptor: number })[];
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
  const { temporaryBytes, sharedBytes } = memoryFiles(input.limits);
  return [
    '--ro-bind',
    '/usr',
    '/usr',
    ...input.systemFolders.flatMap(({ path, linksTo }) =>
      linksTo === null ? ['--ro-bind', path, path] : ['--symlink', linksTo, path],
    ),
    ...input.masked.flatMap((path) => ['--perms', '0755', '--tmpfs', path, '--remount-ro', path]),
    '--proc',
    '/proc',
    '--dev',
    '/dev',
    ...['--perms', '1777', '--size', String(sharedBytes), '--tmpfs', '/dev/shm'],
    '--remount-ro',
    '/dev',
    ...['--perms', '1777', '--size', String(temporaryBytes), '--tmpfs', '/tmp'],
    ...['--perms', '0755', '--dir', '/etc'],
    ...['--ro-bind-try', '/etc/ld.so.cache', '/etc/ld.so.cache'],
    // Where Debian keeps which awk or editor is meant; names of programs, nothing else.
    ...['--ro-bind-try', '/etc/alternatives', '/etc/alternatives'],
    ...input.files.flatMap(({ path, descriptor }) => [
      '--perms',
      '0644',
      '--ro-bind-data',
      String(descriptor),
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

function environment(given: SandboxRun['environment']): string[] {
  return ['--clearenv', ...environmentInside(given).flatMap(([name, value]) => ['--setenv', name, value])];
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
