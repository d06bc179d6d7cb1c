import { compileBundle } from '@provability-fabric/bundle';
import { nodeCrypto } from '@provability-fabric/evidence';
import type { JsonValue, Label } from '@provability-fabric/kernel';
import type { CompiledBundle } from '@provability-fabric/policy';
import {
  type BundleSpec,
  CONSTANTS,
  type HandlesSpec,
  type ParameterSpec,
  type ReleaseSpec,
  TENANT,
  type ToolSpec,
} from './bundle-spec.ts';

/** Through the real compiler; undefined where its clauses contradict each other. */
export async function compileSpec(spec: BundleSpec): Promise<CompiledBundle | undefined> {
  const files = new Map([
    ['bundle.yaml', bundleYaml(spec)],
    ['policy.cedar', policyCedar(spec)],
  ]);
  const compiled = await compileBundle({ files }, nodeCrypto());
  if (compiled.ok) return compiled.bundle;
  const other = compiled.errors.find(({ code }) => !CHANCE_ERRORS.has(code));
  if (other !== undefined)
    throw new Error(`expected a bundle that compiles, came \`${other.code}\`: ${other.message}`);
  return undefined;
}

/** What clauses that were drawn apart from one another may be refused for. */
const CHANCE_ERRORS: ReadonlySet<string> = new Set(['TRACE_CONTRADICTION', 'NEVER_MATCHES']);

/** JSON is YAML: nothing to quote or to indent. */
export function bundleYaml(spec: BundleSpec): string {
  const { tools, stores, documents, releases, restrictions, handles } = spec;
  const clauses = [
    { id: 'arguments', kind: 'flow', rule: 'parameters' },
    { id: 'labels', kind: 'flow', rule: 'session_label' },
    ...releases.map(releaseDocument),
    ...restrictions,
  ];
  return JSON.stringify(
    {
      name: 'random',
      version: 1,
      owner: 'security@acme.example',
      tenants: [TENANT],
      constants: CONSTANTS,
      stores: named(stores, ({ name, label, accepts }) => ({
        paths: [`${name}/**`],
        label: written(label),
        accepts: written(accepts),
      })),
      tools: named(tools, toolDocument),
      documents: documents.map(({ uri, label }) => ({ uri, label: written(label) })),
      ...(handles === null ? {} : { handles: handlesDocument(handles) }),
      clauses,
    },
    null,
    1,
  );
}

export function policyCedar({ forbids }: BundleSpec): string {
  const all = ['@id("all")\npermit (principal, action, resource);\n'];
  for (const [index, condition] of forbids.entries())
    all.push(`@id("forbid-${index}")\nforbid (principal, action, resource)\nwhen { ${condition} };\n`);
  return all.join('\n');
}

function toolDocument({ effect, once, returns, fields, clearance, parameters }: ToolSpec) {
  const parts = named(
    fields.flatMap(({ name, label }) => [
      { name: `/${name}`, label },
      { name: `/*/${name}`, label },
    ]),
    ({ label }) => written(label),
  );
  return {
    effect,
    once,
    ...(returns === null ? {} : { returns: { ...written(returns), fields: parts } }),
    ...(clearance === null ? {} : { clearance: written(clearance) }),
    parameters: named(
      parameters.map((parameter) => ({ ...parameter, name: parameter.pointer })),
      parameterDocument,
    ),
  };
}

function parameterDocument({ stores, from, endorse, trusted, optional }: ParameterSpec) {
  return {
    ...(stores === null ? {} : { stores }),
    ...(from === null ? {} : { from }),
    endorse,
    trusted,
    optional,
  };
}

function handlesDocument({ clearance, extract }: HandlesSpec) {
  const rules = extract.flatMap(({ tool, field, types, label }) => {
    const rule = { tool, types, label: written(label) };
    return field === null ? [rule] : [`/${field}`, `/*/${field}`].map((each) => ({ ...rule, field: each }));
  });
  return { clearance: written(clearance), extract: rules };
}

function releaseDocument({ id, rule, tool, parameter, type, from, to }: ReleaseSpec) {
  return {
    id,
    kind: 'flow',
    rule,
    on: { tools: [tool] },
    ...(parameter === null ? {} : { parameter }),
    ...(type === null ? {} : { type }),
    from: written(from),
    to: written(to),
  };
}

function written({ level, compartments, integrity }: Label) {
  const own = compartments.map((name) => (name === `tenant:${TENANT}` ? 'tenant:{tenant}' : name));
  return { level, compartments: own, integrity };
}

function named<T extends { readonly name: string }, R>(list: readonly T[], document: (item: T) => R) {
  return Object.fromEntries(list.map((item) => [item.name, document(item)] as const)) as Record<string, R> &
    Record<string, JsonValue>;
}
