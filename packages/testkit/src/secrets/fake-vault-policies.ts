/** What one rule of a policy grants; `deny` beats all else. */
interface Rule {
  readonly pattern: string;
  readonly capabilities: ReadonlySet<string>;
}

export type Policy = readonly Rule[];

const RULE = /path\s+"([^"]+)"\s*\{\s*capabilities\s*=\s*\[([^\]]*)\]\s*\}/g;

/** The HCL of `vault policy write`, as far as rules of paths go. */
export function policyOf(hcl: string): Policy {
  return [...hcl.matchAll(RULE)].map(([, pattern = '', list = '']) => ({
    pattern,
    capabilities: new Set([...list.matchAll(/"([a-z]+)"/g)].map(([, capability = '']) => capability)),
  }));
}

/** What Vault attaches to every token unless told otherwise, as far as it matters here. */
export const DEFAULT_POLICY = policyOf(`
  path "auth/token/lookup-self" { capabilities = ["read"] }
  path "auth/token/renew-self" { capabilities = ["update"] }
`);

/** The most specific rule of each policy counts; a list is asked for with a trailing slash. */
export function grants(policies: readonly Policy[], path: string, capability: string): boolean {
  const granted = policies.flatMap((policy) => {
    const matching = policy.filter(({ pattern }) => matches(pattern, path));
    const longest = Math.max(...matching.map(({ pattern }) => pattern.length));
    return matching.filter(({ pattern }) => pattern.length === longest);
  });
  return (
    granted.some(({ capabilities }) => capabilities.has(capability)) &&
    !granted.some(({ capabilities }) => capabilities.has('deny'))
  );
}

/** `*` stands at the end only and matches anything; `+` matches one segment. */
function matches(pattern: string, path: string): boolean {
  const glob = pattern.endsWith('*');
  const wanted = (glob ? pattern.slice(0, -1) : pattern).split('/');
  const got = path.split('/');
  if (!glob && wanted.length !== got.length) return false;
  return wanted.every((segment, at) => {
    const actual = got[at];
    if (actual === undefined) return false;
    if (segment === '+') return true;
    return glob && at === wanted.length - 1 ? actual.startsWith(segment) : actual === segment;
  });
}
