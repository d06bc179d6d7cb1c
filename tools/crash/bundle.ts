import { compileBundle } from '@provability-fabric/bundle';
import { defaultSettings } from '@provability-fabric/configuration';
import { nodeCrypto } from '@provability-fabric/evidence';

const YAML = `
name: crash
version: 1
owner: tests@provability-fabric.example
tenants: [acme]
tools:
  act: { effect: write, returns: { level: public, integrity: trusted }, clearance: { level: public, integrity: trusted } }
clauses:
  - { id: no-leak, kind: flow, rule: session_label }
`;

/** A bundle that allows \`act\` and nothing else. */
export async function crashBundle() {
  const files = new Map([
    ['bundle.yaml', YAML],
    ['policy.cedar', '@id("allow-act") permit(principal, action, resource);'],
  ]);
  const compiled = await compileBundle({ files }, nodeCrypto());
  if (!compiled.ok) throw new Error(`the crash bundle does not compile: ${JSON.stringify(compiled.errors)}`);
  return compiled.bundle;
}

export const SETTINGS = {
  ...defaultSettings('/', 'crash'),
  origin: 'crash.example/log',
  sessionIdleMs: 60_000,
};
export const LIVE = { current: SETTINGS.live, onChange: () => undefined };
