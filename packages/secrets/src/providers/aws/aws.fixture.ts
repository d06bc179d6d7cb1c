import { randomBytes } from 'node:crypto';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { FakeAws } from '@provability-fabric/testkit';
import { onTestFinished } from 'vitest';
import type { SecretProvider } from '../../provider.ts';
import { createAwsProvider } from './aws-provider.ts';
import { awsClientOf } from './client.ts';
import type { AwsOptions } from './options.ts';

export interface OpenAws {
  readonly aws: FakeAws;
  /** To do at AWS what others do. */
  readonly client: SecretsManagerClient;
  readonly provider: SecretProvider;
}

/** Two attempts, since the SDK waits between them. */
export async function openAws(options: Partial<AwsOptions> = {}): Promise<OpenAws> {
  const aws = await FakeAws.start();
  const client = new SecretsManagerClient({
    region: 'eu-central-1',
    endpoint: aws.endpoint,
    credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'not-a-key' },
    maxAttempts: 2,
  });
  const provider = createAwsProvider({
    client: awsClientOf(() => client),
    clock: Date.now,
    randomBytes,
    ...options,
  });
  onTestFinished(async () => {
    await provider.close();
    await aws.close();
  });
  return { aws, client, provider };
}
