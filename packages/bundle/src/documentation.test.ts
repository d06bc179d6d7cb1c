import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type BundleError, COMPILE_ERROR_CODES, COMPILE_WARNING_CODES } from './errors.ts';
import { failures } from './run-cases.fixture.ts';
import { bundleShape } from './shape/bundle-shape.ts';
import { testsShape } from './shape/test-shape.ts';
import { compiled } from './sources.fixture.ts';
import { SCHEMA_CEDARSCHEMA } from './template/schema-cedarschema.ts';

const page = (name: string) =>
  readFileSync(resolve(import.meta.dirname, '../../../docs/reference', name), 'utf8');

describe('the reference', () => {
  it('has a section for every compile error and warning, and for nothing else', () => {
    const folder: BundleError['code'][] = [
      'FOLDER_UNREADABLE',
      'FILE_OUTSIDE',
      'FILE_NOT_TEXT',
      'BAD_NAME',
      'TOOLS_UNREADABLE',
    ];
    const sections = [...page('compile-errors.md').matchAll(/^## (\S+)$/gm)].map((match) => match[1]);
    expect(sections.sort()).toEqual([...COMPILE_ERROR_CODES, ...COMPILE_WARNING_CODES, ...folder].sort());
  });

  it('names every key that the compiler reads', () => {
    const text = page('bundle.md');
    const silent = [...keysOf(bundleShape), ...keysOf(testsShape)].filter(
      (key) => !new RegExp(`\\b${key}\\b`).test(text),
    );
    expect(silent).toEqual([]);
    expect(keysOf(bundleShape).size).toBeGreaterThan(40);
  });

  it('shows an example that compiles without a warning and passes its own tests', async () => {
    const blocks = [...page('bundle.md').matchAll(/^```\w+ (\S+)\n([\s\S]*?)^```$/gm)];
    const files = new Map(blocks.map(([, path, text]) => [path as string, text as string]));
    expect([...files.keys()]).toEqual(['bundle.yaml', 'policy.cedar', 'tests/basic.yaml']);
    const sources = { files: files.set('schema.cedarschema', SCHEMA_CEDARSCHEMA) };
    expect((await compiled(sources)).warnings).toEqual([]);
    expect(await failures(sources)).toEqual([]);
  });
});

/** The keys of every map in a shape. */
function keysOf(shape: unknown): ReadonlySet<string> {
  const keys = new Set<string>();
  const seen = new Set<unknown>();
  const open = [shape];
  for (let part = open.pop(); part !== undefined; part = open.pop()) {
    if (typeof part !== 'object' || part === null || seen.has(part)) continue;
    seen.add(part);
    const { def } = part as { def?: { shape?: object } };
    if (def?.shape !== undefined) for (const key of Object.keys(def.shape)) keys.add(key);
    open.push(...Object.values(def ?? part), ...Object.values(def?.shape ?? {}));
  }
  return keys;
}
