import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  attributesOf,
  CANARY,
  type Cluster,
  claimsOf,
  type MemorySecrets,
  makeCluster,
  NOW,
  OBJECTS,
  POD,
  type ProviderUnderTest,
  startTestProvider,
  testSecrets,
  tokensOf,
} from './cluster.fixture.ts';
import type { MountSecrets } from './ports.ts';

let cluster: Cluster;
let token: string;
let secrets: MemorySecrets;
let tested: ProviderUnderTest;

beforeAll(async () => {
  cluster = await makeCluster();
  token = await cluster.sign(claimsOf());
  const current: MountSecrets = {
    read: (...asked) => secrets.read(...asked),
    refuse: (...asked) => secrets.refuse(...asked),
  };
  tested = await startTestProvider(cluster, current);
});
beforeEach(() => {
  secrets = testSecrets();
});
afterAll(() => tested.close());

describe('the provider on its socket', () => {
  it('answers what a secret refuses with its code, for the driver to count by, and without any file', async () => {
    const objects = '[{"objectName":"jwt"},{"objectName":"db/none"}]';
    const response = await tested.client.mount({ attributes: attributesOf(objects, token) });
    expect(response).toEqual({ objectVersion: [], files: [], error: { code: 'SECRET_NOT_FOUND' } });
    const refused = tested.events.findLast(({ event }) => event === 'csi.refused');
    expect(refused).toMatchObject({ code: 'SECRET_NOT_FOUND', object: 'db/none' });
  });

  it('gives a pod its files with their modes and the versions that they are of', async () => {
    const objects = `${OBJECTS}  fileName: keys/jwt-secret\n  filePermission: "0400"\n`;
    const { files, objectVersion, error } = await tested.client.mount({
      attributes: attributesOf(objects, token),
    });
    expect(error).toBeNull();
    expect(files.map(({ path, mode, contents }) => [path, mode, contents.toString()])).toEqual([
      ['database-password', 0o644, CANARY],
      ['database-username', 0o644, 'app'],
      ['keys/jwt-secret', 0o400, 'j'],
    ]);
    expect(objectVersion).toEqual([
      { id: 'db/primary#password:database-password', version: `v${NOW}-000001` },
      { id: 'db/primary#username:database-username', version: `v${NOW}-000001` },
      { id: 'jwt#secret:keys/jwt-secret', version: `v${NOW}-000001` },
    ]);
    expect(tested.events.at(-1)).toEqual({
      event: 'csi.mounted',
      tenant: 'acme',
      principal: 'system:serviceaccount:production:valuecanvas',
      pod: 'api-1',
      files: 3,
      latencyMs: 0,
    });
    expect(JSON.stringify(tested.events)).not.toContain(CANARY);
  });

  it('reads a secret once however many files it fills, so that they are of one version', async () => {
    await tested.client.mount({ attributes: attributesOf(OBJECTS, token) });
    expect(secrets.accesses).toEqual([
      'MOUNT acme db/primary current by system:serviceaccount:production:valuecanvas',
      'MOUNT acme jwt current by system:serviceaccount:production:valuecanvas',
    ]);
  });

  it('gives the version that is asked for, by number or id, and each tenant its own', async () => {
    secrets.put('acme', 'jwt', { secret: 'k' });
    const objects = '[{"objectName":"jwt","version":1,"fileName":"old"},{"objectName":"jwt","version":"2"}]';
    const { files } = await tested.client.mount({
      attributes: attributesOf(objects, token, { tenant: 'acme' }),
    });
    expect(files.map(({ contents }) => contents.toString())).toEqual(['j', 'k']);
    const pod = { ...POD, namespace: 'other' };
    const attributes = attributesOf(
      '[{"objectName":"db/primary","field":"username"}]',
      await cluster.sign(claimsOf(pod)),
      {},
      pod,
    );
    const [file] = (await tested.client.mount({ attributes })).files;
    expect(file?.contents.toString()).toBe('r');
  });

  it('takes tokens from the secrets of the request, where newer kubelets put them', async () => {
    const request = {
      attributes: attributesOf('[{"objectName":"jwt"}]', undefined),
      secrets: JSON.stringify({ 'csi.storage.k8s.io/serviceAccount.tokens': tokensOf(token) }),
    };
    expect((await tested.client.mount(request)).files).toHaveLength(1);
  });

  it('writes nothing to the target path', async () => {
    const targetPath = join(tested.folder, 'target');
    await mkdir(targetPath);
    await tested.client.mount({ attributes: attributesOf(OBJECTS, token), targetPath });
    expect(await readdir(targetPath)).toEqual([]);
  });

  it('says its name and version', async () => {
    expect(await tested.client.version()).toEqual({
      version: 'v1alpha1',
      runtimeName: 'provability-fabric',
      runtimeVersion: '0.1.0',
    });
  });
});

describe('a provider under load', () => {
  it('turns away what is too much at once, gives up on what takes too long, and still counts it', async () => {
    const own = await startTestProvider(cluster, secrets, { maxMounts: 2, timeoutMs: 100 });
    try {
      let open = () => {};
      secrets.gate = new Promise<void>((resolve) => {
        open = resolve;
      });
      const attributes = attributesOf(OBJECTS, token);
      const outcomes = await Promise.all(
        Array.from({ length: 5 }, () =>
          own.client.mount({ attributes }).catch((error) => status[error.code]),
        ),
      );
      expect(outcomes.sort()).toEqual([
        'DEADLINE_EXCEEDED',
        'DEADLINE_EXCEEDED',
        'UNAVAILABLE',
        'UNAVAILABLE',
        'UNAVAILABLE',
      ]);
      expect(await own.client.mount({ attributes }).catch((error) => status[error.code])).toBe('UNAVAILABLE');
      open();
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect((await own.client.mount({ attributes })).files).toHaveLength(3);
    } finally {
      await own.close();
    }
  });

  it('tells an operator of a fault, and the pod only that there was one', async () => {
    const fault = new Error(`connection lost while reading ${CANARY}`);
    const faulty = { read: () => Promise.reject(fault), refuse: () => Promise.reject(fault) };
    const own = await startTestProvider(cluster, faulty);
    try {
      const error = await own.client
        .mount({ attributes: attributesOf(OBJECTS, token) })
        .catch((thrown) => thrown);
      expect(error).toMatchObject({ code: status.INTERNAL, details: expect.not.stringContaining(CANARY) });
      expect(own.events).toContainEqual({ event: 'csi.failed', error: fault });
    } finally {
      await own.close();
    }
  });
});
