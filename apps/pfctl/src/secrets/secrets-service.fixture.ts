// Test code only: the secrets service behind its listener, over rows in memory.
import { randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { issueToken, openKeyRing, verifyToken } from '@provability-fabric/evidence';
import {
  createListener,
  createMetrics,
  createTokenVerifier,
  SECRETS_LIMITS,
  secretsRoutes,
} from '@provability-fabric/gateway-http';
import {
  createEmbeddedProvider,
  createInProcessInvalidations,
  createMemoryRotationStore,
  createRandomRotator,
  openRotations,
  openSecrets,
  RootKeys,
  type SecretAccess,
  systemClock,
  systemRandom,
} from '@provability-fabric/secrets';
import { MemorySecretRows } from '@provability-fabric/testkit';

const ORIGIN = 'test.example/secrets';
const KEY = { key: Buffer.alloc(32, 7), parameters: new Uint8Array(0) };

export async function startSecretsService(folder: string) {
  const rows = new MemorySecretRows();
  const rootKeys = new RootKeys({ rows, random: randomBytes });
  await rootKeys.unseal({ kind: 'file', make: async () => KEY, derive: async () => KEY.key });
  const accesses: SecretAccess[] = [];
  const audit = { record: async (access: SecretAccess) => void accesses.push(access) };
  const provider = createEmbeddedProvider({ rows, rootKeys, clock: Date.now, random: randomBytes });
  const secrets = openSecrets({
    provider,
    audit,
    limits: { take: async () => ({ ok: true }) },
    invalidations: createInProcessInvalidations(),
    clock: Date.now,
    elapsed: () => performance.now(),
    random: randomBytes,
    newId: randomUUID,
    onAccess: () => undefined,
    eraseTenant: (tenant) => provider.eraseTenant(tenant),
  });
  const rotations = openRotations({
    provider: secrets.provider,
    store: createMemoryRotationStore(Date.now),
    audit,
    admission: secrets,
    rotators: [createRandomRotator(randomBytes)],
    notifier: { tell: async () => undefined },
    clock: systemClock,
    random: systemRandom,
    newId: randomUUID,
  });
  const keys = await openKeyRing(join(folder, 'service-keys'), { origin: ORIGIN, create: true });
  const listener = createListener({
    service: 'secrets',
    routes: secretsRoutes({
      secrets,
      rotations,
      audit: {
        list: async ({ tenant }, { secret }, { limit }) => ({
          rows: [...accesses]
            .reverse()
            .filter((one) => one.tenant === tenant && (secret === undefined || one.secret === secret))
            .slice(0, limit)
            .map((one) => ({ ...one, statementDigest: one.action === 'LIST' ? null : 'ab'.repeat(32) })),
          next: null,
        }),
      },
      fingerprints: { of: async () => ({ etag: 'none', fingerprints: null }) },
      kv: { mount: 'secret', environment: 'production' },
      now: Date.now,
      version: '0',
      log: () => undefined,
    }),
    tokens: createTokenVerifier({
      check: (token) =>
        verifyToken(token, {
          issuer: ORIGIN,
          audience: 'secrets',
          keys: keys.tokenKeys(),
          now: Date.now(),
          clockToleranceSeconds: 5,
        }),
      maxStaleMs: 1000,
      now: Date.now,
      maxTokens: 100,
      rememberMs: 1000,
    }),
    health: { uptime: () => 0, problems: async () => [], ready: () => true },
    metrics: createMetrics(),
    limits: SECRETS_LIMITS,
    log: () => undefined,
  });
  const { port } = await listener.listen({ host: '127.0.0.1', port: 0 });
  return {
    url: `http://127.0.0.1:${port}`,
    accesses,
    token: (role: string, tenant = 'acme') =>
      issueToken(
        {
          sub: 'operator',
          aud: 'secrets',
          tenant,
          roles: [role],
          org: tenant,
          caps: ['*'],
          epoch: 1,
          ttlSeconds: 600,
        },
        { name: ORIGIN, key: keys.tokenKey(), now: Date.now(), jti: randomUUID() },
      ),
    async close() {
      await listener.close();
      await rotations.stop();
      await secrets.close();
    },
  };
}
