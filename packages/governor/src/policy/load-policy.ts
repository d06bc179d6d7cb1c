import { type Crypto, digestJson, type JsonValue } from '@provability-fabric/kernel';
import { CEDAR_IR_FORMAT, type CedarIr, loadCedar } from '@provability-fabric/policy/cedar';
import { GovernorError } from '../errors.ts';
import type { CompileCedar } from '../ports.ts';
import { CEDAR_SCHEMA } from './cedar-schema.ts';
import { cedarTextOf } from './cedar-text.ts';
import type { SecretScan } from './content-rules.ts';
import { evaluation, RULE_NAMES } from './evaluate.ts';
import type { GovernorPolicy } from './plan.ts';
import { readSettings } from './read-settings.ts';

/** Stands in the digest: the same files under other rules of ours are another policy. */
const COMPILER = 'provability-fabric/governor-policy/v1';
const MAX_CEDAR_BYTES = 256 * 1024;

export interface PolicySource {
  /** How it is called in messages. */
  readonly path: string;
  readonly text: string;
}

export interface LoadedPolicy extends GovernorPolicy {
  /** All that Cedar decides by: the settings as policies, then the operator's own. */
  readonly cedarText: string;
}

/**
 * policy.yaml and, where there is one, policy.cedar as a policy that can be asked. Throws POLICY_INVALID with file, line and
 * column of everything that is wrong. The digest leaves out `version` and `restores`: the same content is the same
 * policy, whatever number it goes by.
 */
export async function loadGovernorPolicy(
  source: PolicySource & { readonly cedar?: PolicySource },
  deps: { readonly crypto: Crypto; readonly compile: CompileCedar; readonly secrets: SecretScan },
): Promise<LoadedPolicy> {
  const settings = readSettings(source);
  const written = cedarTextOf(settings);
  const generated = await compiled({ path: 'policy.yaml as Cedar', text: written }, deps.compile, false);
  const own = source.cedar === undefined ? undefined : await compiledOwn(source.cedar, deps.compile);
  const policies = [...generated.policies, ...(own?.policies ?? [])];
  const evaluator = loadCedar({ format: CEDAR_IR_FORMAT, policies, schema: generated.schema });
  const { version, restores, ...content } = settings;
  const digest = digestJson(deps.crypto, {
    compiler: COMPILER,
    settings: content as unknown as JsonValue,
    cedar: source.cedar?.text ?? null,
  });
  const clauses = new Set(own?.policies.map(({ id }) => id) ?? []);
  return {
    digest,
    declaredVersion: version,
    restores,
    tier: settings.autonomy_tier,
    safeMode: settings.safe_mode,
    requireTests: settings.require_tests || settings.safe_mode,
    signatures: settings.signatures,
    sandbox: settings.safe_mode ? { ...settings.sandbox, tier: 'cgroups' } : settings.sandbox,
    maxValidityMs: settings.max_validity,
    git: settings.git,
    cedarText: source.cedar === undefined ? written : `${written}\n${source.cedar.text}`,
    evaluate: evaluation({ digest, settings, evaluator, clauses, secrets: deps.secrets }),
  };
}

async function compiledOwn(source: PolicySource, compile: CompileCedar): Promise<CedarIr> {
  if (Buffer.byteLength(source.text) > MAX_CEDAR_BYTES) {
    throw new GovernorError(
      'POLICY_INVALID',
      `${source.path}:1:1: expected at most ${MAX_CEDAR_BYTES} bytes, came more`,
    );
  }
  const ir = await compiled(source, compile, true);
  const taken = ir.policies.filter(({ id }) =>
    RULE_NAMES.some((name) => id === name || id.startsWith(`${name}.`)),
  );
  if (taken.length > 0) {
    const problems = taken.map(
      ({ id, line, column }) =>
        `${source.path}:${line}:${column}: expected an \`@id\` of one's own, came \`${id}\`, which is a rule's name`,
    );
    throw new GovernorError('POLICY_INVALID', problems.join('\n'));
  }
  return ir;
}

async function compiled(source: PolicySource, compile: CompileCedar, requireIds: boolean): Promise<CedarIr> {
  const schema = { path: 'the schema of the governor', text: CEDAR_SCHEMA };
  const result = await compile({ policies: source, schema, requireIds });
  if (result.ok) return result.ir;
  const problems = result.errors.map(
    ({ line, column, message }) => `${source.path}:${line}:${column}: ${message}`,
  );
  throw new GovernorError('POLICY_INVALID', problems.join('\n'));
}
