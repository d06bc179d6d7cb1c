import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ADMIN, type House, openSecretsHouse } from '../../secrets/src/service/service.fixture.ts';
import {
  attributesOf,
  CANARY,
  claimsOf,
  makeCluster,
  OBJECTS,
  type ProviderUnderTest,
  startTestProvider,
} from './cluster.fixture.ts';
import { mountsFromSecrets } from './mounts-from-secrets.ts';

let house: House;
let tested: ProviderUnderTest;
let token: string;

beforeEach(async () => {
  const cluster = await makeCluster();
  token = await cluster.sign(claimsOf());
  house = await openSecretsHouse();
  const names = {
    'db/primary': { username: 'app', password: CANARY },
    jwt: { secret: 'j' },
    hidden: { a: '1' },
  };
  for (const [name, value] of Object.entries(names))
    await house.secrets.write(ADMIN, { tenant: 'acme', name }, { value });
  house.audit.records.length = 0;
  tested = await startTestProvider(cluster, mountsFromSecrets(house.secrets));
});
afterEach(() => tested.close());

const mount = (objects: string) => tested.client.mount({ attributes: attributesOf(objects, token) });

describe('a pod that mounts from the secrets service', () => {
  it('gets nothing while its access cannot be put on record', async () => {
    house.audit.failing = () => true;
    expect(await mount(OBJECTS)).toMatchObject({ files: [], error: { code: 'AUDIT_UNAVAILABLE' } });
  });

  it('is denied on record for what its rule does not allow, and the provider is not asked', async () => {
    house.asked.length = 0;
    await expect(mount('[{"objectName":"hidden"}]')).rejects.toMatchObject({
      code: status.PERMISSION_DENIED,
    });
    expect(house.audit.told).toEqual(['MOUNT DENIED SECRET_FORBIDDEN']);
    expect(house.asked).toEqual([]);
  });

  it('gets its files, each secret on record once as the pod’s own access', async () => {
    const { files } = await mount(OBJECTS);
    expect(files.map(({ path }) => path)).toEqual(['database-password', 'database-username', 'jwt']);
    expect(house.audit.told).toEqual(['MOUNT SUCCESS', 'MOUNT SUCCESS']);
    expect(house.audit.records[0]).toMatchObject({
      tenant: 'acme',
      principal: 'system:serviceaccount:production:valuecanvas',
      details: { client: 'csi', namespace: 'production', service_account: 'valuecanvas', pod: 'api-1' },
    });
    expect(JSON.stringify(house.audit.records)).not.toContain(CANARY);
  });

  it('gets the new value after a write, and the version’s id says so', async () => {
    const before = (await mount(OBJECTS)).objectVersion;
    await house.secrets.write(ADMIN, { tenant: 'acme', name: 'jwt' }, { value: { secret: 'k' } });
    const { files, objectVersion } = await mount(OBJECTS);
    expect(files[2]?.contents.toString()).toBe('k');
    expect(objectVersion[2]?.version).not.toBe(before[2]?.version);
    expect(objectVersion[0]).toEqual(before[0]);
  });
});
