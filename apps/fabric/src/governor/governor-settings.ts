import { isAbsolute } from 'node:path';
import type { JwtSettings } from '@provability-fabric/gateway-http';
import { nearestName } from '@provability-fabric/kernel';
import {
  count,
  invalid,
  type Read,
  readerOf,
  redisUrl,
  type Variables,
  word,
} from '../environment-variables.ts';

/** What the environment's variables say of the governor; each is in docs/reference/config.md. */
export interface GovernorSettings {
  /** null: the environment's data folder. */
  readonly dataDirectory: string | null;
  /** null: there is nothing to govern. */
  readonly projectRoot: string | null;
  /** null: nothing was named; the default places are looked at. */
  readonly policyFile: string | null;
  /** Keys of the policy that variables set, by their names in policy.yaml; each value is YAML. */
  readonly policyOverrides: ReadonlyMap<string, string>;
  /** As it stands in SAFEAI_ENABLE; undefined where it is not set. */
  readonly enable: string | undefined;
  /** null: `KILL_SWITCH` in the data folder. */
  readonly sentinel: string | null;
  /** Whose governor it is: its statements stand under this tenant, which has no other tree in the same database. */
  readonly tenant: string;
  /** Holds a password at times: no message repeats it. */
  readonly redisUrl: string | null;
  /** null: the fabric's own tokens. */
  readonly jwt: JwtSettings | null;
  /** `kid` of tokens that are signed here, where a key set is what checks them. */
  readonly jwtKeyId: string | null;
  /** What signs tokens of `safeai token create`; a PEM, a file with it, or the secret of HS256. */
  readonly jwtPrivateKey: string | null;
  readonly tokenSeconds: number;
  /** A part of audit.log of this size is compressed and a new one begun. */
  readonly auditMaxBytes: number;
  /** A cgroup v2 folder that was delegated to the governor; null: its own. */
  readonly sandboxCgroup: string | null;
  readonly logLevel: string | null;
  readonly host: string | null;
  readonly port: number | null;
}

const MIB = 1024 * 1024;
const POLICY_PREFIX = 'SAFEAI_POLICY_';
const LEVELS: Readonly<Record<string, string>> = {
  DEBUG: 'debug',
  INFO: 'info',
  WARNING: 'warn',
  WARN: 'warn',
  ERROR: 'error',
  CRITICAL: 'error',
};
const ALGORITHMS = ['RS256', 'EdDSA', 'HS256'] as const;
/** Of JWTs, and no key that checks one. */
const BESIDE_A_KEY = [
  'SAFEAI_JWT_REVOKED_FILE',
  'SAFEAI_JWT_ISSUER',
  'SAFEAI_JWT_AUDIENCE',
  'SAFEAI_JWT_PRIVATE_KEY',
];
const KNOWN = [
  'SAFEAI_DATA_DIR',
  'SAFEAI_PROJECT_ROOT',
  'SAFEAI_POLICY_FILE',
  'SAFEAI_ENABLE',
  'SAFEAI_KILL_SWITCH',
  'SAFEAI_TENANT',
  'SAFEAI_JWT_ALGORITHM',
  'SAFEAI_JWT_SECRET',
  'SAFEAI_JWT_PUBLIC_KEY',
  'SAFEAI_JWT_PRIVATE_KEY',
  'SAFEAI_JWT_JWKS_URL',
  'SAFEAI_JWT_JWKS_FILE',
  'SAFEAI_JWT_ISSUER',
  'SAFEAI_JWT_AUDIENCE',
  'SAFEAI_JWT_REVOKED_FILE',
  'SAFEAI_JWT_KEY_ID',
  'SAFEAI_TOKEN_EXPIRY_SECONDS',
  'SAFEAI_AUDIT_MAX_BYTES',
  'SAFEAI_SANDBOX_CGROUP',
  'SAFEAI_LOG_LEVEL',
  'SAFEAI_LOG_FORMAT',
  'SAFEAI_API_HOST',
  'SAFEAI_API_PORT',
  // Of the command line alone.
  'SAFEAI_URL',
  'SAFEAI_TOKEN_FILE',
  'SAFEAI_DEBUG',
];

/** Throws CONFIG_INVALID, which names the variable and repeats no value that could be a secret. */
export function readGovernorSettings(variables: Variables): GovernorSettings {
  const read = readerOf(variables);
  refuseUnknown(variables);
  const tenant = word(read, 'SAFEAI_TENANT', 'platform');
  const tokenSeconds = count(read, 'SAFEAI_TOKEN_EXPIRY_SECONDS', 3600, 60, 86_400);
  const format = read('SAFEAI_LOG_FORMAT');
  if (format !== undefined && format.toLowerCase() !== 'json')
    throw invalid('SAFEAI_LOG_FORMAT: expected json or nothing; every line of the log is a JSON object');
  return {
    dataDirectory: read('SAFEAI_DATA_DIR') ?? null,
    projectRoot: read('SAFEAI_PROJECT_ROOT') ?? null,
    policyFile: read('SAFEAI_POLICY_FILE') ?? null,
    policyOverrides: overridesIn(variables),
    enable: variables.SAFEAI_ENABLE,
    sentinel: read('SAFEAI_KILL_SWITCH') ?? null,
    tenant,
    redisUrl: redisUrl(read),
    jwt: jwtFrom(read, tenant, tokenSeconds),
    jwtPrivateKey: read('SAFEAI_JWT_PRIVATE_KEY') ?? null,
    jwtKeyId: read('SAFEAI_JWT_KEY_ID') ?? null,
    tokenSeconds,
    auditMaxBytes: count(read, 'SAFEAI_AUDIT_MAX_BYTES', 256 * MIB, MIB, 4096 * MIB),
    sandboxCgroup: folder(read, 'SAFEAI_SANDBOX_CGROUP'),
    logLevel: logLevel(read),
    host: read('SAFEAI_API_HOST') ?? null,
    port: read('SAFEAI_API_PORT') === undefined ? null : count(read, 'SAFEAI_API_PORT', 8000, 0, 65_535),
  };
}

/** A variable that does nothing is one that somebody relies on in vain. */
function refuseUnknown(variables: Variables): void {
  for (const name of Object.keys(variables)) {
    if (!name.startsWith('SAFEAI_') || KNOWN.includes(name)) continue;
    if (name.startsWith(POLICY_PREFIX)) continue;
    const near = nearestName(name, KNOWN);
    const mend = near === undefined ? 'remove it' : `did you mean \`${near}\`?`;
    throw invalid(`${name.slice(0, 60)}: expected a variable of the governor; ${mend}`);
  }
}

function overridesIn(variables: Variables): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [name, value] of Object.entries(variables)) {
    if (!name.startsWith(POLICY_PREFIX) || name === 'SAFEAI_POLICY_FILE' || value === undefined) continue;
    found.set(name.slice(POLICY_PREFIX.length).toLowerCase(), value);
  }
  return found;
}

function jwtFrom(read: Read, tenant: string, tokenSeconds: number): JwtSettings | null {
  const algorithm = read('SAFEAI_JWT_ALGORITHM');
  const secret = read('SAFEAI_JWT_SECRET');
  const sources = {
    publicKey: read('SAFEAI_JWT_PUBLIC_KEY'),
    jwksUrl: read('SAFEAI_JWT_JWKS_URL'),
    jwksFile: read('SAFEAI_JWT_JWKS_FILE'),
  };
  const named = Object.values(sources).filter((one) => one !== undefined).length;
  if (algorithm === undefined && secret === undefined && named === 0) {
    // The fabric's own tokens heed none of these: what one of them says, a list of revoked ids first of all, would be in vain.
    const vain = BESIDE_A_KEY.find((name) => read(name) !== undefined);
    if (vain === undefined) return null;
    throw invalid(`${vain}: expected a key of the issuer beside it, such as SAFEAI_JWT_PUBLIC_KEY`);
  }
  if (algorithm === undefined && named === 0)
    throw invalid(
      'SAFEAI_JWT_SECRET: expected SAFEAI_JWT_ALGORITHM=HS256 beside it; RS256 needs a public key',
    );
  const chosen = algorithm ?? 'RS256';
  const known = ALGORITHMS.find((one) => one === chosen);
  if (known === undefined)
    throw invalid(`SAFEAI_JWT_ALGORITHM: expected ${ALGORITHMS.join(', ')}, came \`${chosen.slice(0, 20)}\``);
  if (known !== 'HS256' && named !== 1)
    throw invalid(
      `SAFEAI_JWT_ALGORITHM=${known}: expected one of SAFEAI_JWT_PUBLIC_KEY, SAFEAI_JWT_JWKS_URL and ` +
        `SAFEAI_JWT_JWKS_FILE, came ${named}`,
    );
  if (known === 'HS256' && named > 0)
    throw invalid(
      'SAFEAI_JWT_ALGORITHM=HS256: expected SAFEAI_JWT_SECRET alone, came a public key or key set as well',
    );
  if (known === 'HS256' && secret === undefined)
    throw invalid('SAFEAI_JWT_SECRET: expected at least 32 bytes beside SAFEAI_JWT_ALGORITHM=HS256');
  const revokedFile = read('SAFEAI_JWT_REVOKED_FILE');
  return {
    algorithm: known,
    issuer: read('SAFEAI_JWT_ISSUER') ?? 'safeai',
    audience: read('SAFEAI_JWT_AUDIENCE') ?? 'safeai-governor',
    maxLifetimeSeconds: tokenSeconds,
    tenant,
    ...(known === 'HS256' ? { secret: secret as string } : present(sources)),
    ...(revokedFile === undefined ? {} : { revokedFile }),
  };
}

function present<Values extends Record<string, string | undefined>>(
  values: Values,
): { [Key in keyof Values]?: string } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [Key in keyof Values]?: string;
  };
}

function logLevel(read: Read): string | null {
  const text = read('SAFEAI_LOG_LEVEL');
  if (text === undefined) return null;
  const level = LEVELS[text.toUpperCase()];
  if (level !== undefined) return level;
  throw invalid(
    `SAFEAI_LOG_LEVEL: expected ${Object.keys(LEVELS).join(', ')}, came \`${text.slice(0, 20)}\``,
  );
}

function folder(read: Read, name: string): string | null {
  const path = read(name);
  if (path === undefined || isAbsolute(path)) return path ?? null;
  throw invalid(`${name}: expected an absolute path`);
}
