import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readEnvironment } from '@provability-fabric/configuration';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { MANIFEST, type Manifest } from './manifest-schemas.fixture.ts';
import { allOf, documentsIn, FOLDER, files, manifests, one, ROOT, raw } from './manifests.fixture.ts';

describe('the manifests of the governor', () => {
  it.each(raw.map(({ file, document }) => [file, (document as Manifest).kind, document]))(
    '%s: the %s has only fields that the API knows',
    (_, __, document) => {
      expect(MANIFEST.safeParse(document).error?.issues ?? []).toEqual([]);
    },
  );

  it('would be refused with one field more, wherever it stood', () => {
    const places = raw.flatMap(({ document }, index) => placesIn(document).map((path) => ({ index, path })));
    expect(places.length).toBeGreaterThan(100);
    fc.assert(
      fc.property(fc.constantFrom(...places), ({ index, path }) => {
        const document = structuredClone(raw[index]?.document);
        const place = path.reduce<unknown>((node, key) => (node as Record<string, unknown>)[key], document);
        (place as Record<string, unknown>).livenessProb = {};
        return !MANIFEST.safeParse(document).success;
      }),
      { numRuns: 150 },
    );
  });

  it('hold no placeholder, no value of a secret and no image without a version', () => {
    for (const file of files) {
      const text = readFileSync(join(FOLDER, file), 'utf8');
      expect(text, file).not.toMatch(/\{\{|:latest|stringData|BEGIN [A-Z ]*(?:PRIVATE|PUBLIC)/);
    }
    for (const { data } of allOf('Secret')) expect(Object.values(data).join('')).toBe('');
  });

  it('give the account no role and the pods no token', () => {
    expect(manifests.some(({ kind }) => /Role/.test(kind))).toBe(false);
    expect(one('ServiceAccount').automountServiceAccountToken).toBe(false);
  });
});

describe('the StatefulSet', () => {
  const { metadata, spec } = one('StatefulSet');
  const pod = spec.template.spec;
  const [governor] = pod.containers;
  const [init] = pod.initContainers;
  const env = new Map(governor.env.map((variable) => [variable.name, variable]));

  it('is the seed’s in name, port and probes', () => {
    expect(metadata.name).toBe('safe-ai-governor');
    expect(governor.ports).toEqual([{ name: 'http', containerPort: 8000, protocol: 'TCP' }]);
    expect(governor.livenessProbe).toMatchObject({ httpGet: { path: '/livez' }, periodSeconds: 30 });
    expect(governor.readinessProbe).toMatchObject({ httpGet: { path: '/readyz' }, periodSeconds: 10 });
    expect(governor.startupProbe.httpGet.path).toBe('/health/startup');
    expect(spec.template.metadata.annotations).toMatchObject({ 'prometheus.io/port': '8000' });
  });

  it('gives each pod a claim of its own, and all of them one tree', () => {
    expect(
      spec.volumeClaimTemplates.map(({ metadata: { name }, spec: { accessModes } }) => [name, accessModes]),
    ).toEqual([['data', ['ReadWriteOnce']]]);
    const tree = one('PersistentVolumeClaim');
    expect(tree.spec.accessModes).toEqual(['ReadWriteMany']);
    expect(spec.replicas).toBeGreaterThan(1);
    expect(env.has('DATABASE_URL')).toBe(true);
    expect(pod.volumes.some((volume) => 'persistentVolumeClaim' in volume && volume.name === 'data')).toBe(
      false,
    );
    expect(allOf('Service').map((service) => service.metadata.name)).toContain(spec.serviceName);
  });

  it('runs as nobody of the node, can write nowhere but to its data, the tree and /tmp', () => {
    expect(pod.securityContext).toMatchObject({ runAsUser: 1000, fsGroup: 1000, runAsNonRoot: true });
    for (const { volumeMounts } of [governor, init])
      for (const { mountPath, readOnly } of volumeMounts)
        expect([mountPath, readOnly ?? false]).toEqual([
          mountPath,
          !['/data', '/project', '/tmp'].includes(mountPath),
        ]);
  });

  it('mounts volumes that are there, of maps and claims that are there', () => {
    const claimed = spec.volumeClaimTemplates.map(({ metadata: { name } }) => name);
    const volumes = [...pod.volumes.map(({ name }) => name), ...claimed];
    const mounted = [...governor.volumeMounts, ...init.volumeMounts].map(({ name }) => name);
    expect([...new Set(mounted)].sort()).toEqual(volumes.sort());
    const there = new Set(manifests.map((manifest) => `${manifest.kind}/${manifest.metadata.name}`));
    expect(there).toContain(`ServiceAccount/${pod.serviceAccountName}`);
    for (const volume of pod.volumes) {
      if ('configMap' in volume) expect(there).toContain(`ConfigMap/${volume.configMap.name}`);
      if ('persistentVolumeClaim' in volume)
        expect(there).toContain(`PersistentVolumeClaim/${volume.persistentVolumeClaim.claimName}`);
    }
  });

  it('reads secrets that the example names, and takes nothing that signs tokens into the cluster', () => {
    const { metadata: named, data } = one('Secret');
    const read = governor.env.flatMap((variable) =>
      'valueFrom' in variable ? [variable.valueFrom.secretKeyRef] : [],
    );
    expect(read.map(({ name }) => name)).toEqual(read.map(() => named.name));
    expect(read.map(({ key }) => key).sort()).toEqual(Object.keys(data).sort());
    expect([...env.keys()]).not.toContain('SAFEAI_JWT_PRIVATE_KEY');
    expect([...env.keys()]).not.toContain('SAFEAI_JWT_SECRET');
  });

  it('starts with settings that the fabric takes, from the map that is mounted', async () => {
    expect(governor.args).toEqual(['serve', 'governor', '--env', 'kubernetes']);
    const config = pod.volumes.find((volume) => volume.name === 'config');
    const map = allOf('ConfigMap').find(({ metadata: { name } }) => name === 'safeai-config');
    const items = config !== undefined && 'configMap' in config ? (config.configMap.items ?? []) : [];
    const root = mkdtempSync(join(tmpdir(), 'governor-config-'));
    try {
      for (const { key, path } of items) {
        mkdirSync(join(root, 'config', path, '..'), { recursive: true });
        writeFileSync(join(root, 'config', path), map?.data[key] ?? '');
      }
      const read = await readEnvironment(root, 'kubernetes');
      expect(read.ok ? [] : read.problems).toEqual([]);
    } finally {
      rmSync(root, { recursive: true });
    }
    expect(parse(map?.data['fabric.yaml'] ?? '')).toMatchObject({ listen_governor: '0.0.0.0:8000' });
    const policyFile = env.get('SAFEAI_POLICY_FILE');
    expect(policyFile).toMatchObject({ value: '/app/config/policy.yaml' });
    expect(governor.volumeMounts).toContainEqual({
      name: 'config',
      mountPath: '/app/config',
      readOnly: true,
    });
  });

  it('has a profile that is in the folder, by the name under which nodes get it', () => {
    expect(pod.securityContext.seccompProfile.localhostProfile).toBe('profiles/safeai.json');
    const readme = readFileSync(join(FOLDER, 'kustomization.yaml'), 'utf8');
    expect(readme).toContain('/var/lib/kubelet/seccomp/profiles/safeai.json');
    expect(existsSync(join(FOLDER, 'seccomp-profile.json'))).toBe(true);
  });

  it.each(['{"key_id":"bob","state":"retired"}', '{"key_id": "bob", "state": "retired"}'])(
    'takes in the shared keys that are not there, makes the pod’s own once, and takes in everybody’s that the ring %s lacks',
    (entry) => {
      const [script = ''] = init.args;
      expect(init.command).toEqual(['sh', '-euc']);
      const folder = mkdtempSync(join(tmpdir(), 'governor-keys-'));
      try {
        for (const name of ['bin', 'signers', 'shared', 'data/keys'])
          mkdirSync(join(folder, name), { recursive: true });
        writeFileSync(join(folder, 'shared', 'ledger.1.sk'), 'shared');
        writeFileSync(join(folder, 'shared', 'record.platform.key'), 'shared');
        writeFileSync(join(folder, 'data/keys/record.platform.key'), 'there already');
        for (const id of ['ann', 'bob', 'bo']) writeFileSync(join(folder, 'signers', `${id}.vk`), 'key');
        const fake = `#!/bin/sh\n[ "$2" = list ] && printf '[%s]' '${entry}' || printf '%s\\n' "$*" >> "$FOLDER/asked"\n`;
        writeFileSync(join(folder, 'bin', 'safeai'), fake, { mode: 0o755 });
        const signers = join(folder, 'signers');
        // As in the second pod, which would wait here if nothing were shared.
        const env = {
          PATH: `${join(folder, 'bin')}:${process.env.PATH}`,
          FOLDER: folder,
          HOSTNAME: 'safe-ai-governor-1',
        };
        const text = script
          .replaceAll('/app/signers', signers)
          .replaceAll('/app/shared-keys', join(folder, 'shared'))
          .replaceAll('/data/', join(folder, 'data/'));
        const { status, stderr } = spawnSync('sh', ['-euc', text], { env, encoding: 'utf8' });
        expect([status, stderr]).toEqual([0, '']);
        const kept = join(folder, 'data/keys');
        expect(statSync(join(kept, 'ledger.1.sk')).mode & 0o777).toBe(0o600);
        expect(readFileSync(join(kept, 'record.platform.key'), 'utf8')).toBe('there already');
        expect(readFileSync(join(folder, 'asked'), 'utf8').trim().split('\n')).toEqual([
          'keys generate --key-id default --role service --if-missing',
          `keys import ${signers}/ann.vk --key-id ann --role human`,
          `keys import ${signers}/bo.vk --key-id bo --role human`,
        ]);
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
  );
});

describe('what stands around it', () => {
  const labels = one('StatefulSet').spec.template.metadata.labels;

  it('selects its pods, and leads to the port that they serve', () => {
    const selectors = [
      ...allOf('Service').map(({ spec }) => spec.selector),
      one('NetworkPolicy').spec.podSelector.matchLabels,
      one('PodDisruptionBudget').spec.selector.matchLabels,
      one('StatefulSet').spec.selector.matchLabels,
    ];
    for (const selector of selectors) expect(labels).toMatchObject(selector);
    const ports = allOf('Service').flatMap(({ spec }) => spec.ports.map(({ targetPort }) => targetPort));
    expect(new Set(ports)).toEqual(new Set([8000]));
    const [rule] = one('Ingress').spec.rules;
    expect(rule?.http.paths[0]?.backend.service).toEqual({
      name: 'safe-ai-governor',
      port: { number: 8000 },
    });
    expect(one('HorizontalPodAutoscaler').spec).toMatchObject({
      scaleTargetRef: { kind: 'StatefulSet', name: 'safe-ai-governor' },
      minReplicas: 2,
      maxReplicas: 10,
    });
  });

  it('lets names be looked up, and nothing reach the metadata of the cloud', () => {
    const { egress } = one('NetworkPolicy').spec;
    const ports = egress.flatMap((rule) => rule.ports.map(({ protocol, port }) => `${protocol} ${port}`));
    expect(ports).toEqual(['UDP 53', 'TCP 53', 'TCP 443', 'TCP 5432', 'TCP 6379']);
    expect(egress.every(({ to }) => to.length > 0)).toBe(true);
  });

  it('asks every client for a certificate at the door', () => {
    expect(one('Ingress').metadata.annotations).toMatchObject({
      'nginx.ingress.kubernetes.io/auth-tls-verify-client': 'on',
      'nginx.ingress.kubernetes.io/auth-tls-secret': 'safeai/ca-secret',
    });
  });

  it('holds the namespace to the strictest level that Kubernetes has', () => {
    const { metadata } = one('Namespace');
    for (const mode of ['enforce', 'audit', 'warn'])
      expect(metadata.labels[`pod-security.kubernetes.io/${mode}`]).toBe('restricted');
  });
});

const skips = process.env.CI !== 'true' && spawnSync('kubectl', ['version', '--client']).error !== undefined;
describe.skipIf(skips)(
  skips ? 'kubectl kustomize (skipped: kubectl is not installed)' : 'kubectl kustomize',
  () => {
    const build = (folder: string) => {
      const { stdout, stderr } = spawnSync('kubectl', ['kustomize', folder], { encoding: 'utf8' });
      expect(stderr).toBe('');
      return documentsIn(stdout).map((document) => MANIFEST.parse(document));
    };

    it('builds all of it but the example of the Secret', () => {
      const built = build(FOLDER);
      expect(built).toHaveLength(manifests.length - 1);
      expect(built.some(({ kind }) => kind === 'Secret')).toBe(false);
    });

    it('builds it for tests in the pod: /proc unmasked, and the namespace open for that', () => {
      const built = build(join(ROOT, 'kubernetes', 'governor-tests-in-pod'));
      const set = built.find((manifest) => manifest.kind === 'StatefulSet');
      expect(set?.spec.template.spec.containers[0].securityContext.procMount).toBe('Unmasked');
      expect(set?.spec.template.spec.initContainers[0].securityContext.procMount).toBeUndefined();
      const namespace = built.find((manifest) => manifest.kind === 'Namespace');
      expect(namespace?.metadata.labels).toMatchObject({
        'pod-security.kubernetes.io/enforce': 'privileged',
        'pod-security.kubernetes.io/warn': 'restricted',
      });
    });
  },
);

/** Every object whose keys the API fixes. */
function placesIn(node: unknown, path: readonly string[] = []): readonly string[][] {
  if (typeof node !== 'object' || node === null) return [];
  const free =
    ['labels', 'annotations', 'matchLabels', 'data'].includes(path.at(-1) ?? '') && !Array.isArray(node);
  const isSelector = path.at(-1) === 'selector' && 'app' in node;
  if (free || isSelector) return [];
  const inner = Object.entries(node).flatMap(([key, value]) => placesIn(value, [...path, key]));
  return Array.isArray(node) ? [...inner] : [[...path], ...inner];
}
