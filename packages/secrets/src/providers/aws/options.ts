import { SecretError } from '../../errors.ts';
import { asSecretName, asSecretTenant, type SecretPlace, type SecretTenant } from '../../names.ts';
import type { AwsClient } from './client.ts';

export interface AwsOptions {
  /** Closed with the provider. */
  readonly client: AwsClient;
  /** SECRETS_ENVIRONMENT: `production`. */
  readonly environment?: string;
  /** The first segment of all names: `valuecanvas`. */
  readonly prefix?: string;
  /** How long AWS keeps what was removed, 7 to 30 days; 30. */
  readonly recoveryDays?: number;
  /** For one request with all its repetitions; 10,000 ms. */
  readonly timeoutMs?: number;
  /** ms since 1970. */
  readonly clock: () => number;
  /** From the operating system. */
  readonly randomBytes: (count: number) => Uint8Array;
}

export interface AwsSettings {
  readonly client: AwsClient;
  readonly folder: string;
  readonly recoveryDays: number;
  readonly timeoutMs: number;
  readonly clock: () => number;
  readonly randomBytes: (count: number) => Uint8Array;
}

const SEGMENT = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** Throws PROVIDER_UNSUPPORTED. */
export function settingsOf(options: AwsOptions): AwsSettings {
  const { client, environment = 'production', prefix = 'valuecanvas', recoveryDays = 30 } = options;
  const { timeoutMs = 10_000, clock, randomBytes } = options;
  for (const segment of [environment, prefix])
    if (!SEGMENT.test(segment))
      throw new SecretError(
        'PROVIDER_UNSUPPORTED',
        'expected environment and prefix to be segments of AWS names like `production`',
      );
  if (!Number.isInteger(recoveryDays) || recoveryDays < 7 || recoveryDays > 30)
    throw new SecretError('PROVIDER_UNSUPPORTED', 'expected a recovery window of 7 to 30 days');
  return { client, folder: `${prefix}/${environment}/tenants`, recoveryDays, timeoutMs, clock, randomBytes };
}

/** Names are checked again: whoever built the place may not have. AWS takes them as they are. */
export function awsNameOf(folder: string, place: SecretPlace): string {
  return `${namesOf(folder, place.tenant)}${asSecretName(place.name)}`;
}

/** What the names of a tenant's secrets begin with. */
export function namesOf(folder: string, tenant: SecretTenant): string {
  return `${folder}/${asSecretTenant(tenant)}/`;
}
