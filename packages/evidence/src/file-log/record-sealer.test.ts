import { chmod, copyFile, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { utf8 } from '@provability-fabric/kernel';
import { commitOf, headAfter } from '@provability-fabric/testkit';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { openTestLog, temporaryFolders } from '../testing/log-fixture.ts';
import type { FileLog } from './file-log.ts';
import { recordKeyPath } from './record-key.ts';
import { openRecordSealer } from './record-sealer.ts';

const folders = temporaryFolders();
afterAll(() => folders.removeAll());

async function newSealer(directory?: string) {
  const keys = directory ?? join(await folders.make(), 'keys');
  const events: string[] = [];
  const sealer = openRecordSealer({ directory: keys, emit: (event) => events.push(event) });
  return { keys, sealer, events };
}

const place = { tenant: 'acme', session: 's1', seq: 7 };
const record = utf8('{"prompt":"transfer the rent"}');

describe('a sealed record', () => {
  it('is an error when any bit of it is flipped', async () => {
    const { sealer } = await newSealer();
    const sealed = (await sealer.sealer('acme', false))(place, record);
    const open = await sealer.opener('acme');
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const changed = Uint8Array.from(sealed);
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(() => open(place, changed)).toThrow(expect.objectContaining({ code: 'RECORD_UNREADABLE' }));
    }
    for (let length = 0; length < sealed.length; length++) {
      expect(() => open(place, sealed.subarray(0, length))).toThrow(
        expect.objectContaining({ code: 'RECORD_UNREADABLE' }),
      );
    }
  });

  it.each([{ session: 's2' }, { seq: 8 }, { tenant: 'globex' }])(
    'does not open at another place: %o',
    async (other) => {
      const { sealer } = await newSealer();
      const sealed = (await sealer.sealer('acme', false))(place, record);
      await sealer.sealer('globex', false);
      const open = await sealer.opener(other.tenant ?? 'acme');
      expect(() => open({ ...place, ...other }, sealed)).toThrow(
        expect.objectContaining({ code: 'RECORD_UNREADABLE' }),
      );
    },
  );

  it('shows nothing of the record, and never the same bytes twice', async () => {
    const { sealer } = await newSealer();
    const seal = await sealer.sealer('acme', false);
    const [a, b] = [seal(place, record), seal(place, record)];
    expect(Buffer.from(a).includes('rent')).toBe(false);
    expect(Buffer.from(a).equals(b)).toBe(false);
    expect((await sealer.opener('acme'))(place, a)).toEqual(record);
  });

  it('opens again as it was sealed', async () => {
    const { sealer } = await newSealer();
    const [seal, open] = [await sealer.sealer('acme', false), await sealer.opener('acme')];
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3000 }), (bytes) => {
        expect(open(place, seal(place, bytes))).toEqual(bytes);
      }),
    );
  });
});

describe('a record key', () => {
  it('is a file for its owner only, made once, even when many commits ask at once', async () => {
    const { keys, sealer, events } = await newSealer();
    const seals = await Promise.all(Array.from({ length: 20 }, () => sealer.sealer('acme', false)));
    const { sealer: another } = await newSealer(keys);
    const open = await another.opener('acme');
    for (const seal of seals) expect(open(place, seal(place, record))).toEqual(record);
    expect(events).toEqual(['record_key_created']);
    expect((await stat(join(keys, 'record.acme.key'))).mode & 0o777).toBe(0o600);
  });

  it.each(['a/../../b', 'a/b', '..', 'x'.repeat(128), '/'.repeat(128), 'acme:eu@1'])(
    'of tenant %s stays in the key folder',
    async (tenant) => {
      const { keys, sealer } = await newSealer();
      const sealed = (await sealer.sealer(tenant, false))({ ...place, tenant }, record);
      expect((await sealer.opener(tenant))({ ...place, tenant }, sealed)).toEqual(record);
      expect(await readdir(keys)).toHaveLength(1);
    },
  );

  it('is one and the same for all processes of a key folder, even when they make it at once', async () => {
    const keys = join(await folders.make(), 'keys');
    const sealers = await Promise.all(Array.from({ length: 8 }, () => newSealer(keys)));
    for (let tenant = 0; tenant < 8; tenant++) {
      const its = { ...place, tenant: `t${tenant}` };
      const sealed = await Promise.all(
        sealers.map(async ({ sealer }) => (await sealer.sealer(its.tenant, false))(its, record)),
      );
      // As after a restart, when all that is left is the file.
      const open = await (await newSealer(keys)).sealer.opener(its.tenant);
      for (const each of sealed) expect(open(its, each)).toEqual(record);
    }
    expect((await readdir(keys)).filter((name) => !name.endsWith('.key'))).toEqual([]);
    expect(sealers.flatMap(({ events }) => events)).toHaveLength(8);
  });

  it('leaves nothing of it behind when it is erased, not even what a crash left of making it', async () => {
    const { keys, sealer } = await newSealer();
    await sealer.sealer('acme', false);
    await sealer.sealer('acme.key.globex', false);
    const [path, other] = ['acme', 'acme.key.globex'].map((tenant) => recordKeyPath(keys, tenant));
    for (const end of ['.new', '.0123456789ab.new']) await copyFile(path as string, `${path}${end}`);
    await sealer.erase('acme');
    expect((await readdir(keys)).map((name) => join(keys, name))).toEqual([other]);
  });

  it('that others can read is refused by name', async () => {
    const { keys, sealer } = await newSealer();
    await sealer.sealer('acme', false);
    await chmod(join(keys, 'record.acme.key'), 0o644);
    const { sealer: later } = await newSealer(keys);
    const refused = { code: 'KEY_PERMISSIONS', message: expect.stringContaining('record.acme.key') };
    await expect(later.sealer('acme', true)).rejects.toMatchObject(refused);
    await expect(later.opener('acme')).rejects.toMatchObject(refused);
  });

  it("that is another tenant's is refused, and not said", async () => {
    const { keys, sealer } = await newSealer();
    await sealer.sealer('acme', false);
    await sealer.sealer('globex', false);
    const foreign = await readFile(join(keys, 'record.globex.key'), 'utf8');
    for (const content of [foreign, '', foreign.replace('globex', 'acme').slice(0, -4), 'RECORD+KEY']) {
      await writeFile(join(keys, 'record.acme.key'), content);
      const error = await sealer.opener('acme').catch((caught: unknown) => caught);
      expect(error).toMatchObject({ code: 'KEY_MALFORMED' });
      expect(String(error)).not.toContain(foreign.trim().slice(-20));
    }
  });

  it('that could not be made is tried again with the next commit', async () => {
    const keys = join(await folders.make(), 'keys');
    await writeFile(keys, 'in the way');
    const { sealer } = await newSealer(keys);
    await expect(sealer.sealer('acme', false)).rejects.toThrow();
    await rm(keys);
    await expect(sealer.sealer('acme', false)).resolves.toBeDefined();
  });
});

async function recordsOf(log: FileLog, tenant: string, session: string): Promise<(string | null)[]> {
  const records: (string | null)[] = [];
  for await (const { record } of log.readSession(tenant, session)) {
    records.push(record && Buffer.from(record).toString());
  }
  return records;
}

describe("a tenant's records in the log", () => {
  it('are null once the key file is gone; everything else stays, and other tenants notice nothing', async () => {
    const directory = await folders.make();
    const { log } = await openTestLog(directory);
    const first = commitOf('acme', 's1', undefined, 2);
    await log.commit(first);
    await log.commit(commitOf('globex', 's1', undefined));
    await rm(recordKeyPath(join(directory, 'keys'), 'acme'));
    expect(await recordsOf(log, 'acme', 's1')).toEqual([null, null]);
    await log.close();

    const again = await openTestLog(directory);
    expect(await recordsOf(again.log, 'acme', 's1')).toEqual([null, null]);
    expect(await recordsOf(again.log, 'globex', 's1')).not.toContain(null);
    expect(await again.log.audit()).toBe(3);

    // The tenant comes back: a new key, under which the old records stay erased and new ones are kept.
    await again.log.commit(commitOf('acme', 's1', headAfter(first)));
    expect(again.events).toMatchObject([{ event: 'record_key_renewed', details: { tenant: 'acme' } }]);
    const [one, two, three] = await recordsOf(again.log, 'acme', 's1');
    expect([one, two]).toEqual([null, null]);
    expect(three).toContain('acme/s1/2');
    await again.log.close();
  });

  it('can be erased while the log runs', async () => {
    const directory = await folders.make();
    const sealer = openRecordSealer({ directory: join(directory, 'keys'), emit: () => undefined });
    const { log } = await openTestLog(directory, { records: sealer });
    const first = commitOf('acme', 's1', undefined);
    await log.commit(first);
    await sealer.erase('acme');
    await sealer.erase('never-seen');
    expect(await recordsOf(log, 'acme', 's1')).toEqual([null]);
    await log.commit(commitOf('acme', 's1', headAfter(first)));
    expect(await recordsOf(log, 'acme', 's1')).toEqual([null, expect.stringContaining('acme/s1/1')]);
    await log.close();
  });

  it('are an error under another key, not an erasure', async () => {
    const [directory, other] = [await folders.make(), await folders.make()];
    for (const folder of [directory, other]) {
      const { log } = await openTestLog(folder);
      await log.commit(commitOf('acme', 's1', undefined));
      await log.close();
    }
    const [path, otherPath] = [directory, other].map((folder) => recordKeyPath(join(folder, 'keys'), 'acme'));
    await writeFile(path as string, await readFile(otherPath as string));
    const { log } = await openTestLog(directory);
    await expect(recordsOf(log, 'acme', 's1')).rejects.toMatchObject({
      code: 'RECORD_UNREADABLE',
      message: expect.stringContaining('another key'),
    });
    await log.close();
  });
});
