import { createHash } from 'node:crypto';
import type { Crypto } from '@provability-fabric/kernel';
import { type CompileOptions, compileBundle } from './compile.ts';
import type { CompileError, CompileWarning } from './errors.ts';
import type { BundleSources } from './sources.ts';
import { SCHEMA_CEDARSCHEMA } from './template/schema-cedarschema.ts';

export const crypto: Crypto = {
  sha256: (data) => new Uint8Array(createHash('sha256').update(data).digest()),
  verifyEd25519: () => false,
};

/** A small bundle that compiles without a warning; tests change one part of it. */
export const PARTS = {
  head: `name: desk
version: 1
owner: security@acme.example
tenants: [acme, globex]
`,
  constants: `constants:
  team: [team@acme.example, 7, true]
`,
  stores: `stores:
  inbox:
    paths: ["inbox/**"]
    label: { level: internal, integrity: untrusted }
  own:
    paths: ["own/{tenant}/**"]
    label: { level: confidential, compartments: ["tenant:{tenant}"], integrity: trusted }
`,
  tools: `tools:
  read_file:
    effect: read
    parameters: { path: { stores: [inbox, own] } }
  send_mail:
    effect: egress
    returns: { level: public, integrity: trusted }
    clearance: { level: internal, integrity: untrusted }
    parameters: { to: { from: [prompt, { constant: team }], endorse: [prompt] } }
`,
  documents: `documents:
  - { uri: "demo://*", label: { level: public, integrity: untrusted } }
`,
  clauses: `clauses:
  - { id: arguments, kind: flow, rule: parameters }
  - { id: labels, kind: flow, rule: session_label, on: { effects: [egress, write] } }
  - { id: reading, kind: permit }
`,
  policy: `@id("reading")
permit (principal, action == Action::"call", resource in Effect::"read");

@id("mailing")
permit (principal, action == Action::"call", resource == Tool::"send_mail");
`,
  schema: SCHEMA_CEDARSCHEMA,
  tests: `- name: a read
  events:
    - { tool: read_file, args: { path: inbox/1 }, expect: { effect: allow } }
`,
};

export type Parts = Partial<Record<keyof typeof PARTS, string>>;

const IN_BUNDLE_YAML = ['head', 'constants', 'stores', 'tools', 'documents', 'clauses'] as const;

/** The bundle with some parts replaced. A part that is the empty text is left out. */
export function sourcesWith(parts: Parts = {}): BundleSources {
  const all = { ...PARTS, ...parts };
  const files = new Map([
    ['bundle.yaml', IN_BUNDLE_YAML.map((part) => all[part]).join('')],
    ['policy.cedar', all.policy],
    ['schema.cedarschema', all.schema],
    ['tests/basic.yaml', all.tests],
  ]);
  for (const path of ['schema.cedarschema', 'tests/basic.yaml'])
    if (files.get(path) === '') files.delete(path);
  return { files };
}

const MARK = '‸';

/** Takes the mark out of the sources: what is left, and where the mark stood. */
export function unmarked(sources: BundleSources): {
  readonly sources: BundleSources;
  readonly place: string;
} {
  let place = 'no mark';
  const files = new Map(
    [...sources.files].map(([file, text]) => {
      const at = text.indexOf(MARK);
      if (at >= 0) {
        const before = text.slice(0, at);
        place = `${file}:${before.split('\n').length}:${at - before.lastIndexOf('\n')}`;
      }
      return [file, text.replaceAll(MARK, '')] as const;
    }),
  );
  return { sources: { files }, place };
}

/**
 * Compiles what must not compile, or must compile with warnings, and says `CODE at file:line:column` of each
 * finding.
 */
export async function findingsOf(
  sources: BundleSources,
  options?: CompileOptions,
): Promise<readonly string[]> {
  const compiled = await compileBundle(sources, crypto, options);
  return (compiled.ok ? compiled.warnings : compiled.errors).map(at);
}

export function at({ code, file, line, column }: CompileError | CompileWarning): string {
  return `${code} at ${file}:${line}:${column}`;
}

export async function compiled(sources: BundleSources) {
  const result = await compileBundle(sources, crypto);
  if (!result.ok) throw new Error(result.errors.map(({ message }) => message).join('\n'));
  return result;
}
