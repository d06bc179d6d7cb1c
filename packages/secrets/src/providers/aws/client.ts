import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SecretError } from '../../errors.ts';
import { isEncryptedOrLocal } from '../loopback.ts';

export type AwsAction =
  | 'CreateSecret'
  | 'DeleteSecret'
  | 'DescribeSecret'
  | 'GetSecretValue'
  | 'ListSecrets'
  | 'ListSecretVersionIds'
  | 'PutSecretValue'
  | 'RestoreSecret'
  | 'UpdateSecretVersionStage';

export type AwsInput = Readonly<Record<string, unknown>>;

/** Secrets Manager by the SDK: it signs, and repeats what throttling or a broken connection stopped. */
export interface AwsClient {
  call(action: AwsAction, input: AwsInput, signal: AbortSignal): Promise<unknown>;
  close(): void;
}

type Sdk = typeof import('@aws-sdk/client-secrets-manager');
type Command = Parameters<SecretsManagerClient['send']>[0];

/**
 * Credentials come from the SDK's own chain and are never ours; region: AWS_REGION; `endpoint` is for private endpoints.
 * Throws PROVIDER_UNSUPPORTED for an endpoint that would be spoken to in the clear.
 */
export function createAwsClient(options: { readonly region: string; readonly endpoint?: string }): AwsClient {
  const { region, endpoint } = options;
  if (endpoint !== undefined && !(URL.canParse(endpoint) && isEncryptedOrLocal(new URL(endpoint))))
    throw new SecretError(
      'PROVIDER_UNSUPPORTED',
      'expected an endpoint of AWS like `https://…`; `http:` only for 127.0.0.1, [::1] and localhost',
    );
  return awsClientOf(
    ({ SecretsManagerClient }) =>
      new SecretsManagerClient({
        region,
        ...(endpoint !== undefined && { endpoint }),
        maxAttempts: 3,
        requestHandler: { connectionTimeout: 2_000, requestTimeout: 5_000, throwOnRequestTimeout: true },
      }),
  );
}

/** The SDK takes a fifth of a second to load, which nobody is to pay who keeps no secrets at AWS. */
export function awsClientOf(make: (sdk: Sdk) => SecretsManagerClient): AwsClient {
  let loaded: Promise<{ readonly sdk: Sdk; readonly client: SecretsManagerClient }> | undefined;
  const load = () => {
    loaded ??= import('@aws-sdk/client-secrets-manager').then((sdk) => ({ sdk, client: make(sdk) }));
    return loaded;
  };
  return {
    async call(action, input, signal) {
      const { sdk, client } = await load();
      // Inputs are built in one place, by the names of the API reference; answers are checked there too.
      const make = sdk[`${action}Command`] as unknown as new (given: AwsInput) => Command;
      return client.send(new make(input), { abortSignal: signal });
    },
    close() {
      void loaded?.then(
        ({ client }) => client.destroy(),
        () => undefined,
      );
    },
  };
}
