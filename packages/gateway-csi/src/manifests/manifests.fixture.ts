import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { type Kind, MANIFEST, type Manifest, type Of } from './manifest-schemas.fixture.ts';

export const FOLDER = resolve(import.meta.dirname, '../../../../kubernetes/secrets');
export const CLASSES = ['vault', 'aws', 'provability-fabric'] as const;
/** In the runbook's words: database-username, database-password, together-api-key, jwt-secret, supabase-*. */
export const FILES = [
  'database-password',
  'database-username',
  'jwt-secret',
  'supabase-anon-key',
  'supabase-service-key',
  'supabase-url',
  'together-api-key',
];

/** As kubectl reads YAML: version 1.1, where 0400 is octal. */
function documentsOf(file: string): readonly unknown[] {
  const text = readFileSync(join(FOLDER, file), 'utf8');
  return parseAllDocuments(text, { version: '1.1', uniqueKeys: true }).map((document) => document.toJS());
}

export const files = readdirSync(FOLDER).filter(
  (file) => file.endsWith('.yaml') && file !== 'kustomization.yaml',
);
export const raw = files.flatMap((file) => documentsOf(file).map((document) => ({ file, document })));
const manifestsOf = (file: string): readonly Manifest[] =>
  documentsOf(file).map((document) => MANIFEST.parse(document));
export const deployment = manifestsOf('deployment-with-csi.yaml');
export const provider = manifestsOf('csi-provider.yaml');

export function one<K extends Kind>(among: readonly Manifest[], kind: K): Of<K> {
  const found = among.filter((manifest): manifest is Of<K> => manifest.kind === kind);
  expect(found).toHaveLength(1);
  return found[0] as Of<K>;
}

export const classOf = (name: (typeof CLASSES)[number]) =>
  one(manifestsOf(`secret-provider-class-${name}.yaml`), 'SecretProviderClass');

export type VaultObject = { objectName: string; secretPath: string; secretKey: string };
export type AwsObject = {
  objectName: string;
  objectType: string;
  objectAlias: string;
  jmesPath: { path: string; objectAlias: string }[];
};
export type OwnObject = { objectName: string; fileName: string; field: string };

/** The files that each provider makes of the class's objects, and the secret and field that they are of. */
export function mountedBy(name: (typeof CLASSES)[number]): Record<string, string> {
  const objects = parse(classOf(name).spec.parameters.objects ?? '');
  const entries =
    name === 'vault'
      ? (objects as VaultObject[]).map((one) => [
          one.objectName,
          `${one.secretPath.split('/').at(-1)}.${one.secretKey}`,
        ])
      : name === 'aws'
        ? (objects as AwsObject[]).flatMap(({ objectName, jmesPath }) =>
            jmesPath.map(({ path, objectAlias }) => [objectAlias, `${objectName.split('/').at(-1)}.${path}`]),
          )
        : (objects as OwnObject[]).map((one) => [one.fileName, `${one.objectName}.${one.field}`]);
  return Object.fromEntries(entries);
}
