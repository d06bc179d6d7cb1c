import { constants } from 'node:fs';
import { open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Authority, TokenRecord } from '@provability-fabric/storage';
import type { Logger } from 'pino';
import { z } from 'zod';

const name = z.string().min(1).max(256);
const instant = z.int().nonnegative();
/** What `pfctl token create` leaves in the data folder: whom it made a token for, and never the token. */
const recordSchema = z.strictObject({
  id: name,
  tenant: name,
  subject: name,
  session: name.nullable(),
  audience: name,
  roles: z.array(name).max(256),
  capabilities: z.array(name).max(256),
  epoch: instant,
  issuedAt: instant,
  expiresAt: instant,
}) satisfies z.ZodType<TokenRecord>;

const EVERY_MS = 1000;
const MOST_BYTES = 256 * 1024;
const MOST_AT_ONCE = 1000;

/** Takes the records of issued tokens from the folder into the ledger, for as long as the fabric runs. */
export function takeIssuedTokens(
  folder: string,
  authority: Pick<Authority, 'recordToken'>,
  log: Logger,
): { close(): Promise<void> } {
  /** Files that hold no record: said once, and left where they are. */
  const strange = new Set<string>();
  /** What the ledger has, and when it expires: until then the files stay, since `pfctl token` lists and revokes by them. */
  const taken = new Map<string, number>();
  let looking: Promise<void> = Promise.resolve();

  async function look(): Promise<void> {
    for (const [file, expiresAt] of taken) {
      if (expiresAt > Date.now()) continue;
      await rm(join(folder, file), { force: true });
      taken.delete(file);
    }
    const names = await readdir(folder).catch(() => []);
    const fresh = names.filter(
      (file) => /^[A-Za-z0-9-]{1,64}\.json$/.test(file) && !strange.has(file) && !taken.has(file),
    );
    for (const file of fresh.slice(0, MOST_AT_ONCE)) {
      const path = join(folder, file);
      const record = await readRecord(path);
      if (record === undefined) {
        strange.add(file);
        log.warn({ event: 'token_record_unfit', tags: [], file }, 'expected the record of a token');
        continue;
      }
      await authority.recordToken(record);
      taken.set(file, record.expiresAt);
    }
  }

  const timer = setInterval(() => {
    // Where the database does not answer, the files wait.
    looking = looking.then(look).catch(() => undefined);
  }, EVERY_MS).unref();
  return {
    async close() {
      clearInterval(timer);
      await looking;
    },
  };
}

/** undefined for whatever is no record: somebody else may have put it there, a link included. */
async function readRecord(path: string): Promise<TokenRecord | undefined> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const found = await file.stat();
      if (!found.isFile() || found.size > MOST_BYTES) return undefined;
      return recordSchema.parse(JSON.parse(await file.readFile('utf8')));
    } finally {
      await file.close();
    }
  } catch {
    return undefined;
  }
}
