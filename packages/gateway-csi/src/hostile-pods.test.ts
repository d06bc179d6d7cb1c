import type { JWTPayload } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  attributesOf,
  type Cluster,
  claimsOf,
  ISSUER,
  type MemorySecrets,
  makeCluster,
  NOW,
  OBJECTS,
  POD,
  type ProviderUnderTest,
  refusalOf as refusal,
  startTestProvider,
  testSecrets,
  tokensOf,
} from './cluster.fixture.ts';
import type { MountSecrets } from './ports.ts';

let cluster: Cluster;
let token: string;
let secrets: MemorySecrets;
let tested: ProviderUnderTest;

beforeAll(async () => {
  cluster = await makeCluster();
  token = await cluster.sign(claimsOf());
  const current: MountSecrets = {
    read: (...asked) => secrets.read(...asked),
    refuse: (...asked) => secrets.refuse(...asked),
  };
  tested = await startTestProvider(cluster, current);
});
beforeEach(() => {
  secrets = testSecrets();
});
afterAll(() => tested.close());

const refusalOf = (attributes: string, more = {}) => refusal(tested.client, attributes, more);
const signed = async (more: JWTPayload, pod = POD) =>
  attributesOf(OBJECTS, await cluster.sign(claimsOf(pod, more)));

describe('the provider refuses a pod', () => {
  const unauthenticated = 'UNAUTHENTICATED MOUNT_UNAUTHENTICATED';

  it('without a token, whatever its attributes say', async () => {
    expect(await refusalOf(attributesOf(OBJECTS, undefined))).toBe(unauthenticated);
    expect(await refusalOf(attributesOf(OBJECTS, ''))).toBe(unauthenticated);
    const other = { 'csi.storage.k8s.io/serviceAccount.tokens': tokensOf(token, 'vault') };
    expect(await refusalOf(attributesOf(OBJECTS, undefined, other))).toBe(unauthenticated);
    expect(secrets.accesses).toEqual([]);
  });

  it.each<[string, JWTPayload]>([
    ['of another audience', { aud: ['https://kubernetes.default.svc'] }],
    ['of another issuer', { iss: `${ISSUER}.evil` }],
    ['that has expired', { exp: NOW / 1_000 - 31 }],
    ['that is not valid yet', { nbf: NOW / 1_000 + 31 }],
    ['whose subject is another account', { sub: 'system:serviceaccount:other:valuecanvas' }],
    [
      'that is bound to no pod',
      { 'kubernetes.io': { namespace: 'production', serviceaccount: { name: 'valuecanvas' } } },
    ],
    ['that is not of Kubernetes', { 'kubernetes.io': undefined }],
  ])('with a token %s', async (_, more) => {
    expect(await refusalOf(await signed(more))).toBe(unauthenticated);
    expect(secrets.accesses).toEqual([]);
  });

  it('with a token that never expires', async () => {
    const { exp: _, ...claims } = claimsOf();
    expect(await refusalOf(attributesOf(OBJECTS, await cluster.sign(claims)))).toBe(unauthenticated);
  });

  it('with a token that another cluster signed under the same key id, or nobody', async () => {
    const stranger = await makeCluster();
    expect(await refusalOf(attributesOf(OBJECTS, await stranger.sign(claimsOf())))).toBe(unauthenticated);
    const [, body] = token.split('.');
    const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${body}.`;
    expect(await refusalOf(attributesOf(OBJECTS, none))).toBe(unauthenticated);
  });

  it.each(['namespace', 'serviceAccount', 'pod', 'podUid'] as const)(
    'whose %s is not that of the token',
    async (part) => {
      expect(await refusalOf(attributesOf(OBJECTS, token, {}, { ...POD, [part]: 'other' }))).toBe(
        unauthenticated,
      );
    },
  );

  it('of an account that no rule names', async () => {
    const pod = { ...POD, serviceAccount: 'default' };
    const attributes = attributesOf(OBJECTS, await cluster.sign(claimsOf(pod)), {}, pod);
    expect(await refusalOf(attributes)).toBe('PERMISSION_DENIED MOUNT_FORBIDDEN');
    expect(secrets.accesses).toEqual([]);
  });

  it('that asks for a name beyond its rule, and puts that on record before anything is read', async () => {
    const objects = `${OBJECTS}\n- objectName: hidden\n`;
    expect(await refusalOf(attributesOf(objects, token))).toBe('PERMISSION_DENIED MOUNT_FORBIDDEN');
    expect(secrets.accesses).toEqual(['DENIED acme hidden by system:serviceaccount:production:valuecanvas']);
  });

  it.each(['rival', '{{TENANT_ID}}'])('whose class names the tenant %s', async (tenant) => {
    expect(await refusalOf(attributesOf(OBJECTS, token, { tenant }))).toBe(
      'PERMISSION_DENIED MOUNT_FORBIDDEN',
    );
    expect(secrets.accesses).toEqual([
      expect.stringMatching(/^DENIED acme .+ by system:serviceaccount:production:valuecanvas$/),
    ]);
  });
});
