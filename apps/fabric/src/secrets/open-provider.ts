import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import {
  createAwsClient,
  createAwsProvider,
  createEmbeddedProvider,
  createVaultProvider,
  type EmbeddedProvider,
  type RootKeys,
  type SecretProvider,
  type SecretRows,
} from '@provability-fabric/secrets';
import type { SecretsSettings } from './secrets-settings.ts';

export interface ProviderParts {
  /** Of the embedded provider. */
  readonly rows: SecretRows;
  readonly rootKeys: RootKeys;
}

export interface OpenedProvider {
  readonly provider: SecretProvider;
  /** All keys and secrets of a tenant, for good; absent where others keep them. */
  readonly eraseTenant?: EmbeddedProvider['eraseTenant'];
}

/** The provider that SECRETS_PROVIDER names. */
export async function openProvider(
  settings: SecretsSettings,
  { rows, rootKeys }: ProviderParts,
): Promise<OpenedProvider> {
  if (settings.provider.kind !== 'embedded')
    return { provider: await openElsewhere(settings, settings.provider) };
  const { maxVersions } = settings;
  const provider = createEmbeddedProvider({
    rows,
    rootKeys,
    maxVersions,
    clock: Date.now,
    random: randomBytes,
  });
  return { provider, eraseTenant: (tenant) => provider.eraseTenant(tenant) };
}

async function openElsewhere(
  { environment }: SecretsSettings,
  provider: Exclude<SecretsSettings['provider'], { readonly kind: 'embedded' }>,
): Promise<SecretProvider> {
  switch (provider.kind) {
    case 'vault': {
      const { address, namespace, mount, caFile, login } = provider;
      return createVaultProvider({
        address,
        login,
        mount,
        environment,
        ...(namespace === null ? {} : { namespace }),
        ...(caFile === null ? {} : { certificateAuthority: await readFile(caFile, 'utf8') }),
        clock: Date.now,
        randomBytes,
      });
    }
    case 'aws': {
      const { region, endpoint } = provider;
      return createAwsProvider({
        client: createAwsClient({ region, ...(endpoint === null ? {} : { endpoint }) }),
        environment,
        clock: Date.now,
        randomBytes,
      });
    }
  }
}
