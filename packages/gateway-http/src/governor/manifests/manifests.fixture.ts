import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { type Kind, MANIFEST, type Of } from './manifest-schemas.fixture.ts';

export const ROOT = resolve(import.meta.dirname, '../../../../..');
export const FOLDER = join(ROOT, 'kubernetes', 'governor');
export const STAGING = join(ROOT, 'deploy', 'governor');

/** As kubectl reads YAML: version 1.1, where `on` is a truth value and 0400 octal. */
export function documentsIn(text: string): readonly unknown[] {
  return parseAllDocuments(text, { version: '1.1', uniqueKeys: true }).map((document) => document.toJS());
}

export const files = readdirSync(FOLDER).filter(
  (file) => file.endsWith('.yaml') && file !== 'kustomization.yaml',
);
export const raw = files.flatMap((file) =>
  documentsIn(readFileSync(join(FOLDER, file), 'utf8')).map((document) => ({ file, document })),
);
export const manifests = raw.map(({ document }) => MANIFEST.parse(document));

export const allOf = <K extends Kind>(kind: K): readonly Of<K>[] =>
  manifests.filter((manifest): manifest is Of<K> => manifest.kind === kind);

export function one<K extends Kind>(kind: K): Of<K> {
  const [first, ...more] = allOf(kind);
  if (first === undefined || more.length > 0) throw new Error(`expected one ${kind}`);
  return first;
}
