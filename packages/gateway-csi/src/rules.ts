import { asSecretTenant, type SecretName, type SecretTenant } from '@provability-fabric/secrets';
import { CsiError } from './errors.ts';
import type { PodIdentity } from './pod-identity.ts';

/** An operator's word on what a service account may mount. */
export interface MountRule {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly tenant: string;
  /** Names; one that ends in `/` stands for all below it, `*` for all of the tenant. */
  readonly names: readonly string[];
}

export interface MountGrant {
  readonly tenant: SecretTenant;
  readonly allows: (name: SecretName) => boolean;
}

const MAX_RULES = 10_000;
const SEGMENT = /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/;
const ENTRY = /^(?:\*|[A-Za-z0-9][A-Za-z0-9._/-]{0,254})$/;

/** Throws CSI_RULES_INVALID. No rule for an account: it mounts nothing. */
export function compileRules(
  rules: readonly MountRule[],
): (identity: Pick<PodIdentity, 'namespace' | 'serviceAccount'>) => MountGrant | undefined {
  if (rules.length > MAX_RULES) throw invalid(`at most ${MAX_RULES} rules, got \`${rules.length}\``);
  const grants = new Map<string, MountGrant>();
  for (const [index, { namespace, serviceAccount, tenant, names }] of rules.entries()) {
    if (!SEGMENT.test(namespace) || !SEGMENT.test(serviceAccount))
      throw invalid(`a namespace and a service account, each by its whole name, in rule ${index}`);
    const bad = names.find((entry) => !ENTRY.test(entry) || entry.includes('..') || entry.includes('//'));
    if (names.length === 0 || bad !== undefined)
      throw invalid(`names like \`db/primary\`, \`db/\` or \`*\` in rule ${index}`);
    const account = `${namespace}:${serviceAccount}`;
    // Two answers to one question: whichever came first would decide.
    if (grants.has(account)) throw invalid(`one rule for \`${account}\`, got two`);
    grants.set(account, {
      tenant: asSecretTenant(tenant),
      allows: (name) => names.some((entry) => covers(entry, name)),
    });
  }
  return ({ namespace, serviceAccount }) => grants.get(`${namespace}:${serviceAccount}`);
}

function covers(entry: string, name: string): boolean {
  return entry === '*' || entry === name || (entry.endsWith('/') && name.startsWith(entry));
}

function invalid(expected: string): CsiError {
  return new CsiError('CSI_RULES_INVALID', `expected ${expected}`);
}
