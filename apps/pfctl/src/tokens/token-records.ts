import { constants } from 'node:fs';
import { chown, link, lstat, mkdir, open, readdir, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { CommandError, systemCode } from '@provability-fabric/command-line';
import { syncFolder } from '../sync-folder.ts';

/** What is kept of an issued token, as the ledger takes it; never the token. */
export interface TokenRecord {
  readonly id: string;
  readonly tenant: string;
  readonly subject: string;
  readonly session: string | null;
  readonly audience: string;
  readonly roles: readonly string[];
  readonly capabilities: readonly string[];
  readonly epoch: number;
  /** ms since 1970. */
  readonly issuedAt: number;
  readonly expiresAt: number;
}

const FOLDER = 'tokens';
const MOST_RECORDS = 100_000;
const MOST_BYTES = 256 * 1024;
const NAME = /^([A-Za-z0-9-]{1,64})\.json$/;

/** Writes `tokens/<id>.json` into the data folder, durably and for its owner alone; the ledger takes it from there. */
export async function recordToken(dataFolder: string, record: TokenRecord): Promise<string> {
  const folder = join(dataFolder, FOLDER);
  await mkdir(folder, { mode: 0o700 }).catch((error) => {
    if (systemCode(error) !== 'EEXIST') throw error;
  });
  if (!(await lstat(folder)).isDirectory())
    throw new CommandError(
      'INPUT_INVALID',
      `expected a folder at ${folder}, came something else; take it away`,
    );
  const path = join(folder, `${record.id}.json`);
  const temporary = join(folder, `.${record.id}.new`);
  const file = await open(temporary, 'wx', 0o600);
  try {
    await file.writeFile(`${JSON.stringify(record)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await giveToOwner(dataFolder, [folder, temporary]);
  // Unlike a rename, a link never replaces: two tokens of one id cannot be.
  await link(temporary, path).finally(() => unlink(temporary));
  await syncFolder(folder);
  await syncFolder(dataFolder);
  return path;
}

/** Made by root for a fabric that runs as someone else, a record must still be that one's to read. */
async function giveToOwner(dataFolder: string, paths: readonly string[]): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = await stat(dataFolder);
  for (const path of paths) await chown(path, uid, gid);
}

/** The records in the data folder, the newest last, and the files there that are none. */
export async function readTokenRecords(
  dataFolder: string,
): Promise<{ readonly records: readonly TokenRecord[]; readonly unreadable: readonly string[] }> {
  const folder = join(dataFolder, FOLDER);
  const names = await readdir(folder).catch((error) => {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  });
  const files = names.filter((name) => !name.startsWith('.'));
  if (files.length > MOST_RECORDS)
    throw new CommandError(
      'CANNOT_CHECK',
      `expected at most ${MOST_RECORDS} records in ${folder}, came ${files.length}`,
    );
  const records: TokenRecord[] = [];
  const unreadable: string[] = [];
  for (const name of files.sort()) {
    const record = await readRecord(folder, name);
    if (record === undefined) unreadable.push(join(folder, name));
    else records.push(record);
  }
  return { records: records.sort((a, b) => a.issuedAt - b.issuedAt), unreadable };
}

async function readRecord(folder: string, name: string): Promise<TokenRecord | undefined> {
  const id = NAME.exec(name)?.[1];
  if (id === undefined) return undefined;
  try {
    // Neither a link to elsewhere, nor a pipe that would be waited for.
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    const file = await open(join(folder, name), flags);
    try {
      const status = await file.stat();
      if (!status.isFile() || status.size > MOST_BYTES) return undefined;
      const record: unknown = JSON.parse(await file.readFile('utf8'));
      return isRecord(record) && record.id === id ? record : undefined;
    } finally {
      await file.close();
    }
  } catch {
    // Taken away meanwhile, half-written by a copy, not JSON: all the same to who lists them.
    return undefined;
  }
}

function isRecord(value: unknown): value is TokenRecord {
  if (typeof value !== 'object' || value === null) return false;
  const { id, tenant, subject, session, audience, roles, capabilities, epoch, issuedAt, expiresAt } =
    value as Record<keyof TokenRecord, unknown>;
  const isText = (one: unknown) => typeof one === 'string';
  const isList = (one: unknown) => Array.isArray(one) && one.every(isText);
  return (
    [id, tenant, subject, audience].every(isText) &&
    (session === null || isText(session)) &&
    isList(roles) &&
    isList(capabilities) &&
    // What Date can show.
    [epoch, issuedAt, expiresAt].every(
      (one) => Number.isSafeInteger(one) && Math.abs(one as number) <= 8.64e15,
    )
  );
}
