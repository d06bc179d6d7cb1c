import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MANIFEST, type Manifest } from './manifest-schemas.fixture.ts';
import { FOLDER, files, raw } from './manifests.fixture.ts';

describe('the manifests', () => {
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
      { numRuns: 200 },
    );
  });

  it('hold no placeholder, no value of a secret and no image without a version', () => {
    for (const file of files) {
      const text = readFileSync(join(FOLDER, file), 'utf8');
      expect(text, file).not.toMatch(/\{\{|:latest|stringData|BEGIN [A-Z ]*PRIVATE/);
    }
  });
});

/** Every object whose keys the API fixes. */
function placesIn(node: unknown, path: readonly string[] = []): readonly string[][] {
  const free = ['labels', 'annotations', 'matchLabels', 'data', 'parameters', 'nodeSelector'];
  if (typeof node !== 'object' || node === null) return [];
  const last = path.at(-1) ?? '';
  const isFree =
    (free.includes(last) && !Array.isArray(node)) ||
    (last === 'selector' && 'app.kubernetes.io/name' in node);
  const inner = Object.entries(node).flatMap(([key, value]) => placesIn(value, [...path, key]));
  return Array.isArray(node) ? [...inner] : isFree ? [] : [[...path], ...inner];
}
