import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readEnvironment } from '@provability-fabric/configuration';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseCsiFile } from '../csi-file.ts';
import { classOf, deployment, FOLDER, mountedBy, one, provider } from './manifests.fixture.ts';

describe('the Deployment valuecanvas-api', () => {
  const { metadata, spec } = one(deployment, 'Deployment');
  const { template } = spec;
  const [api] = template.spec.containers;

  it('is what the runbook asks for by name', () => {
    expect(metadata).toMatchObject({ name: 'valuecanvas-api', namespace: 'production' });
    expect(one(deployment, 'ServiceAccount').metadata).toMatchObject({
      name: 'valuecanvas',
      namespace: 'production',
    });
    expect(template.spec.serviceAccountName).toBe('valuecanvas');
    expect(api).toMatchObject({ name: 'api', image: 'valuecanvas/api:v1.0.0' });
    expect(api.ports).toEqual([{ name: 'http', containerPort: 3000, protocol: 'TCP' }]);
    const secrets = template.spec.volumes.find((volume) => 'csi' in volume);
    expect(secrets?.csi.volumeAttributes.secretProviderClass).toBe('valuecanvas-secrets');
    expect(api.volumeMounts).toContainEqual({
      name: secrets?.name,
      mountPath: '/mnt/secrets',
      readOnly: true,
    });
    expect(one(deployment, 'Service').spec.ports).toEqual([
      { name: 'http', port: 80, targetPort: 3000, protocol: 'TCP' },
    ]);
  });

  it('is probed, runs as nobody, and can write nowhere but to its data', () => {
    const probes = [api.livenessProbe, api.readinessProbe, api.startupProbe].map(({ httpGet }) => httpGet);
    expect(probes.map(({ path }) => path)).toEqual(['/health/live', '/health/ready', '/health/startup']);
    for (const { port } of probes) expect(port).toBe('http');
    expect(template.spec.securityContext).toMatchObject({
      runAsNonRoot: true,
      runAsUser: 65_532,
      fsGroup: 65_532,
    });
    expect(api.volumeMounts.filter(({ readOnly }) => !readOnly).map(({ mountPath }) => mountPath)).toEqual([
      '/var/lib/provability-fabric',
      '/tmp',
    ]);
  });

  it('watches the volume that it mounts', () => {
    const values = Object.fromEntries(
      api.env.flatMap((one) => ('value' in one ? [[one.name, one.value]] : [])),
    );
    expect(values).toMatchObject({
      SECRETS_MOUNT_PATH: '/mnt/secrets',
      SECRETS_VOLUME_WATCH_ENABLED: 'true',
    });
  });
});

describe.each([
  ['deployment-with-csi.yaml', deployment, 'Deployment'],
  ['csi-provider.yaml', provider, 'DaemonSet'],
] as const)('%s', (_, manifests, kind) => {
  const { metadata, spec } = one(manifests, kind);
  const pod = spec.template;

  it('selects its own pods, everywhere', () => {
    const labels = pod.metadata.labels;
    const selectors = manifests.flatMap((manifest) => {
      if (manifest.kind === 'Service') return [manifest.spec.selector];
      if (manifest.kind === 'NetworkPolicy') return [manifest.spec.podSelector.matchLabels];
      return manifest.kind === 'PodDisruptionBudget' ? [manifest.spec.selector.matchLabels] : [];
    });
    for (const selector of [spec.selector.matchLabels, ...selectors]) expect(labels).toMatchObject(selector);
    for (const manifest of manifests)
      if (manifest.kind !== 'Namespace') expect(manifest.metadata.namespace).toBe(metadata.namespace);
  });

  it('mounts volumes that are there, of maps and claims that are there', () => {
    const volumes = new Map(pod.spec.volumes.map((volume) => [volume.name, volume]));
    expect(pod.spec.containers[0].volumeMounts.map(({ name }) => name).sort()).toEqual(
      [...volumes.keys()].sort(),
    );
    const named = new Set(manifests.map((manifest) => `${manifest.kind}/${manifest.metadata.name}`));
    expect(named).toContain(`ServiceAccount/${pod.spec.serviceAccountName}`);
    for (const volume of volumes.values()) {
      if ('configMap' in volume) expect(named).toContain(`ConfigMap/${volume.configMap.name}`);
      if ('persistentVolumeClaim' in volume)
        expect(named).toContain(`PersistentVolumeClaim/${volume.persistentVolumeClaim.claimName}`);
    }
  });

  it('starts with settings that the fabric takes, from the folder that is mounted, on the port that is probed', async () => {
    const [container] = pod.spec.containers;
    const env = container.args.at(-1) as string;
    expect(container.args).toEqual(['serve', 'secrets', '--env', env]);
    const config = pod.spec.volumes.find((volume) => 'configMap' in volume);
    expect(container.volumeMounts).toContainEqual({
      name: config?.name,
      mountPath: `/app/config/${env}`,
      readOnly: true,
    });
    const root = mkdtempSync(join(tmpdir(), 'manifests-'));
    try {
      mkdirSync(join(root, 'config', env), { recursive: true });
      const { 'fabric.yaml': fabric = '' } = one(manifests, 'ConfigMap').data;
      writeFileSync(join(root, 'config', env, 'fabric.yaml'), fabric);
      const read = await readEnvironment(root, env);
      expect(read.ok ? [] : read.problems).toEqual([]);
      expect(parse(fabric)).toMatchObject({
        listen_secrets: '0.0.0.0:3000',
        data_dir: '/var/lib/provability-fabric',
      });
    } finally {
      rmSync(root, { recursive: true });
    }
  });
});

describe('the DaemonSet of the provider', () => {
  const [container] = one(provider, 'DaemonSet').spec.template.spec.containers;
  const { volumes } = one(provider, 'DaemonSet').spec.template.spec;

  it('puts its socket where the driver looks, by the name of the class’s provider', () => {
    const settings = parseCsiFile(one(provider, 'ConfigMap').data['csi.yaml'] ?? '');
    expect(settings.socketPath).toBe('/providers/provability-fabric.sock');
    expect(settings.socketPath.split('/').at(-1)).toBe(`${classOf('provability-fabric').spec.provider}.sock`);
    const mount = container.volumeMounts.find(({ mountPath }) => mountPath === '/providers');
    expect(volumes.find(({ name }) => name === mount?.name)).toMatchObject({
      hostPath: { path: '/var/run/secrets-store-csi-providers' },
    });
  });

  it('lets the account of the Deployment mount what its class names, and no account anything else', () => {
    const { rules } = parseCsiFile(one(provider, 'ConfigMap').data['csi.yaml'] ?? '');
    const { metadata } = one(deployment, 'ServiceAccount');
    const names = [
      ...new Set(Object.values(mountedBy('provability-fabric')).map((entry) => entry.split('.')[0])),
    ];
    expect(rules).toEqual([
      { namespace: metadata.namespace, serviceAccount: metadata.name, tenant: 'platform', names },
    ]);
    expect(classOf('provability-fabric').spec.parameters.tenant).toBe('platform');
  });
});

describe('the Dockerfile', () => {
  const folder = join(FOLDER, '..', '..');
  const lines = readFileSync(join(folder, 'Dockerfile'), 'utf8').split('\n');
  const [, runtime = ''] = lines
    .join('\n')
    .split(/^FROM .*$/m)
    .slice(1);

  it('runs what is there, as the user of the Deployment, and copies nothing that is not', () => {
    const { runAsUser, runAsGroup } = one(deployment, 'Deployment').spec.template.spec.securityContext;
    expect(runtime).toContain(`USER ${runAsUser}:${runAsGroup}\n`);
    const [, entry = ''] = /^ENTRYPOINT \["node", "\/app\/([^"]+)"\]$/m.exec(runtime) ?? [];
    const copied = [...runtime.matchAll(/^COPY --from=build \/app\/(\S+) \.\/\1$/gm)].map(
      ([, path]) => path as string,
    );
    expect(copied).toContain(entry.split('/')[0]);
    for (const path of [entry, ...copied]) expect(existsSync(join(folder, path)), path).toBe(true);
    expect(runtime.match(/^COPY/gm)).toHaveLength(copied.length);
  });
});
