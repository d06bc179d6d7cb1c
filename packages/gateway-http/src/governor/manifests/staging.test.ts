import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { compileCedar } from '@provability-fabric/bundle';
import { createSecretRules } from '@provability-fabric/detect';
import { nodeCrypto } from '@provability-fabric/evidence';
import { loadGovernorPolicy } from '@provability-fabric/governor';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { allOf, one, ROOT, STAGING } from './manifests.fixture.ts';

interface Service {
  readonly image: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly security_opt?: readonly string[];
  readonly cap_drop?: readonly string[];
  readonly read_only?: boolean;
  readonly ports?: readonly string[];
}

const read = (name: string) => readFileSync(join(STAGING, name), 'utf8');
const { services, volumes } = parse(read('docker-compose.yaml')) as {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, null>>;
};
const governor = services['safe-ai-governor'] as Service;

describe('staging with Docker Compose', () => {
  it('says by name that tokens share a secret, and has no value for it', () => {
    expect(governor.environment).toMatchObject({ SAFEAI_JWT_ALGORITHM: 'HS256' });
    expect(governor.environment?.SAFEAI_JWT_SECRET).toMatch(/^\$\{JWT_SECRET:\?/);
    expect(services.grafana?.environment?.GF_SECURITY_ADMIN_PASSWORD).toMatch(/^\$\{GRAFANA_PASSWORD:\?/);
  });

  it('locks the governor in as Kubernetes does, and opens no port to the network', () => {
    expect(governor).toMatchObject({ read_only: true, cap_drop: ['ALL'] });
    expect(governor.security_opt).toContain('no-new-privileges:true');
    expect(governor.image).toBe(one('StatefulSet').spec.template.spec.containers[0].image);
    for (const { ports = [], image } of Object.values(services)) {
      expect(image).toMatch(/:v?[0-9][0-9.]+$/);
      for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
    }
  });

  it('mounts files that are there, and volumes that are declared', () => {
    const sources = Object.values(services).flatMap((service) =>
      (service.volumes ?? []).map((volume) => volume.split(/:(?=\/)/)[0] ?? ''),
    );
    for (const source of sources.filter((one) => !one.startsWith('${')))
      expect(source.startsWith('.') ? existsSync(resolve(STAGING, source)) : source in volumes, source).toBe(
        true,
      );
  });

  it('has the policy of Kubernetes, which the governor takes and which lets nothing land without a person', async () => {
    const map = allOf('ConfigMap').find(({ metadata }) => metadata.name === 'safeai-config');
    const text = map?.data['policy.yaml'] ?? '';
    expect(parse(read('policy/policy.yaml'))).toEqual(parse(text));
    const policy = await loadGovernorPolicy(
      { path: 'policy.yaml', text },
      { crypto: nodeCrypto(), compile: compileCedar, secrets: createSecretRules() },
    );
    expect(policy).toMatchObject({ declaredVersion: 1, tier: 'beta', safeMode: true, requireTests: true });
    expect(policy.sandbox.tier).toBe('cgroups');
  });

  it('sets no variable that the governor does not know', () => {
    const settings = readFileSync(join(ROOT, 'apps/fabric/src/governor/governor-settings.ts'), 'utf8');
    const inKubernetes = one('StatefulSet').spec.template.spec.containers[0].env.map(({ name }) => name);
    const names = [...inKubernetes, ...Object.keys(governor.environment ?? {})];
    const unknown = names.filter((name) => name.startsWith('SAFEAI_') && !settings.includes(`'${name}'`));
    expect(unknown).toEqual([]);
  });

  it.each([
    [200, 0],
    [503, 1],
  ])('is probed by what is in the image: a %i is exit %i', (status, exit) => {
    const [, program, flag, text = ''] = governor.healthcheck?.test ?? [];
    expect([program, flag]).toEqual(['node', '-e']);
    const asked = `globalThis.fetch = async (url) => { console.log(url); return { ok: ${status === 200} }; };`;
    const run = spawnSync('node', ['-e', `${asked}${text}`], { encoding: 'utf8' });
    expect([run.status, run.stdout.trim()]).toEqual([exit, 'http://127.0.0.1:8000/livez']);
  });

  const missing = spawnSync('promtool', ['--version']).error !== undefined;
  it.skipIf(missing && process.env.CI !== 'true')(
    'scrapes the governor and evaluates its alerts (needs promtool, of Debian’s prometheus)',
    () => {
      const folder = mkdtempSync(join(tmpdir(), 'prometheus-'));
      copyFileSync(join(STAGING, 'prometheus.yml'), join(folder, 'prometheus.yml'));
      copyFileSync(join(ROOT, 'deploy/prometheus/alerts.yaml'), join(folder, 'alerts.yaml'));
      const { status } = spawnSync('promtool', ['check', 'config', join(folder, 'prometheus.yml')]);
      rmSync(folder, { recursive: true });
      expect(status).toBe(0);
    },
  );
});

describe('the governor’s Dockerfile', () => {
  const [, , runtime = ''] = read('Dockerfile').split(/^FROM .*$/m);

  it('runs what is there, as the user of the pods, with what the sandbox and commits need', () => {
    const { runAsUser, runAsGroup } = one('StatefulSet').spec.template.spec.securityContext;
    expect(runtime).toContain(`USER ${runAsUser}:${runAsGroup}\n`);
    expect(runtime).toMatch(/apt-get install -y --no-install-recommends bubblewrap git /);
    const [, entry = ''] = /^ENTRYPOINT \["node", "\/app\/([^"]+)"\]$/m.exec(runtime) ?? [];
    const [, safeai = ''] = /ln -s \/app\/(\S+) \/usr\/local\/bin\/safeai/.exec(runtime) ?? [];
    const copied = [...runtime.matchAll(/^COPY --from=build \/app\/(\S+) \.\/\1$/gm)].map(
      ([, path]) => path as string,
    );
    for (const path of [entry, safeai, ...copied]) expect(existsSync(join(ROOT, path)), path).toBe(true);
    expect(copied).toContain(entry.split('/')[0]);
  });
});
