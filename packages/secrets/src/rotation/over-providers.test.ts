import { randomBytes } from 'node:crypto';
import { FakeAws } from '@provability-fabric/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openHouse } from '../embedded/embedded.fixture.ts';
import type { SecretProvider } from '../provider.ts';
import { createAwsProvider } from '../providers/aws/aws-provider.ts';
import { awsClientOf } from '../providers/aws/client.ts';
import { openVault } from '../providers/vault/vault.fixture.ts';
import { ALICE, openRotating } from './rotating.fixture.ts';

async function openAws(): Promise<SecretProvider> {
  const aws = await FakeAws.start({ pageSize: 25 });
  onTestFinished(() => aws.close());
  const client = awsClientOf(
    ({ SecretsManagerClient }) =>
      new SecretsManagerClient({
        region: 'eu-central-1',
        endpoint: aws.endpoint,
        credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'not-a-key' },
      }),
  );
  return createAwsProvider({ client, clock: Date.now, randomBytes });
}

const PROVIDERS: readonly (readonly [string, () => Promise<SecretProvider>])[] = [
  ['the embedded provider', async () => (await openHouse()).provider],
  ['Vault (a fake, with exactly the policy of the runbook)', async () => (await openVault()).provider],
  ['AWS Secrets Manager (a fake)', openAws],
];

describe('rotations over every provider', () => {
  it.each(PROVIDERS)(
    '%s: a secret that is there keeps its fields, and its old value through the grace',
    async (_, open) => {
      const provider = await open();
      const { rotations, place, store, target, clock } = await openRotating({ provider });
      rotations.start();
      for (const previous of ['old', 'first']) {
        const { version } = (await provider.read(place)).version;
        const request = { rotator: 'target', gracePeriodHours: 1 };
        const { rotationId, phase } = await rotations.rotateNow(ALICE, place, request);
        expect(phase).toBe('grace');
        const { value } = await provider.read(place);
        expect(Object.keys(value).sort()).toEqual(['password', 'username']);
        expect((await provider.read(place, version)).value.username).toBe('app');
        expect(target.accepted.has('old')).toBe(previous === 'old');
        expect(target.accepted.size).toBe(2);
        await clock.move(3_700_000);
        await expect
          .poll(async () => (await store.rotation(place.tenant, rotationId))?.phase, { timeout: 5_000 })
          .toBe('done');
        expect([...target.accepted]).toEqual([value.password]);
        expect(await provider.staged(place)).toBeNull();
      }
      await rotations.stop();
    },
  );

  it.each(PROVIDERS)(
    '%s: a target that refuses leaves the old value, and nothing staged',
    async (_, open) => {
      const provider = await open();
      const { rotations, place, store, target } = await openRotating({ provider, retries: { attempts: 1 } });
      target.fault = (call) => {
        if (call === 'test') throw new Error('refused');
      };
      const { rotationId, phase } = await rotations.rotateNow(ALICE, place, { rotator: 'target' });
      expect(phase).toBe('failed');
      expect((await store.rotation(place.tenant, rotationId))?.errorCode).toBe('ROTATION_FAILED');
      expect((await provider.read(place)).value).toEqual({ username: 'app', password: 'old' });
      expect([...target.accepted]).toEqual(['old']);
      expect(await provider.staged(place)).toBeNull();
    },
  );
});
