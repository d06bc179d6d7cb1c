import { parse } from 'yaml';
import { z } from 'zod';
import type { ClusterKeySource } from './cluster-keys.ts';
import { CsiError } from './errors.ts';
import type { MountRule } from './rules.ts';

/** `csi.yaml` of an environment: what an operator says of the provider. */
export interface CsiSettings {
  readonly socketPath: string;
  readonly issuer: string;
  readonly audience: string;
  readonly keys: ClusterKeySource;
  readonly maxMounts: number;
  readonly timeoutMs: number;
  readonly rules: readonly MountRule[];
}

const MAX_CHARACTERS = 1_048_576;
const absolute = z.string().regex(/^\//, 'expected an absolute path');

const fileSchema = z.strictObject({
  socket: absolute.default('/var/run/secrets-store-csi-providers/provability-fabric.sock'),
  issuer: z.string().min(1).max(1_024),
  audience: z.string().min(1).max(256).default('provability-fabric'),
  keys: z.union([
    z.strictObject({ url: z.url(), ca_file: absolute.optional(), token_file: absolute.optional() }),
    z.strictObject({ file: absolute }),
  ]),
  max_mounts: z.int().min(1).max(1_000).default(16),
  timeout_ms: z.int().min(100).max(60_000).default(10_000),
  rules: z.array(
    z.strictObject({
      namespace: z.string(),
      service_account: z.string(),
      tenant: z.string(),
      names: z.array(z.string()),
    }),
  ),
});

/** Throws CSI_FILE_INVALID. The rules themselves are checked when the provider starts. */
export function parseCsiFile(text: string): CsiSettings {
  const parsed = fileSchema.safeParse(parseYaml(text));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalid(`at \`${issue?.path.join('.')}\`: ${issue?.message.slice(0, 200)}`);
  }
  const { socket, issuer, audience, keys, max_mounts, timeout_ms, rules } = parsed.data;
  return {
    socketPath: socket,
    issuer,
    audience,
    keys: 'file' in keys ? { kind: 'file', path: keys.file } : urlSource(keys),
    maxMounts: max_mounts,
    timeoutMs: timeout_ms,
    rules: rules.map(({ service_account, ...rule }) => ({ ...rule, serviceAccount: service_account })),
  };
}

function urlSource(keys: {
  readonly url: string;
  readonly ca_file?: string | undefined;
  readonly token_file?: string | undefined;
}): ClusterKeySource {
  const { url, ca_file, token_file } = keys;
  return {
    kind: 'url',
    url,
    ...(ca_file === undefined ? {} : { caFile: ca_file }),
    ...(token_file === undefined ? {} : { tokenFile: token_file }),
  };
}

function parseYaml(text: string): unknown {
  if (text.length > MAX_CHARACTERS) throw invalid(`at most ${MAX_CHARACTERS} characters`);
  try {
    return parse(text, { maxAliasCount: 0, uniqueKeys: true, schema: 'core', logLevel: 'error' });
  } catch (error) {
    throw invalid('YAML without aliases and without repeated keys', error);
  }
}

function invalid(expected: string, cause?: unknown): CsiError {
  return new CsiError('CSI_FILE_INVALID', `expected csi.yaml to hold the provider's settings: ${expected}`, {
    cause,
  });
}
