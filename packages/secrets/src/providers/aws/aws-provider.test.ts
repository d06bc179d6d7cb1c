import { randomUUID } from 'node:crypto';
import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { type AwsFault, placeOf } from '@provability-fabric/testkit';
import { describe, expect, it } from 'vitest';
import { SecretError } from '../../errors.ts';
import type { SecretPlace } from '../../names.ts';
import { openAws } from './aws.fixture.ts';
import { createAwsProvider } from './aws-provider.ts';
import { createAwsClient } from './client.ts';

const BY = { author: 'alice' };
const CANARY = 'canary-5d02e7';

function awsName(place: SecretPlace): string {
  return `valuecanvas/production/tenants/${place.tenant}/${place.name}`;
}

async function failure(work: Promise<unknown>): Promise<SecretError> {
  const error = await work.then(
    () => undefined,
    (thrown) => thrown,
  );
  expect(error).toBeInstanceOf(SecretError);
  for (let at: unknown = error; at instanceof Error; at = at.cause)
    expect(`${at.message} ${at.stack} ${JSON.stringify(at)}`).not.toContain(CANARY);
  return error as SecretError;
}

function refusal(type: string, status = 400): AwsFault {
  return { kind: 'error', type, status, message: `refused ${CANARY}` };
}

describe('an AWS that is slow, down or lies', () => {
  it.each<[string, AwsFault, string]>([
    ['AccessDeniedException', refusal('AccessDeniedException'), 'PROVIDER_FORBIDDEN'],
    ['expired credentials', refusal('ExpiredTokenException'), 'PROVIDER_FORBIDDEN'],
    ['a signature that a wrong clock made', refusal('InvalidSignatureException'), 'PROVIDER_FORBIDDEN'],
    ['a key that is disabled', refusal('DecryptionFailure'), 'PROVIDER_FORBIDDEN'],
    ['throttling', refusal('ThrottlingException'), 'PROVIDER_UNAVAILABLE'],
    ['an error of its own', refusal('InternalServiceError', 500), 'PROVIDER_UNAVAILABLE'],
    ['a broken connection', { kind: 'reset' }, 'PROVIDER_UNAVAILABLE'],
    [
      'another secret',
      { kind: 'lie', change: (body) => body.replace(/"Name":"[^"]*"/, '"Name":"other"') },
      'PROVIDER_INCONSISTENT',
    ],
    [
      'another label',
      { kind: 'lie', change: (body) => body.replace('AWSCURRENT', 'AWSPREVIOUS') },
      'PROVIDER_INCONSISTENT',
    ],
    [
      'another form',
      { kind: 'lie', change: () => JSON.stringify({ SecretString: CANARY }) },
      'PROVIDER_INCONSISTENT',
    ],
    ['no JSON', { kind: 'lie', change: () => `<html>${CANARY}` }, 'PROVIDER_UNAVAILABLE'],
  ])('is refused when it answers %s', async (_, fault, code) => {
    const { provider, aws } = await openAws();
    const place = placeOf();
    await provider.write(place, { v: CANARY }, BY);
    aws.trap((action) => action === 'GetSecretValue', fault, 10);
    const error = await failure(provider.read(place));
    expect(error.code).toBe(code);
    if (fault.kind === 'error' && fault.type === 'AccessDeniedException')
      expect(error.message).toContain(`\`secretsmanager:GetSecretValue\` on \`${awsName(place)}\``);
    expect(await provider.health()).toEqual([]);
  });

  it('takes no longer than it may', async () => {
    const { provider, aws } = await openAws({ timeoutMs: 200 });
    aws.trap(() => true, { kind: 'never-answer' }, 10);
    const begun = Date.now();
    expect((await failure(provider.read(placeOf()))).code).toBe('PROVIDER_UNAVAILABLE');
    expect(Date.now() - begun).toBeLessThan(1_500);
    expect(await provider.health()).toHaveLength(1);
  });

  it.each(['CreateSecret', 'PutSecretValue', 'UpdateSecretVersionStage'])(
    'wrote once what was written though the answer to %s was lost',
    async (action) => {
      const { provider, aws } = await openAws();
      const place = placeOf();
      if (action !== 'CreateSecret') await provider.write(place, { v: '1' }, BY);
      // Of the labels, the one that decides.
      const isThat = (asked: string, { VersionStage }: Readonly<Record<string, unknown>>) =>
        asked === action && (VersionStage === undefined || VersionStage === 'AWSCURRENT');
      aws.trap(isThat, { kind: 'lose-answer' });
      const { version } = await provider.write(place, { v: '2' }, BY);
      expect((await provider.describe(place)).versions).toHaveLength(version);
      expect((await provider.read(place)).value).toEqual({ v: '2' });
    },
  );

  it('wrote once what was written though no answer to the deciding step came at all', async () => {
    const { provider, aws } = await openAws();
    const place = placeOf();
    await provider.write(place, { v: '1' }, BY);
    const decides = (_: string, { VersionStage, RemoveFromVersionId }: Readonly<Record<string, unknown>>) =>
      VersionStage === 'AWSCURRENT' && RemoveFromVersionId !== undefined;
    aws.trap(decides, { kind: 'lose-answer' }, 2);
    expect((await provider.write(place, { v: '2' }, { ...BY, cas: 1 })).version).toBe(2);
    aws.trap(decides, { kind: 'reset' }, 2);
    expect((await failure(provider.write(place, { v: '3' }, { ...BY, cas: 2 }))).code).toBe(
      'PROVIDER_UNAVAILABLE',
    );
    expect((await provider.read(place)).value).toEqual({ v: '2' });
    expect((await provider.write(place, { v: '3' }, { ...BY, cas: 2 })).version).toBe(3);
  });

  it('gives no value that was stored for another secret', async () => {
    const { provider, client } = await openAws();
    const [here, there] = [placeOf('db/primary'), placeOf('db/other')];
    await provider.write(here, { v: 'here' }, BY);
    await provider.write(there, { v: 'there' }, BY);
    const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: awsName(there) }));
    await client.send(new PutSecretValueCommand({ SecretId: awsName(here), SecretString }));
    expect((await failure(provider.read(here))).code).toBe('PROVIDER_INCONSISTENT');
  });
});

describe('secrets at AWS', () => {
  it('keep ten versions though AWS prunes what has no label, and never more labels than it has room for', async () => {
    const { provider, client } = await openAws();
    const place = placeOf();
    for (let count = 1; count <= 13; count++) await provider.write(place, { v: String(count) }, BY);
    const { versions } = await provider.describe(place);
    expect(versions.map(({ version }) => version)).toEqual([13, 12, 11, 10, 9, 8, 7, 6, 5, 4]);
    expect((await provider.read(place, 4)).value).toEqual({ v: '4' });
    const { VersionIdsToStages = {} } = await client.send(
      new DescribeSecretCommand({ SecretId: awsName(place) }),
    );
    expect(Object.values(VersionIdsToStages).flat()).toHaveLength(12);
    await provider.changeMetadata(place, { maxVersions: 3 });
    expect((await provider.describe(place)).versions.map(({ version }) => version)).toEqual([13, 12, 11]);
    expect((await failure(provider.changeMetadata(place, { maxVersions: 16 }))).code).toBe(
      'PROVIDER_UNSUPPORTED',
    );
  });

  it('are written though killed writers left all the room for labels full', async () => {
    let ahead = 0;
    const { provider, aws } = await openAws({ clock: () => Date.now() + ahead });
    const place = placeOf();
    for (const v of ['1', '2']) await provider.write(place, { v }, BY);
    for (let count = 0; count < 16; count++)
      aws.secrets.perform('PutSecretValue', {
        SecretId: awsName(place),
        SecretString: '{"v":"draft"}',
        ClientRequestToken: randomUUID(),
        VersionStages: [`fabric-v3-${String(count).padStart(12, '0')}`],
      });
    const stuck = provider.write(place, { v: '3' }, BY);
    expect((await failure(stuck)).code).toBe('PROVIDER_UNAVAILABLE');
    ahead = 3_600_000;
    expect((await provider.write(place, { v: '3' }, BY)).version).toBe(3);
    await provider.stage(place, { token: 'rotation-1', value: { v: '4' } });
    expect((await provider.describe(place)).versions).toHaveLength(3);
  });

  it('say of a version that AWS pruned all the same that it is gone', async () => {
    const { provider, client } = await openAws();
    const place = placeOf();
    for (const v of ['1', '2', '3']) await provider.write(place, { v }, BY);
    const { VersionIdsToStages = {} } = await client.send(
      new DescribeSecretCommand({ SecretId: awsName(place) }),
    );
    const [uuid, [label] = []] =
      Object.entries(VersionIdsToStages).find(([, labels]) =>
        labels.some((text) => text.startsWith('fabric-v1-')),
      ) ?? [];
    await client.send(
      new UpdateSecretVersionStageCommand({
        SecretId: awsName(place),
        VersionStage: label,
        RemoveFromVersionId: uuid,
      }),
    );
    expect((await failure(provider.read(place, 1))).code).toBe('SECRET_DESTROYED');
    expect((await provider.describe(place)).versions.map(({ state }) => state)).toEqual([
      'current',
      'previous',
      'destroyed',
    ]);
  });

  it("have their value as AWS' own readers expect it, now and before", async () => {
    const { provider, client } = await openAws();
    const place = placeOf();
    for (const v of ['1', '2']) await provider.write(place, { v }, BY);
    await provider.changeMetadata(place, { tags: { team: 'data' } });
    const at = async (VersionStage: string) => {
      const { SecretString } = await client.send(
        new GetSecretValueCommand({ SecretId: awsName(place), VersionStage }),
      );
      return JSON.parse(SecretString ?? '').v;
    };
    expect([await at('AWSCURRENT'), await at('AWSPREVIOUS')]).toEqual(['2', '1']);
  });

  it('go on from what others made current, and from what is no object they say so', async () => {
    const { provider, client } = await openAws();
    const place = placeOf();
    await provider.write(place, { v: '1' }, { ...BY, metadata: { sensitivity: 'high' } });
    await client.send(
      new PutSecretValueCommand({ SecretId: awsName(place), SecretString: '{"v":"theirs","port":5432}' }),
    );
    const read = await provider.read(place);
    expect(read.value).toEqual({ v: 'theirs', port: '5432' });
    expect(read.version).toMatchObject({ version: 2, createdBy: 'unknown' });
    expect(read.metadata.sensitivity).toBe('high');
    expect((await provider.write(place, { v: '3' }, { ...BY, cas: 2 })).version).toBe(3);
    expect((await provider.read(place, read.version.id)).value.v).toBe('theirs');
    await client.send(new PutSecretValueCommand({ SecretId: awsName(place), SecretString: CANARY }));
    expect((await failure(provider.read(place))).code).toBe('SECRET_VALUE_INVALID');
  });

  it('that were removed are made anew, with nothing of what they were', async () => {
    const { provider } = await openAws();
    const place = placeOf();
    for (const v of ['1', '2'])
      await provider.write(place, { v }, { ...BY, metadata: { sensitivity: 'high' } });
    await provider.stage(place, { token: 'rotation-1', value: { v: 'staged' } });
    await provider.remove(place);
    expect((await failure(provider.read(place))).code).toBe('SECRET_NOT_FOUND');
    expect((await failure(provider.write(place, { v: 'x' }, { ...BY, cas: 2 }))).code).toBe(
      'SECRET_CONFLICT',
    );
    expect((await provider.write(place, { v: 'anew' }, { ...BY, cas: 0 })).version).toBe(1);
    expect(await provider.staged(place)).toBeNull();
    expect((await provider.describe(place)).versions).toHaveLength(1);
    expect((await provider.read(place)).metadata.sensitivity).toBe('medium');
    await provider.stage(place, { token: 'rotation-2', value: { v: 'next' } });
    expect((await provider.promote(place, 'rotation-2', BY)).version).toBe(2);
  });

  it('that somebody else deleted at AWS are not brought back by a write', async () => {
    const { provider, aws } = await openAws();
    const place = placeOf();
    await provider.write(place, { v: '1' }, BY);
    aws.secrets.perform('DeleteSecret', { SecretId: awsName(place) });
    expect((await failure(provider.write(place, { v: '2' }, BY))).code).toBe('SECRET_CONFLICT');
    expect((await failure(provider.read(place))).code).toBe('SECRET_NOT_FOUND');
    aws.secrets.endRecoveryWindows();
    expect((await provider.write(place, { v: '2' }, BY)).version).toBe(1);
  });

  it('are not rotated while somebody else rotates them', async () => {
    const { provider, client } = await openAws();
    const place = placeOf();
    await provider.write(place, { v: '1' }, BY);
    await client.send(
      new PutSecretValueCommand({
        SecretId: awsName(place),
        SecretString: '{"v":"theirs"}',
        VersionStages: ['AWSPENDING'],
      }),
    );
    const stage = provider.stage(place, { token: 'rotation-1', value: { v: 'ours' } });
    expect((await failure(stage)).code).toBe('SECRET_CONFLICT');
    expect(await provider.staged(place)).toBeNull();
  });

  it('fit with all that is kept of them, or are refused by name', async () => {
    const { provider } = await openAws();
    const tags = Object.fromEntries(
      Array.from({ length: 32 }, (_, at) => [`${at}`.padEnd(128, 'k'), 'v'.repeat(128)]),
    );
    const write = provider.write(placeOf(), { v: 'x'.repeat(61_000) }, { ...BY, metadata: { tags } });
    expect((await failure(write)).code).toBe('SECRET_VALUE_INVALID');
  });

  it.each([
    'http://secrets.example',
    'ftp://secrets.example',
    'secrets.example',
    `https://${'x'.repeat(3)}:y`,
  ])('are not asked for at `%s`', (endpoint) => {
    expect(() => createAwsClient({ region: 'eu-central-1', endpoint })).toThrow(
      expect.objectContaining({ code: 'PROVIDER_UNSUPPORTED' }),
    );
  });

  it('are not kept below a folder that is a path', () => {
    const client = createAwsClient({ region: 'eu-central-1', endpoint: 'https://secrets.example' });
    for (const wrong of [{ prefix: '../other' }, { environment: 'a/b' }, { recoveryDays: 0 }])
      expect(() =>
        createAwsProvider({
          client,
          clock: Date.now,
          randomBytes: (count) => new Uint8Array(count),
          ...wrong,
        }),
      ).toThrow(expect.objectContaining({ code: 'PROVIDER_UNSUPPORTED' }));
  });
});
