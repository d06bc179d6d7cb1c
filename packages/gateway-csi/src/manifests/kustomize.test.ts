import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { MANIFEST } from './manifest-schemas.fixture.ts';
import { CLASSES, deployment, FOLDER, provider } from './manifests.fixture.ts';

const skips = process.env.CI !== 'true' && spawnSync('kubectl', ['version', '--client']).error !== undefined;
describe.skipIf(skips)(
  skips ? 'kubectl kustomize (skipped: kubectl is not installed)' : 'kubectl kustomize',
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'kustomize-'));
    beforeAll(() => cpSync(FOLDER, folder, { recursive: true }));
    afterAll(() => rmSync(folder, { recursive: true }));
    const build = () => execFileSync('kubectl', ['kustomize', folder], { encoding: 'utf8', stdio: 'pipe' });
    const choose = (resources: readonly string[]) =>
      writeFileSync(join(folder, 'kustomization.yaml'), `resources: ${JSON.stringify(resources)}\n`);

    it('builds what is there by itself, and nothing in it is lost', () => {
      const built = parseAllDocuments(build()).map((document) => MANIFEST.parse(document.toJS()));
      expect(built).toHaveLength(deployment.length + provider.length + 1);
    });

    it.each(CLASSES)(
      'builds the Deployment with the class of %s, and refuses two classes of one name',
      (name) => {
        choose([`secret-provider-class-${name}.yaml`, 'deployment-with-csi.yaml']);
        expect(parseAllDocuments(build())).toHaveLength(deployment.length + 1);
        const other = CLASSES.find((another) => another !== name);
        choose([`secret-provider-class-${name}.yaml`, `secret-provider-class-${other}.yaml`]);
        expect(build).toThrow(/valuecanvas-secrets/);
      },
    );
  },
);
