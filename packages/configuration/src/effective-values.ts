import { createHash } from 'node:crypto';
import { type EnvironmentFiles, readEnvironmentFiles } from './environment-files.ts';
import type { FabricKey } from './fabric-file.ts';
import { FABRIC_KEYS } from './fabric-keys.ts';
import type { Key, KeyDescription } from './key.ts';
import { LIVE_MEMBERS } from './live-files.ts';
import type { Problem } from './problem.ts';
import type { LiveSettings, UpstreamSettings } from './settings.ts';
import { shownAddress } from './web-address.ts';

/** What holds for one key, and why. */
export interface EffectiveValue {
  /** As in the file; an upstream's is `upstreams.<name>.<member>`. */
  readonly key: string;
  readonly where: KeyDescription['where'];
  /** As one would write it; null where nothing is set. What may be a secret is left out. */
  readonly value: string | null;
  /** `default`, or the file and, where it has lines, the line. */
  readonly source: string;
  /** Of the whole value, with what is left out above: two values are equal if and only if their digests are. */
  readonly digest: string;
}

/** Every key of an environment with its value and source, or everything that is wrong with it. */
export async function readEffectiveValues(
  root: string,
  environment: string,
): Promise<
  | { readonly ok: true; readonly values: readonly EffectiveValue[] }
  | { readonly ok: false; readonly problems: readonly Problem[] }
> {
  const read = await readEnvironmentFiles(root, environment);
  if (!read.ok) return read;
  return {
    ok: true,
    values: [...ofFabric(read.files, environment), ...ofLive(read.files), ...ofUpstreams(read.files)],
  };
}

function ofFabric({ folder, fabric }: EnvironmentFiles, environment: string): readonly EffectiveValue[] {
  return (Object.keys(FABRIC_KEYS) as FabricKey[]).map((name) => {
    const key: Key<unknown> = FABRIC_KEYS[name];
    const value = fabric.values[name];
    const place = fabric.places.get(name);
    return value === undefined || place === undefined
      ? byDefault(key, environment)
      : effective(key, key.show(value), `${folder}/fabric.yaml:${place.line}`);
  });
}

function ofLive({ folder, live }: EnvironmentFiles): readonly EffectiveValue[] {
  return (Object.keys(LIVE_MEMBERS) as (keyof LiveSettings)[]).map((member) => {
    const key: Key<unknown> = LIVE_MEMBERS[member];
    return live.named.has(key.key)
      ? effective(key, key.show(live.settings[member]), `${folder}/policy-config/${key.key}`)
      : byDefault(key, '');
  });
}

function ofUpstreams({ folder, upstreams }: EnvironmentFiles): readonly EffectiveValue[] {
  return [...upstreams.upstreams].flatMap(([name, upstream]) => {
    const source = `${folder}/upstreams.yaml:${upstreams.places.get(name)?.line ?? 1}`;
    return shownMembers(upstream).map(([member, value, whole]) =>
      effective({ key: `upstreams.${name}.${member}`, where: 'upstreams.yaml' }, value, source, whole),
    );
  });
}

/** Member, how it is shown, and all of it. Arguments and variables are where people put keys after all. */
function shownMembers(upstream: UpstreamSettings): readonly (readonly [string, string | null, unknown])[] {
  const { prefix } = upstream;
  const common = [['prefix', prefix === '' ? null : prefix, prefix]] as const;
  if (upstream.kind === 'stdio') {
    const { command, args, cwd, env } = upstream;
    const names = Object.keys(env);
    return [
      ['command', command, command],
      ['args', args.length === 0 ? null : `${args.length}, not shown`, args],
      ['cwd', cwd, cwd],
      [
        'env',
        names.length === 0 ? null : `${names.join(', ')} (values not shown)`,
        Object.entries(env).sort(),
      ],
      ...common,
    ];
  }
  const { url, authorization } = upstream;
  const way = typeof authorization === 'string' ? authorization : 'exchange';
  const members = [['url', shownAddress(url), url], ['authorization', way, way], ...common] as const;
  if (typeof authorization === 'string') return members;
  const { tokenEndpoint, clientId, clientSecretFile, audience, scope } = authorization;
  return [
    ...members,
    ['token_endpoint', shownAddress(tokenEndpoint), tokenEndpoint],
    ['client_id', clientId, clientId],
    ['client_secret_file', clientSecretFile, clientSecretFile],
    ['audience', audience, audience],
    ['scope', scope, scope],
  ];
}

function byDefault(key: KeyDescription, environment: string): EffectiveValue {
  return effective(key, key.standard?.replace('<env>', environment) ?? null, 'default');
}

function effective(
  { key, where }: Pick<KeyDescription, 'key' | 'where'>,
  value: string | null,
  source: string,
  whole: unknown = value,
): EffectiveValue {
  const digest = createHash('sha256').update(JSON.stringify(whole)).digest('hex');
  return { key, where, value, source, digest };
}
