import { execFile } from 'node:child_process';
import { access, chmod, mkdir, mkdtemp, readdir, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { GovernorError } from '../../errors.ts';
import type { EngineRun } from '../engine.ts';
import { isLeftover, ownPrefix } from '../process-identity.ts';
import { rootFiles } from '../root-files.ts';
import { removeFolder } from '../workspace.ts';
import { seccompProfile } from './seccomp-profile.ts';

/** All that podman keeps of one run, in a folder of root's: nothing of it mixes with the host's own containers. */
export interface PodmanPlace {
  readonly folder: string;
  /** To the folder: podman takes no path of more than 50 characters. */
  readonly link: string;
  readonly user: number;
  /** What the container's root is made of: links, empty folders for mounts, and the few files of /etc. */
  readonly root: string;
  /** A pipe with a name, at `/gate` inside. The container's first process waits at it, and only for the command. */
  readonly gate: string;
  readonly profile: string;
  /** Arguments before any command of podman. */
  readonly common: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

const MOUNT_POINTS = ['usr', 'proc', 'dev', 'sys', 'etc', 'tmp', 'run', 'workspace'];

type PlaceInput = Omit<EngineRun, 'run' | 'entrances'>;

const LINKS = '/run';
/** That `mkdtemp` adds. */
const RANDOM_CHARACTERS = 6;

/**
 * The host's own files of settings are not read: they could mount, or let a hook of theirs run. Locks in files, since podman
 * shares those in memory with all of the host's containers and takes them for its own when it begins with an empty store.
 */
const SETTINGS = `[engine]
lock_type = "file"
events_logger = "none"
cgroup_manager = "cgroupfs"
runtime = "runc"
`;

/** Below `base`, where `makeWorkspace` clears what killed governors left. */
export async function makePlace(base: string, run: PlaceInput): Promise<PodmanPlace> {
  const folder = await mkdtemp(join(await realpath(base), await ownPrefix()));
  const link = join(LINKS, (await ownPrefix('pf-pod')) + folder.slice(-RANDOM_CHARACTERS));
  try {
    return await furnish({ folder, link }, run);
  } catch (error) {
    await removePlace({ folder, link });
    throw error;
  }
}

/** Nothing of it runs any more. */
export async function removePlace({ folder, link }: Pick<PodmanPlace, 'folder' | 'link'>): Promise<void> {
  await rm(link, { force: true });
  await removeFolder(folder);
}

async function furnish(
  { folder, link }: Pick<PodmanPlace, 'folder' | 'link'>,
  { user, systemFolders, architecture }: PlaceInput,
): Promise<PodmanPlace> {
  if (user === undefined) {
    throw new GovernorError('SANDBOX_UNAVAILABLE', 'podman was expected to be run by root');
  }
  const at = (name: string) => join(folder, name);
  const root = at('root');
  await makeFolder(root);
  for (const name of MOUNT_POINTS) await makeFolder(join(root, name));
  // runc gives a file system in memory the mode of the folder that it is put over.
  await chmod(join(root, 'tmp'), 0o1777);
  for (const { path, linksTo } of systemFolders) {
    if (linksTo === null) await makeFolder(join(root, path));
    else await symlink(linksTo, join(root, path));
  }
  for (const { path, text } of rootFiles(user)) {
    await writeFile(join(root, path), text);
    await chmod(join(root, path), 0o644);
  }
  const gate = join(root, 'gate');
  await promisify(execFile)('mkfifo', ['-m', '0644', gate], { env: { PATH: '/usr/bin:/bin' } });
  await symlink(folder, link);
  const linked = (name: string) => join(link, name);
  await mkdir(at('hooks'));
  await writeFile(at('containers.conf'), SETTINGS);
  const storage = `[storage]\ndriver = "vfs"\ngraphroot = "${linked('store')}"\nrunroot = "${linked('r')}"\n`;
  await writeFile(at('storage.conf'), storage);
  await writeFile(at('seccomp.json'), JSON.stringify(seccompProfile(architecture)));
  return {
    folder,
    link,
    user,
    root,
    gate,
    profile: at('seccomp.json'),
    common: [
      ...[
        '--root',
        linked('store'),
        '--runroot',
        linked('r'),
        '--tmpdir',
        linked('tmp'),
        '--storage-driver',
        'vfs',
      ],
      ...['--runtime', 'runc', '--cgroup-manager', 'cgroupfs', '--events-backend', 'none'],
      ...['--hooks-dir', at('hooks'), '--log-level', 'error'],
    ],
    environment: {
      HOME: folder,
      CONTAINERS_CONF: at('containers.conf'),
      CONTAINERS_STORAGE_CONF: at('storage.conf'),
    },
  };
}

/** Readable for the sandbox's user whatever the governor's umask is. */
async function makeFolder(path: string): Promise<void> {
  await mkdir(path);
  await chmod(path, 0o755);
}

/** Of governors that were killed. Where podman outlived one for a moment, it made a folder of the link. */
export async function removeLinks(): Promise<void> {
  for (const name of await readdir(LINKS)) {
    if (await isLeftover(name)) await rm(join(LINKS, name), { recursive: true, force: true });
  }
}

/** Where Debian keeps which awk is meant, and where libraries are; not on every system. */
export async function furtherFiles(): Promise<readonly string[]> {
  const there = await Promise.all(
    ['/etc/ld.so.cache', '/etc/alternatives'].map((path) =>
      access(path).then(
        () => [path],
        () => [],
      ),
    ),
  );
  return there.flat();
}
