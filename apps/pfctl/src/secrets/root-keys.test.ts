import { randomBytes } from 'node:crypto';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolders } from '@provability-fabric/command-line/testing';
import {
  asSecretName,
  asSecretTenant,
  createEmbeddedProvider,
  RootKeys,
  rootKeyFromFile,
} from '@provability-fabric/secrets';
import {
  type EmbeddedPostgres,
  type OwnedDatabase,
  openDatabase,
  openSecretRows,
  startEmbeddedPostgres,
} from '@provability-fabric/storage';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pfctl } from '../terminal.fixture.ts';

const folders = temporaryFolders();
const root = folders.make({
  'config/local/fabric.yaml': 'data_dir: data\n',
  phrase: 'correct horse battery staple',
});
const PLACE = { tenant: asSecretTenant('acme'), name: asSecretName('db/primary') };
let postgres: EmbeddedPostgres;
let database: OwnedDatabase;

const run = (...args: readonly string[]) =>
  pfctl(['secrets', ...args], { directory: root, checkout: root, databaseUrl: postgres.url });

/** A process that starts anew with this key. */
async function open(key: string) {
  const rows = openSecretRows({ database });
  const rootKeys = new RootKeys({ rows, random: randomBytes });
  await rootKeys.unseal(rootKeyFromFile(join(root, key)));
  return createEmbeddedProvider({ rows, rootKeys, clock: Date.now, random: randomBytes });
}

beforeAll(async () => {
  postgres = await startEmbeddedPostgres({ directory: join(root, 'data/postgres'), emit: () => undefined });
  database = await openDatabase({ url: postgres.url, connections: 2 });
  for (const key of ['old.key', 'new.key', 'wrong.key']) await run('create-root-key', key);
});
afterAll(async () => {
  await database.close();
  await postgres.stop();
  folders.removeAll();
});

describe('keys of the embedded provider', () => {
  it('change by nobody’s hand before there is anything to open', async () => {
    expect(await run('change-root-key', '--from', 'old.key', '--to', 'new.key')).toMatchObject({ code: 1 });
  });

  it('change for whoever has the one in force, and values stay', async () => {
    await (await open('old.key')).write(PLACE, { password: 'as it was' }, { author: 'test' });
    const wrong = await run('change-root-key', '--from', 'wrong.key', '--to', 'new.key');
    expect(wrong).toMatchObject({ code: 2, out: '' });
    expect(await run('change-root-key', '--from', 'old.key')).toMatchObject({ code: 3 });
    const changed = await run('change-root-key', '--from', 'old.key', '--to', 'new.key');
    expect(changed).toMatchObject({ code: 0, out: expect.stringContaining('1 tenant key wrapped anew') });
    await expect(open('old.key')).rejects.toMatchObject({ code: 'SECRETS_SEALED' });
    expect((await (await open('new.key')).read(PLACE)).value).toEqual({ password: 'as it was' });
    // Again, as after a crash at its end: nothing is left to do.
    const again = await run('change-root-key', '--from', 'old.key', '--to', 'new.key');
    expect(again).toMatchObject({ code: 0, err: '', out: expect.stringContaining('0 tenant keys') });
  });

  it('of a tenant are made anew, and values stay', async () => {
    const rekeyed = await run('rekey', '--tenant', 'acme', '--from', 'new.key');
    expect(rekeyed).toMatchObject({ code: 0, out: 'acme: 1 secret under a new key\n' });
    expect((await (await open('new.key')).read(PLACE)).value).toEqual({ password: 'as it was' });
  });

  it('may be made of a passphrase', async () => {
    const change = () => run('change-root-key', '--from', 'new.key', '--to-passphrase', 'phrase');
    expect(await change()).toMatchObject({ code: 2, err: expect.stringContaining('chmod 600') });
    chmodSync(join(root, 'phrase'), 0o600);
    expect(await change()).toMatchObject({ code: 0 });
  });
});
