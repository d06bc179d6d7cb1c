import { FABRIC_KEYS } from './fabric-keys.ts';
import type { Problem } from './problem.ts';
import { keyName, type Place, readYamlFile, scalarValue, unknownKey } from './yaml-file.ts';

export type FabricKey = keyof typeof FABRIC_KEYS;
type ValueOf<Key extends FabricKey> = Extract<
  ReturnType<(typeof FABRIC_KEYS)[Key]['parse']>,
  { ok: true }
>['value'];

/** What `fabric.yaml` says; a key that it does not name is absent. */
export type FabricValues = { readonly [Key in FabricKey]?: ValueOf<Key> };

export interface FabricFile {
  readonly values: FabricValues;
  readonly places: ReadonlyMap<string, Place>;
  readonly problems: readonly Problem[];
}

/** Reads `fabric.yaml`. Every key is checked, so that all that is wrong is said at once. */
export async function readFabricFile(path: string, file: string): Promise<FabricFile> {
  const read = await readYamlFile(path, file);
  if (!read.ok) return { values: {}, places: new Map(), problems: read.problems };
  const { yaml } = read;
  const values: Record<string, unknown> = {};
  const places = new Map<string, Place>();
  const problems: Problem[] = [];
  for (const { key, value } of yaml.root?.items ?? []) {
    const name = keyName(key);
    if (!Object.hasOwn(FABRIC_KEYS, name)) {
      problems.push(yaml.problem(key, unknownKey(name, Object.keys(FABRIC_KEYS))));
      continue;
    }
    places.set(name, yaml.place(key));
    const parsed = FABRIC_KEYS[name as FabricKey].parse(scalarValue(value));
    if (parsed.ok) values[name] = parsed.value;
    else problems.push(yaml.problem(value ?? key, `\`${name}\`: ${parsed.problem}`));
  }
  const known = values as FabricValues;
  const contradictions = tlsProblems(known, new Set(places.keys())).map(([key, message]) => ({
    file,
    ...(places.get(key) as Place),
    message,
  }));
  return { values: known, places, problems: [...problems, ...contradictions] };
}

/** Half of a TLS configuration would be plain HTTP, or clients that nobody checks, where an operator believes otherwise. */
function tlsProblems(
  values: FabricValues,
  named: ReadonlySet<string>,
): readonly (readonly [string, string])[] {
  const found: (readonly [string, string])[] = [];
  const needs = (key: string, other: string) => {
    if (named.has(key) && !named.has(other))
      found.push([key, `\`${key}\`: expected \`${other}\` beside it, came none; name both or neither`]);
  };
  needs('tls_certificate', 'tls_key');
  needs('tls_key', 'tls_certificate');
  needs('tls_client_ca', 'tls_certificate');
  needs('tls_client_ca', 'tls_clients');
  if (values.tls_clients !== 'none') needs('tls_clients', 'tls_client_ca');
  return found;
}
