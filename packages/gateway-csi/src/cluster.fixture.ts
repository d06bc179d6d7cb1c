import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { credentials, status } from '@grpc/grpc-js';
import {
  asSecretName,
  asSecretTenant,
  SecretError,
  type SecretValue,
  type StoredSecret,
} from '@provability-fabric/secrets';
import { createLocalJWKSet, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import type { CsiEvent, MountReader, MountSecrets } from './ports.ts';
import { type CsiProvider, type CsiProviderOptions, startCsiProvider } from './provider.ts';
import type { MountRule } from './rules.ts';
import { loadProviderService, type MountResponse, type VersionResponse } from './service-descriptor.ts';

export const ISSUER = 'https://kubernetes.default.svc.cluster.local';
export const AUDIENCE = 'provability-fabric';
export const NOW = 1_800_000_000_000;
const SECONDS = NOW / 1_000;

/** A cluster's signing key, and the tokens that it signs. */
export async function makeCluster(kid = 'cluster-1') {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const jwk = { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' };
  const sign = (claims: JWTPayload) =>
    new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid }).sign(privateKey);
  return { jwk, keys: createLocalJWKSet({ keys: [jwk] }), sign };
}

export type Cluster = Awaited<ReturnType<typeof makeCluster>>;

export const POD = { namespace: 'production', serviceAccount: 'valuecanvas', pod: 'api-1', podUid: 'uid-1' };

/** As the API server writes them. */
export function claimsOf(pod = POD, more: JWTPayload = {}): JWTPayload {
  return {
    iss: ISSUER,
    aud: [AUDIENCE],
    sub: `system:serviceaccount:${pod.namespace}:${pod.serviceAccount}`,
    iat: SECONDS,
    nbf: SECONDS,
    exp: SECONDS + 600,
    'kubernetes.io': {
      namespace: pod.namespace,
      serviceaccount: { name: pod.serviceAccount, uid: 'sa-uid' },
      pod: { name: pod.pod, uid: pod.podUid },
      node: { name: 'node-1', uid: 'node-uid' },
    },
    ...more,
  };
}

/** As the driver puts them together out of the class's parameters and what the kubelet says. */
export function attributesOf(
  objects: string,
  token: string | undefined,
  more: Record<string, string> = {},
  pod = POD,
): string {
  return JSON.stringify({
    objects,
    'csi.storage.k8s.io/ephemeral': 'true',
    'csi.storage.k8s.io/pod.name': pod.pod,
    'csi.storage.k8s.io/pod.namespace': pod.namespace,
    'csi.storage.k8s.io/pod.uid': pod.podUid,
    'csi.storage.k8s.io/serviceAccount.name': pod.serviceAccount,
    ...(token === undefined ? {} : { 'csi.storage.k8s.io/serviceAccount.tokens': tokensOf(token) }),
    secretProviderClass: 'valuecanvas-secrets',
    ...more,
  });
}

export function tokensOf(token: string, audience = AUDIENCE): string {
  return JSON.stringify({ [audience]: { token, expirationTimestamp: '2027-01-15T08:10:00Z' } });
}

/** Secrets in memory, by tenant and name; version 1 is the last but one of what is given. */
export class MemorySecrets implements MountSecrets {
  readonly accesses: string[] = [];
  readonly #values: Map<string, readonly SecretValue[]>;
  /** What each read waits for. */
  gate: Promise<unknown> = Promise.resolve();

  constructor(values: Record<string, SecretValue | readonly SecretValue[]>) {
    this.#values = new Map(
      Object.entries(values).map(([key, value]) => [
        key,
        Array.isArray(value) ? value : [value as SecretValue],
      ]),
    );
  }

  async read(reader: MountReader, name: string, version: number | string): Promise<StoredSecret> {
    this.accesses.push(`MOUNT ${reader.tenant} ${name} ${version} by ${reader.principal}`);
    await this.gate;
    const versions = this.#values.get(`${reader.tenant}:${name}`);
    if (versions === undefined) throw new SecretError('SECRET_NOT_FOUND', 'expected a secret that is there');
    const number = version === 'current' ? versions.length : Number(version);
    const value = versions[number - 1];
    if (value === undefined)
      throw new SecretError('SECRET_VERSION_NOT_FOUND', 'expected a version that is there');
    return {
      value,
      version: {
        version: number,
        id: `v${NOW}-${String(number).padStart(6, '0')}`,
        createdAt: NOW,
        createdBy: 'a',
        description: '',
        state: 'current',
      },
      metadata: { sensitivity: 'high', tags: {}, maxVersions: 10, casRequired: false },
    };
  }

  async refuse(reader: MountReader, name: string): Promise<void> {
    this.accesses.push(`DENIED ${reader.tenant} ${name} by ${reader.principal}`);
  }

  put(tenant: string, name: string, value: SecretValue): void {
    const key = `${asSecretTenant(tenant)}:${asSecretName(name)}`;
    this.#values.set(key, [...(this.#values.get(key) ?? []), value]);
  }
}

export const RULES: readonly MountRule[] = [
  { namespace: 'production', serviceAccount: 'valuecanvas', tenant: 'acme', names: ['db/', 'jwt', 'flat'] },
  { namespace: 'other', serviceAccount: 'valuecanvas', tenant: 'rival', names: ['*'] },
];

/** What must never show anywhere but in a file. */
export const CANARY = 'c4nary-of-the-database';

export const OBJECTS = `
- objectName: db/primary
  fileName: database-password
  field: password
- objectName: db/primary
  objectAlias: database-username
  field: username
- objectName: jwt
`;

export function testSecrets(): MemorySecrets {
  return new MemorySecrets({
    'acme:db/primary': { username: 'app', password: CANARY },
    'acme:jwt': { secret: 'j' },
    'acme:flat': { a: '1', b: '2' },
    'acme:hidden': { a: '1' },
    'rival:db/primary': { username: 'r', password: 'of the rival' },
  });
}

export interface ProviderUnderTest {
  readonly provider: CsiProvider;
  readonly events: CsiEvent[];
  readonly client: TestClient;
  readonly folder: string;
  close(): Promise<void>;
}

/** The provider on a socket of its own and a client of the same protocol. */
export async function startTestProvider(
  cluster: Cluster,
  secrets: MountSecrets,
  more: Partial<CsiProviderOptions> = {},
): Promise<ProviderUnderTest> {
  const folder = await mkdtemp(join(tmpdir(), 'csi-'));
  const events: CsiEvent[] = [];
  const provider = await startCsiProvider({
    socketPath: join(folder, 'provability-fabric.sock'),
    cluster: { issuer: ISSUER, audience: AUDIENCE, keys: cluster.keys },
    rules: RULES,
    secrets,
    version: '0.1.0',
    emit: (event) => events.push(event),
    now: () => NOW,
    ...more,
  });
  const client = connectTo(provider.socketPath);
  return {
    provider,
    events,
    client,
    folder,
    async close() {
      client.close();
      await provider.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** `STATUS CODE` of a mount that is refused; what it says shows neither the value nor the token. */
export async function refusalOf(client: TestClient, attributes: string, more = {}): Promise<string> {
  const error = await client.mount({ attributes, ...more }).then(
    ({ files }) => Promise.reject(new Error(`it mounted ${files.length} files`)),
    (thrown: { code: number; details: string }) => thrown,
  );
  const [, token = CANARY] = /\\"token\\":\\"([^\\"]+)/.exec(attributes) ?? [];
  for (const hidden of [CANARY, token])
    if (error.details.includes(hidden)) throw new Error('a refusal shows what it must not');
  return `${status[error.code]} ${error.details.split(':')[0]}`;
}

export interface TestRequest {
  readonly attributes: string;
  readonly secrets?: string;
  readonly targetPath?: string;
  readonly permission?: string;
}

export interface TestClient {
  mount(request: TestRequest): Promise<MountResponse>;
  version(): Promise<VersionResponse>;
  close(): void;
}

export function connectTo(socketPath: string): TestClient {
  const Client = loadProviderService();
  const client = new Client(`unix:${socketPath}`, credentials.createInsecure());
  const call = <T>(method: 'Mount' | 'Version', request: object) =>
    new Promise<T>((resolve, reject) => {
      client[method]?.(request, (error: Error | null, answer: T) =>
        error ? reject(error) : resolve(answer),
      );
    });
  return {
    mount: (request) =>
      call<MountResponse>('Mount', {
        secrets: '',
        targetPath: '/var/lib/kubelet/pods/uid-1/volumes/x/mount',
        permission: '420',
        ...request,
      }),
    version: () => call<VersionResponse>('Version', { version: 'v1alpha1' }),
    close: () => client.close(),
  };
}
