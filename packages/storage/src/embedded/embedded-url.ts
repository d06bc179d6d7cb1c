import { realpath, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { LedgerError } from '../errors.ts';
import { LOGIN, readPassword } from './cluster.ts';
import { findSocketFolder } from './socket-folder.ts';

const CONNECT_TIMEOUT_MS = 2_000;

/** Of the login `fabric`, over the Unix socket in that folder. */
export function urlOver(sockets: string, password: string): string {
  return `postgresql://${LOGIN}:${password}@localhost/${LOGIN}?host=${encodeURIComponent(sockets)}`;
}

/**
 * For a program beside the fabric: the URL of the database that a fabric has started in this folder. Nothing is
 * started, and nothing in the folder changed. Throws LEDGER_UNAVAILABLE where none runs, LEDGER_REFUSED for a user who
 * may not use it.
 */
export async function embeddedUrl(folder: string): Promise<string> {
  let directory = folder;
  try {
    directory = await realpath(folder);
    // Only its owner may have put a socket where the password is sent to.
    const { uid } = await stat(join(directory, 'data'));
    const sockets = await findSocketFolder(directory, uid);
    if (sockets === undefined || !(await answers(join(sockets, '.s.PGSQL.5432'))))
      throw notRunning(directory);
    return urlOver(sockets, await readPassword(directory));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ECONNREFUSED') throw notRunning(directory);
    if (code !== 'EACCES' && code !== 'EPERM') throw error;
    throw new LedgerError(
      'LEDGER_REFUSED',
      `expected to be run by the user whose database is in \`${directory}\`, or by root; got \`${code}\``,
    );
  }
}

/** Asks the socket itself: the lock file of a server that was killed still names its process. */
function answers(socket: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const connection = connect(socket);
    const settle = (finish: () => void) => {
      clearTimeout(timer);
      connection.destroy();
      finish();
    };
    const timer = setTimeout(() => settle(() => resolve(false)), CONNECT_TIMEOUT_MS);
    connection.on('connect', () => settle(() => resolve(true)));
    connection.on('error', (error) => settle(() => reject(error)));
  });
}

function notRunning(directory: string): LedgerError {
  return new LedgerError(
    'LEDGER_UNAVAILABLE',
    `expected the database that comes along to run in \`${directory}\`, got none; start the fabric whose it is, or ` +
      'give the URL of another',
  );
}
