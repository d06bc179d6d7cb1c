import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import {
  defaultSettings,
  formatProblem,
  readEnvironment,
  type Settings,
} from '@provability-fabric/configuration';
import { FabricError } from './errors.ts';
import { type GovernorSettings, readGovernorSettings } from './governor/governor-settings.ts';
import { readSecretsSettings, type SecretsSettings } from './secrets/secrets-settings.ts';

// The only file that reads the process's environment.

/** What leads to tenants' secrets where AWS keeps them: a tool server with these could read all of them. */
const AWS_CREDENTIALS =
  /^AWS_(?:ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN|WEB_IDENTITY_TOKEN_FILE|CONTAINER_.*)$/;

/** What a server behind the fabric gets: everything but the ways into the ledger and to secrets, which are ours. */
export function upstreamEnvironment(): Readonly<Record<string, string | undefined>> {
  const {
    DATABASE_URL: _database,
    REDIS_URL: _redis,
    SECRETS_TOKEN: _token,
    PGPASSWORD: _password,
    SAFEAI_JWT_SECRET: _jwtSecret,
    SAFEAI_JWT_PRIVATE_KEY: _jwtKey,
    ...rest
  } = process.env;
  if (rest.SECRETS_PROVIDER !== 'aws') return rest;
  return Object.fromEntries(Object.entries(rest).filter(([name]) => !AWS_CREDENTIALS.test(name)));
}

/** Where the ledger is, if somebody else runs its PostgreSQL. It holds a password, so no file and no option takes it. */
export function databaseUrl(): string | undefined {
  const url = process.env.DATABASE_URL;
  return url === undefined || url === '' ? undefined : url;
}

/** How the secrets service is set up. Throws CONFIG_INVALID. */
export function secretsSettings(): SecretsSettings {
  return readSecretsSettings(process.env);
}

/** How the governor is set up. Throws CONFIG_INVALID. */
export function governorSettings(): GovernorSettings {
  return readGovernorSettings(process.env);
}

/** Where `pf run` keeps its data unless told: XDG base directories, one folder per bundle. */
export function defaultDataFolder(bundleName: string): string {
  const state = process.env.XDG_STATE_HOME;
  const base = state !== undefined && isAbsolute(state) ? state : join(homedir(), '.local', 'state');
  return join(base, 'provability-fabric', bundleName);
}

/** Settings of `config/<env>/` below the working directory. Without `--env`, a missing folder means the defaults. */
export async function settingsFor(env: string | undefined): Promise<Settings> {
  const name = env ?? 'local';
  const root = resolve('.');
  if (env === undefined && !existsSync(join(root, 'config', name))) return defaultSettings(root, name);
  const read = await readEnvironment(root, name);
  if (read.ok) return read.settings;
  const problems = read.problems.map(formatProblem).join('\n');
  throw new FabricError(
    'CONFIG_INVALID',
    `config/${name} is not valid, so nothing was started:\n${problems}`,
  );
}
