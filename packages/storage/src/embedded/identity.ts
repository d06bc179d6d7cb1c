// PostgreSQL refuses to run as root. Root may still run it in two ways: as another user, if that one gets to
// the files, or as itself in a user namespace where it goes by another number: then a folder that only root
// may enter does.
import { readFile, stat } from 'node:fs/promises';
import { LedgerError } from '../errors.ts';
import { type Identity, runCommand } from './run-command.ts';

const NAMESPACE: Identity = {
  prefix: ['unshare', '--user', '--map-user=65534', '--map-group=65534', '--'],
};
const PROBE_TIMEOUT_MS = 10_000;

export interface Chosen {
  readonly identity: Identity;
  readonly major: number;
}

/** The first way in which the binary really runs beside the folder. `data` is where an earlier start put its files. */
export async function chooseIdentity(postgres: string, directory: string, data: string): Promise<Chosen> {
  for (const identity of await candidates(data)) {
    // The shell enters the folder as whoever it runs as; a spawned program is put there beforehand, as root.
    const args = ['-c', 'cd "$1" && exec "$2" --version', 'sh', directory, postgres];
    const command = { identity, program: '/bin/sh', args, folder: '/' };
    const { ok, output } = await runCommand(command, '', PROBE_TIMEOUT_MS);
    const major = Number(/\(PostgreSQL\) (\d+)/.exec(output)?.[1]);
    if (ok && major > 0) return { identity, major };
  }
  throw new LedgerError(
    'POSTGRES_UNSUPPORTED',
    'expected to be able to start PostgreSQL, which never runs as root; start the fabric as another user, allow user ' +
      'namespaces, make the data folder and the program enterable (o+x) for the user `nobody`, or give a database URL',
  );
}

async function candidates(data: string): Promise<readonly Identity[]> {
  if (process.getuid?.() !== 0) return [{ prefix: [] }];
  const owner = await stat(data).catch(() => undefined);
  if (owner !== undefined && owner.uid !== 0) return [{ uid: owner.uid, gid: owner.gid, prefix: [] }];
  if (owner !== undefined) return [NAMESPACE];
  const nobody = await findNobody();
  return nobody === undefined ? [NAMESPACE] : [nobody, NAMESPACE];
}

async function findNobody(): Promise<Identity | undefined> {
  const passwd = await readFile('/etc/passwd', 'utf8').catch(() => '');
  const [, uid, gid] = /^nobody:[^:\n]*:(\d+):(\d+):/m.exec(passwd) ?? [];
  return uid === undefined ? undefined : { uid: Number(uid), gid: Number(gid), prefix: [] };
}
