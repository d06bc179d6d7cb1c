import { randomBytes } from 'node:crypto';
import { describeProviderContract, FakeAws } from '@provability-fabric/testkit';
import { createAwsProvider } from './aws-provider.ts';
import { awsClientOf } from './client.ts';

describeProviderContract('AWS Secrets Manager (a fake)', async () => {
  const aws = await FakeAws.start({ pageSize: 25 });
  const client = awsClientOf(
    ({ SecretsManagerClient }) =>
      new SecretsManagerClient({
        region: 'eu-central-1',
        endpoint: aws.endpoint,
        credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'not-a-key' },
        maxAttempts: 3,
      }),
  );
  const provider = createAwsProvider({ client, clock: Date.now, randomBytes });
  return {
    provider,
    loseNextAnswer: () => aws.trap((action) => /^(Create|Put|Update)/.test(action), { kind: 'lose-answer' }),
    logged: () => aws.asked.join('\n'),
    close: () => aws.close(),
  };
});
