import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BundleError } from './errors.ts';
import { readBundleFolder } from './read-folder.ts';
import { failures } from './run-cases.fixture.ts';
import { compiled } from './sources.fixture.ts';
import { renderTemplate } from './template/render-template.ts';

const BUNDLES = resolve(import.meta.dirname, '../../../bundles');

describe('the bundle that `pfctl init` writes', () => {
  it('compiles without a warning and passes its own tests', async () => {
    const sources = { files: renderTemplate('my-agent', 'initech') };
    expect((await compiled(sources)).warnings).toEqual([]);
    expect(await failures(sources)).toEqual([]);
    expect([...sources.files.values()].join('')).not.toMatch(/@[A-Z]+@/);
  });

  it('is not written for a name that would break out of its place', () => {
    for (const [name, tenant] of [
      ['a b', 'acme'],
      ['a', 'a\nb'],
      ['a', 'A'],
      ['', 'acme'],
      ['a', '{tenant}'],
    ]) {
      expect(() => renderTemplate(name as string, tenant as string)).toThrow(BundleError);
    }
  });
});

describe.each(readdirSync(BUNDLES))('bundles/%s', (name) => {
  it('compiles without a warning and passes its own tests', async () => {
    const sources = await readBundleFolder(join(BUNDLES, name));
    const { warnings, bundle } = await compiled(sources);
    expect(warnings).toEqual([]);
    expect(bundle.name).toBe(name);
    expect(await failures(sources)).toEqual([]);
  });
});
