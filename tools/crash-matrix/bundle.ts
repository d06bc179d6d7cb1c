import { writeFile } from 'node:fs/promises';
import { compileBundle } from '@provability-fabric/bundle';
import { nodeCrypto } from '@provability-fabric/evidence';
import { canonicalBytes, type JsonValue } from '@provability-fabric/kernel';

const TOOL = `effect: write, returns: { level: public, integrity: trusted }, clearance: { level: public, integrity: trusted }`;

const yaml = (assurance: Assurance) => `
name: crash-matrix
version: 1
owner: tests@provability-fabric.example
tenants: [${TENANT}]
assurance: ${assurance}
tools:
  act: { ${TOOL} }
  post: { ${TOOL}, once: true }
clauses:
  - { id: no-leak, kind: flow, rule: session_label }
`;

export const TENANT = 'acme';
export type Assurance = 'standard' | 'high';

/** A bundle that allows \`act\` and \`post\` (once), and nothing else; compiled, so that a start does not have to. */
export async function writeBundle(path: string, assurance: Assurance): Promise<void> {
  const policy = ['act', 'post']
    .map((tool) => `@id("allow-${tool}") permit(principal, action, resource == Tool::"${tool}");`)
    .join('\n');
  const files = new Map([
    ['bundle.yaml', yaml(assurance)],
    ['policy.cedar', policy],
  ]);
  const compiled = await compileBundle({ files }, nodeCrypto());
  if (!compiled.ok) throw new Error(`the crash bundle does not compile: ${JSON.stringify(compiled.errors)}`);
  await writeFile(path, canonicalBytes(compiled.bundle as unknown as JsonValue));
}
