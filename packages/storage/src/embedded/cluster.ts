// The files of the database: made once, whole or not at all.
import { randomBytes } from 'node:crypto';
import { readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { LedgerError } from '../errors.ts';
import type { Binaries } from './binaries.ts';
import { giveTo, privateFolderFor, readTextFile, syncFolder, writePrivateFile } from './private-file.ts';
import { type Identity, runCommand } from './run-command.ts';

export const LOGIN = 'fabric';
const INIT_TIMEOUT_MS = 120_000;
const UNFINISHED = 'data.new-';

/** True where it was made now. Another major version's files are refused, and left alone. */
export async function ensureCluster(
  directory: string,
  data: string,
  binaries: Binaries,
  { identity, major }: { readonly identity: Identity; readonly major: number },
): Promise<boolean> {
  const found = (await readTextFile(join(data, 'PG_VERSION')))?.trim();
  if (found === undefined) {
    await makeCluster(directory, data, binaries, identity);
    return true;
  }
  if (found === `${major}`) return false;
  throw new LedgerError(
    'POSTGRES_OTHER_VERSION',
    `expected database files of PostgreSQL ${major} in \`${data}\`, got version \`${found}\`; move them with ` +
      'pg_upgrade, or install the release that made them',
  );
}

export async function readPassword(directory: string): Promise<string> {
  const password = (await readTextFile(join(directory, 'password')))?.trim();
  if (password !== undefined && password !== '') return password;
  throw new LedgerError(
    'POSTGRES_FAILED',
    `expected the database's password in \`${join(directory, 'password')}\`; put the file back from a backup, or set a ` +
      'new one as the superuser, whose password is in `superuser-password`',
  );
}

async function makeCluster(
  directory: string,
  data: string,
  binaries: Binaries,
  identity: Identity,
): Promise<void> {
  for (const name of await readdir(directory)) {
    if (name.startsWith(UNFINISHED)) await rm(join(directory, name), { recursive: true, force: true });
  }
  const unfinished = join(directory, `${UNFINISHED}${randomBytes(6).toString('hex')}`);
  await privateFolderFor(identity, unfinished);
  const [password, superuser] = [newPassword(), newPassword()];
  await writePrivateFile(join(directory, 'password'), `${password}\n`);
  await writePrivateFile(join(directory, 'superuser-password'), `${superuser}\n`);
  const handed = join(directory, 'superuser-password.handed');
  await writePrivateFile(handed, `${superuser}\n`);
  await giveTo(identity, handed);
  try {
    const initdb = ['-D', unfinished, '-U', 'postgres', '-A', 'scram-sha-256', `--pwfile=${handed}`];
    await succeed(
      binaries.initdb,
      [...initdb, '--no-locale', '-E', 'UTF8', '--data-checksums', '--no-instructions'],
      '',
    );
  } finally {
    await rm(handed, { force: true });
  }
  // Before anything can connect; one statement a line. Everybody may connect to and fill other databases otherwise.
  const statements = [
    `create role ${LOGIN} login createrole password '${password}'`,
    `create database ${LOGIN} owner ${LOGIN}`,
    `revoke temporary on database ${LOGIN} from public`,
    'revoke connect on database postgres, template1 from public',
  ];
  await succeed(binaries.postgres, ['--single', '-D', unfinished, 'postgres'], `${statements.join('\n')}\n`);
  await rename(unfinished, data);
  await syncFolder(directory);

  async function succeed(program: string, args: readonly string[], input: string): Promise<void> {
    const command = { identity, program, args, folder: directory };
    const { ok, output } = await runCommand(command, input, INIT_TIMEOUT_MS);
    if (ok && !/^(ERROR|FATAL|PANIC):|\b(ERROR|FATAL|PANIC): /m.test(output)) return;
    const reason = /(?:error|ERROR|FATAL|PANIC): +(.*)/.exec(output)?.[1] ?? output.trim().split('\n').at(-1);
    throw new LedgerError(
      'POSTGRES_FAILED',
      `expected to make a database in \`${directory}\`, got: ${withoutSecrets(reason ?? '')}; mend that and start again`,
    );
  }

  function withoutSecrets(text: string): string {
    return text.replaceAll(password, '…').replaceAll(superuser, '…').slice(0, 300);
  }
}

/** Letters and digits: it goes into SQL and a URL as it is. */
function newPassword(): string {
  return randomBytes(24).toString('hex');
}
