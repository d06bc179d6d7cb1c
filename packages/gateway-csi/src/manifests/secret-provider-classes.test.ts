import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import {
  attributesOf,
  claimsOf,
  MemorySecrets,
  makeCluster,
  POD,
  startTestProvider,
} from '../cluster.fixture.ts';
import { parseCsiFile } from '../csi-file.ts';
import {
  type AwsObject,
  CLASSES,
  classOf,
  deployment,
  FILES,
  mountedBy,
  one,
  provider,
  type VaultObject,
} from './manifests.fixture.ts';

describe('the class valuecanvas-secrets', () => {
  it.each(CLASSES)(
    'of %s has the name that the Deployment mounts, and the files that the runbook expects',
    (name) => {
      expect(classOf(name).metadata).toMatchObject({ name: 'valuecanvas-secrets', namespace: 'production' });
      expect(classOf(name).spec.provider).toBe(name);
      expect(Object.keys(mountedBy(name)).sort()).toEqual(FILES);
      expect(mountedBy(name)).toEqual(mountedBy('vault'));
    },
  );

  it.each(CLASSES)(
    'of %s syncs nothing but what it mounts, and what the Deployment reads from there',
    (name) => {
      const [synced, ...more] = classOf(name).spec.secretObjects;
      expect(more).toEqual([]);
      const keys = synced?.data.map(({ objectName, key }) => {
        expect(FILES).toContain(objectName);
        return key;
      });
      const [api] = one(deployment, 'Deployment').spec.template.spec.containers;
      for (const variable of api.env)
        if ('valueFrom' in variable) {
          expect(variable.valueFrom.secretKeyRef.name).toBe(synced?.secretName);
          expect(keys).toContain(variable.valueFrom.secretKeyRef.key);
        }
    },
  );

  it('has the paths of the tenant in Vault, within the policy of the runbook, and in AWS', () => {
    for (const { secretPath } of parse(classOf('vault').spec.parameters.objects ?? '') as VaultObject[])
      expect(secretPath).toMatch(/^secret\/data\/production\/tenants\/platform\/[a-z_]+$/);
    for (const { objectName, objectType } of parse(
      classOf('aws').spec.parameters.objects ?? '',
    ) as AwsObject[]) {
      expect(objectName).toMatch(/^valuecanvas\/production\/tenants\/platform\/[a-z_]+$/);
      expect(objectType).toBe('secretsmanager');
    }
    expect(classOf('vault').spec.parameters.roleName).toBe('valuecanvas-production');
  });

  it('of our own, given to our provider under the rules that are deployed, mounts exactly these files', async () => {
    const settings = parseCsiFile(one(provider, 'ConfigMap').data['csi.yaml'] ?? '');
    const cluster = await makeCluster();
    const secrets = new MemorySecrets({
      'platform:database_credentials': { username: '1', password: '2' },
      'platform:together_api_key': { value: '3' },
      'platform:jwt_secret': { value: '4' },
      'platform:supabase': { url: '5', anon_key: '6', service_key: '7' },
    });
    const { issuer, audience, rules } = settings;
    const own = await startTestProvider(cluster, secrets, {
      cluster: { issuer, audience, keys: cluster.keys },
      rules,
    });
    try {
      const pod = { ...POD, serviceAccount: one(deployment, 'ServiceAccount').metadata.name };
      const { objects, ...parameters } = classOf('provability-fabric').spec.parameters;
      const token = await cluster.sign(claimsOf(pod, { iss: issuer, aud: [audience] }));
      const { files: mounted } = await own.client.mount({
        attributes: attributesOf(objects ?? '', token, parameters, pod),
      });
      expect(mounted.map(({ path }) => path).sort()).toEqual(FILES);
      expect(secrets.accesses).toHaveLength(4);
    } finally {
      await own.close();
    }
  });
});
