import { isMap, type YAMLMap } from 'yaml';
import { type Problem, shown } from './problem.ts';
import type { UpstreamSettings } from './settings.ts';
import type { UPSTREAM_KEYS } from './upstream-keys.ts';
import { parseAddress, parseArguments, parsePrefix, parseText, parseVariables } from './upstream-values.ts';
import { type Parsed, parseOneOf, parsePath } from './values.ts';
import { keyName, type Place, readYamlFile, scalarValue, unknownKey, type YamlFile } from './yaml-file.ts';

const MOST = 64;

const PARSERS = {
  command: (node: unknown) => parsePath(scalarValue(node)),
  args: parseArguments,
  cwd: (node: unknown) => parsePath(scalarValue(node)),
  env: parseVariables,
  url: parseAddress,
  authorization: (node: unknown) => parseOneOf(scalarValue(node), ['none', 'pass', 'exchange']),
  token_endpoint: parseAddress,
  client_id: parseText,
  client_secret_file: (node: unknown) => parsePath(scalarValue(node)),
  audience: parseText,
  scope: parseText,
  prefix: parsePrefix,
} satisfies Record<keyof typeof UPSTREAM_KEYS, (node: unknown) => Parsed<unknown>>;

type Member = keyof typeof PARSERS;
type Members = {
  readonly [Key in Member]?: Extract<ReturnType<(typeof PARSERS)[Key]>, { ok: true }>['value'];
};

const OF_COMMAND: readonly Member[] = ['args', 'cwd', 'env'];
const OF_URL: readonly Member[] = ['authorization'];
const WANTED_TO_EXCHANGE: readonly Member[] = ['token_endpoint', 'client_id', 'client_secret_file'];
const OF_EXCHANGE: readonly Member[] = [...WANTED_TO_EXCHANGE, 'audience', 'scope'];

export interface UpstreamsFile {
  readonly upstreams: ReadonlyMap<string, UpstreamSettings>;
  readonly places: ReadonlyMap<string, Place>;
  readonly problems: readonly Problem[];
}

/** Reads `upstreams.yaml`, paths as they are written. Without the file there are no upstreams. */
export async function readUpstreamsFile(path: string, file: string): Promise<UpstreamsFile> {
  const upstreams = new Map<string, UpstreamSettings>();
  const places = new Map<string, Place>();
  const read = await readYamlFile(path, file);
  if (!read.ok) return { upstreams, places, problems: read.problems };
  const { yaml } = read;
  const items = yaml.root?.items ?? [];
  const problems: Problem[] = [];
  if (items.length > MOST)
    problems.push(yaml.problem(yaml.root, `expected at most ${MOST} upstreams, came \`${items.length}\``));
  for (const { key, value } of items.slice(0, MOST)) {
    const name = keyName(key);
    const nameProblem = badName(name);
    if (nameProblem !== undefined) problems.push(yaml.problem(key, nameProblem));
    else if (!isMap(value))
      problems.push(
        yaml.problem(value ?? key, `\`${name}\`: expected a mapping with \`command\` or \`url\``),
      );
    else {
      const { members, at, found } = readMembers(yaml, name, value);
      const wrong = [
        ...found,
        ...contradictions(members, at).map((one) => yaml.problem(key, `\`${name}\`: ${one}`)),
      ];
      problems.push(...wrong);
      if (wrong.length > 0) continue;
      places.set(name, yaml.place(key));
      upstreams.set(name, settingsOf(members));
    }
  }
  return { upstreams, places, problems };
}

/** The name is a part of the path `/mcp/<name>`; `/mcp/all` joins the others. */
function badName(name: string): string | undefined {
  if (name === 'all') return 'expected another name than `all`, which joins every upstream; choose one';
  if (/^[a-z0-9-]{1,32}$/.test(name)) return undefined;
  return `expected an upstream's name of 1 to 32 lowercase letters, digits and \`-\`, came ${shown(name)}`;
}

function readMembers(yaml: YamlFile, name: string, map: YAMLMap) {
  const values: Record<string, unknown> = {};
  const at = new Set<string>();
  const found: Problem[] = [];
  for (const { key, value } of map.items) {
    const member = keyName(key);
    if (!Object.hasOwn(PARSERS, member)) {
      found.push(yaml.problem(key, `\`${name}\`: ${unknownKey(member, Object.keys(PARSERS))}`));
      continue;
    }
    at.add(member);
    const parsed = PARSERS[member as Member](value);
    if (parsed.ok) values[member] = parsed.value;
    else found.push(yaml.problem(value ?? key, `\`${name}.${member}\`: ${parsed.problem}`));
  }
  return { members: values as Members, at, found };
}

/** By what is written, not by what is valid: a bad `url` is one problem, not two. */
function contradictions({ authorization }: Members, at: ReadonlySet<string>): readonly string[] {
  if (at.has('command') === at.has('url'))
    return [`expected either \`command\` or \`url\`, came ${at.has('url') ? 'both' : 'neither'}`];
  const found: string[] = [];
  const refuse = (members: readonly Member[], beside: string) => {
    for (const member of members)
      if (at.has(member)) found.push(`expected \`${member}\` only beside ${beside}; take it out`);
  };
  if (at.has('url')) refuse(OF_COMMAND, '`command`');
  else refuse([...OF_URL, ...OF_EXCHANGE], '`url`');
  if (at.has('command')) return found;
  if (authorization === 'exchange') {
    for (const member of WANTED_TO_EXCHANGE)
      if (!at.has(member)) found.push(`expected \`${member}\` beside \`authorization: exchange\`, came none`);
  } else if (authorization !== undefined || !at.has('authorization'))
    refuse(OF_EXCHANGE, '`authorization: exchange`');
  return found;
}

/** Of members without contradictions. */
function settingsOf(members: Members): UpstreamSettings {
  const { command, args = [], cwd = null, env = {}, url, authorization = 'none', prefix = '' } = members;
  if (command !== undefined) return { kind: 'stdio', command, args, cwd, env, prefix };
  const { token_endpoint, client_id, client_secret_file, audience = null, scope = null } = members;
  return {
    kind: 'http',
    url: url as string,
    authorization:
      authorization === 'exchange'
        ? {
            tokenEndpoint: token_endpoint as string,
            clientId: client_id as string,
            clientSecretFile: client_secret_file as string,
            audience,
            scope,
          }
        : authorization,
    prefix,
  };
}
