import {
  asSecretTenant,
  type SealedValue,
  type SecretChange,
  type SecretRows,
} from '@provability-fabric/secrets';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newTenant } from './secret-places.ts';

/** One place for rows, under test; where there can be only one process on it, the same rows twice. */
export interface SecretRowsUnderTest {
  readonly rows: SecretRows;
  readonly another: SecretRows;
  readonly close: () => Promise<void>;
}

const ROOT = 'aa'.repeat(16);
const bytes = (...content: number[]) => Uint8Array.of(...content);
let keys = 0;
const newKeyId = () => (++keys).toString(16).padStart(32, '0');

function valueRow(slot: number, keyId: string, content = slot): SealedValue {
  return { slot, keyId, wrappedKey: bytes(1, content), sealed: bytes(2, content, 0, 255) };
}

/** What every place for the rows of the embedded provider has to keep to. The rows are empty when it begins. */
export function describeSecretRowsContract(name: string, open: () => Promise<SecretRowsUnderTest>): void {
  describe(`the secret rows contract, kept by ${name}`, () => {
    let opened: SecretRowsUnderTest;
    beforeAll(async () => {
      opened = await open();
      const root = { rootKeyId: ROOT, source: 'file', parameters: bytes(), check: bytes(9) } as const;
      expect(await opened.rows.addRootKey(root, [])).toBe(true);
    });
    afterAll(() => opened.close());

    const tenantWithKey = async () => {
      const [tenant, keyId] = [newTenant(), newKeyId()];
      const key = { keyId, generation: 1, rootKeyId: ROOT, wrapped: bytes(7, 8) };
      expect(await opened.rows.addTenantKey(tenant, key)).toBe(true);
      return { tenant, keyId };
    };

    const changeOf = (keyId: string, revision: number, part: Partial<SecretChange> = {}): SecretChange => ({
      expectedRevision: revision - 1,
      head: { revision, latest: revision, keyId, sealed: bytes(3, revision) },
      put: [valueRow(revision, keyId)],
      drop: [],
      ...part,
    });

    it('makes one of several changes upon the same revision', async () => {
      const { rows, another } = opened;
      const { tenant, keyId } = await tenantWithKey();
      for (const revision of [1, 2, 3]) {
        const racing = [rows, another, rows, another].map((of) =>
          of.change(tenant, 'db', changeOf(keyId, revision)),
        );
        expect((await Promise.all(racing)).sort()).toEqual(['conflict', 'conflict', 'conflict', 'done']);
      }
      expect(await rows.change(tenant, 'db', changeOf(keyId, 3))).toBe('conflict');
      expect(await rows.change(tenant, 'db', changeOf(keyId, 5))).toBe('conflict');
      expect(await rows.change(tenant, 'new', changeOf(keyId, 2))).toBe('conflict');
      expect(await another.read(tenant, 'db', 'none')).toEqual({
        head: { revision: 3, latest: 3, keyId, sealed: bytes(3, 3) },
        values: [],
      });
      expect(await rows.read(tenant, 'new', 'all')).toBeNull();
    });

    it('reads head and values in one, and puts and drops slots with the head', async () => {
      const { rows } = opened;
      const { tenant, keyId } = await tenantWithKey();
      await rows.change(tenant, 'db', changeOf(keyId, 1));
      await rows.change(tenant, 'db', changeOf(keyId, 2, { put: [valueRow(2, keyId), valueRow(0, keyId)] }));
      const slots = async (choice: Parameters<SecretRows['read']>[2]) =>
        (await rows.read(tenant, 'db', choice))?.values;
      expect(await slots('all')).toEqual([valueRow(0, keyId), valueRow(1, keyId), valueRow(2, keyId)]);
      expect(await slots('latest')).toEqual([valueRow(2, keyId)]);
      expect(await slots(0)).toEqual([valueRow(0, keyId)]);
      expect(await slots(7)).toEqual([]);
      const replaced = { put: [valueRow(1, keyId, 99), valueRow(3, keyId)], drop: [0, 2, 50] };
      await rows.change(tenant, 'db', changeOf(keyId, 3, replaced));
      expect(await slots('all')).toEqual([valueRow(1, keyId, 99), valueRow(3, keyId)]);
      expect(await rows.change(tenant, 'db', changeOf(keyId, 3, { drop: [1] }))).toBe('conflict');
      expect(await slots(1)).toEqual([valueRow(1, keyId, 99)]);
    });

    it('keeps the largest rows that there may be, byte by byte', async () => {
      const { rows } = opened;
      const { tenant, keyId } = await tenantWithKey();
      const large = Uint8Array.from({ length: 128 * 1024 }, (_, at) => (at * 7) % 256);
      const value = { ...valueRow(1, keyId), sealed: large };
      const head = { revision: 1, latest: 1, keyId, sealed: large };
      expect(await rows.change(tenant, 'large', { expectedRevision: 0, head, put: [value], drop: [] })).toBe(
        'done',
      );
      expect(await rows.read(tenant, 'large', 'latest')).toEqual({ head, values: [value] });
    });

    it('shows one tenant nothing of another, whatever is asked with the same name', async () => {
      const { rows } = opened;
      const [mine, theirs] = [await tenantWithKey(), await tenantWithKey()];
      await rows.change(mine.tenant, 'db', changeOf(mine.keyId, 1));
      expect(await rows.read(theirs.tenant, 'db', 'all')).toBeNull();
      expect(await rows.names(theirs.tenant, '', '', 10)).toEqual([]);
      expect(await rows.remove(theirs.tenant, 'db')).toBe(false);
      expect(await rows.change(theirs.tenant, 'db', changeOf(theirs.keyId, 2))).toBe('conflict');
      // Another tenant's key is none of one's own.
      expect(await rows.change(theirs.tenant, 'db', changeOf(mine.keyId, 1))).toBe('conflict');
      expect(await rows.dropTenantKey(theirs.tenant, mine.keyId)).toBe(false);
      await rows.eraseTenant(theirs.tenant);
      expect((await rows.read(mine.tenant, 'db', 'latest'))?.values).toHaveLength(1);
      expect(await rows.tenantKeys(theirs.tenant)).toEqual([]);
    });

    it('takes names for names, whatever they look like in SQL', async () => {
      const { rows } = opened;
      const { tenant, keyId } = await tenantWithKey();
      const names = ['a_b', 'a-b', 'aXb', 'A', 'a', 'a.b', 'a/b', 'Z'];
      for (const one of names) await rows.change(tenant, one, changeOf(keyId, 1));
      const sorted = [...names].sort((a, b) => (a < b ? -1 : 1));
      expect(await rows.names(tenant, '', '', 100)).toEqual(sorted);
      expect(await rows.names(tenant, 'a_', '', 100)).toEqual(['a_b']);
      expect(await rows.names(tenant, 'a', '', 3)).toEqual(
        sorted.filter((one) => one.startsWith('a')).slice(0, 3),
      );
      expect(await rows.names(tenant, '', 'a', 100)).toEqual(sorted.filter((one) => one > 'a'));
      expect(await rows.names(tenant, "%' or '1'='1", '', 100)).toEqual([]);
      expect(await rows.remove(tenant, 'a_b')).toBe(true);
      expect(await rows.remove(tenant, 'a_b')).toBe(false);
      expect(await rows.names(tenant, '', '', 100)).toEqual(sorted.filter((one) => one !== 'a_b'));
    });

    it('lets one of two make a generation of a key, and drops none that is in use', async () => {
      const { rows, another } = opened;
      const { tenant, keyId } = await tenantWithKey();
      const [second, rival] = [newKeyId(), newKeyId()];
      const made = await Promise.all(
        [second, rival].map((id, at) =>
          (at === 0 ? rows : another).addTenantKey(tenant, {
            keyId: id,
            generation: 2,
            rootKeyId: ROOT,
            wrapped: bytes(at),
          }),
        ),
      );
      expect(made.filter(Boolean)).toHaveLength(1);
      const newest = made[0] ? second : rival;
      expect((await rows.tenantKeys(tenant)).map((key) => [key.keyId, key.generation])).toEqual([
        [keyId, 1],
        [newest, 2],
      ]);
      await rows.change(tenant, 'db', changeOf(keyId, 1));
      await rows.change(tenant, 'db', changeOf(newest, 2, { put: [] }));
      expect(await rows.dropTenantKey(tenant, keyId)).toBe(false);
      await rows.change(
        tenant,
        'db',
        changeOf(newest, 3, { put: [valueRow(1, newest), valueRow(3, newest)] }),
      );
      expect(await rows.dropTenantKey(tenant, keyId)).toBe(true);
      expect(await rows.dropTenantKey(tenant, keyId)).toBe(false);
      expect(await rows.change(tenant, 'db', changeOf(keyId, 4))).toBe('conflict');
      expect(await rows.dropTenantKey(tenant, newest)).toBe(false);
    });

    it('erases a tenant with all there is, and nobody writes under its key again', async () => {
      const { rows, another } = opened;
      const { tenant, keyId } = await tenantWithKey();
      await rows.change(tenant, 'db', changeOf(keyId, 1));
      await another.eraseTenant(tenant);
      expect(await rows.read(tenant, 'db', 'all')).toBeNull();
      expect(await rows.change(tenant, 'db', changeOf(keyId, 1))).toBe('conflict');
      expect(await rows.tenants('', 1000)).not.toContain(tenant);
      await rows.eraseTenant(tenant);
    });

    it('changes root keys: known ones only, wrapped again only from what they are wrapped by', async () => {
      const { rows, another } = opened;
      const { tenant, keyId } = await tenantWithKey();
      const [other, third] = ['bb'.repeat(16), 'cc'.repeat(16)];
      const root = (rootKeyId: string) =>
        ({ rootKeyId, source: 'passphrase', parameters: bytes(1, 2, 3), check: bytes(4) }) as const;
      expect(await rows.addRootKey(root(other), [])).toBe(false);
      expect(await rows.addRootKey(root(other), [third])).toBe(false);
      const added = await Promise.all([
        rows.addRootKey(root(other), [ROOT]),
        another.addRootKey(root(third), [ROOT]),
      ]);
      expect(added.filter(Boolean)).toHaveLength(1);
      const next = added[0] ? other : third;
      expect(await rows.rootKeys()).toEqual([
        { rootKeyId: ROOT, source: 'file', parameters: bytes(), check: bytes(9) },
        root(next),
      ]);
      const wrapped = { keyId, generation: 1, rootKeyId: next, wrapped: bytes(5) };
      expect(await rows.rewrapTenantKey(tenant, next, wrapped)).toBe(false);
      expect(await rows.rewrapTenantKey(tenant, ROOT, wrapped)).toBe(true);
      expect(await rows.rewrapTenantKey(tenant, ROOT, wrapped)).toBe(false);
      expect(await rows.tenantKeys(tenant)).toEqual([wrapped]);
      expect(await rows.dropRootKey(next)).toBe(false);
      expect(await rows.dropRootKey(ROOT)).toBe(false);
      for (const one of await rows.tenants('', 1000))
        for (const key of await rows.tenantKeys(asSecretTenant(one)))
          await rows.rewrapTenantKey(asSecretTenant(one), ROOT, { ...key, rootKeyId: next });
      expect(await rows.dropRootKey(ROOT)).toBe(true);
      const unknown = { keyId: newKeyId(), generation: 2, rootKeyId: ROOT, wrapped: bytes(1) };
      expect(await rows.addTenantKey(tenant, unknown)).toBe(false);
    });

    it('tells tenants in order, page by page', async () => {
      const { rows } = opened;
      const made = [(await tenantWithNewRoot()).tenant, (await tenantWithNewRoot()).tenant];
      const found: string[] = [];
      for (
        let page = await rows.tenants('', 2);
        page.length > 0;
        page = await rows.tenants(found.at(-1) ?? '', 2)
      )
        found.push(...page);
      expect(found).toEqual([...found].sort((a, b) => (a < b ? -1 : 1)));
      expect(new Set(found).size).toBe(found.length);
      for (const tenant of made) expect(found).toContain(tenant);
    });

    const tenantWithNewRoot = async () => {
      const [tenant, [root]] = [newTenant(), await opened.rows.rootKeys()];
      const key = { keyId: newKeyId(), generation: 1, rootKeyId: root?.rootKeyId ?? '', wrapped: bytes(1) };
      expect(await opened.rows.addTenantKey(tenant, key)).toBe(true);
      return { tenant };
    };
  });
}
