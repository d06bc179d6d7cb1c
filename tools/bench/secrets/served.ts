// A program: the secrets service behind its listener as `pf serve secrets` has it, with one route more, `/audit-only`, that
// puts the same access on record and answers without a secret. Tells its parent where it listens, and ends when that does.
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultSettings } from '@provability-fabric/configuration';
import { issueToken, verifyToken } from '@provability-fabric/evidence';
import {
  createListener,
  createTokenVerifier,
  type Route,
  SECRETS_LIMITS,
  secretsRoutes,
} from '@provability-fabric/gateway-http';
import { type AuditTrail, createAuditTrail } from '@provability-fabric/secrets';
import { openSecretAuditLog } from '@provability-fabric/storage';
import { serviceLog } from '../../../apps/fabric/src/observe/logger.ts';
import { pooledRandomness } from '../../../apps/fabric/src/pooled-randomness.ts';
import { readSecretsSettings } from '../../../apps/fabric/src/secrets/secrets-settings.ts';
import { openFabric } from '../../../apps/fabric/src/wire.ts';

const TENANT = 'acme';
const AUDIENCE = 'secrets';
const cached = process.argv[2] === 'cached';

const directory = await mkdtemp(join(tmpdir(), 'pf-bench-secrets-'));
const log = serviceLog('secrets', 'error');
const settings = defaultSettings(directory, 'bench');
const fabric = await openFabric({
  dataFolder: join(directory, 'data'),
  bundle: null,
  secrets: readSecretsSettings(cached ? {} : { SECRETS_CACHE_TTL: '0' }),
  log,
  settings,
  live: { current: settings.live, onChange: () => undefined },
  database: { kind: 'embedded' },
});
const { secrets: service, ledger, evidence } = fabric;
if (service === undefined || ledger === undefined || evidence === undefined)
  throw new Error('expected a fabric with secrets');

// The same trail on connections of its own, since the service does not lend out the one it has.
const database = await ledger.openDatabase(16);
const pool = pooledRandomness();
const trail = createAuditTrail({
  journal: evidence.journal,
  rows: openSecretAuditLog({ database }),
  crypto: fabric.folder.crypto,
  signer: fabric.folder.keys.evidenceSigner(),
  random: (length) => pool.bytes(length),
  // A chain of its own: two writers of one chain would be in each other's way.
  logId: randomBytes(16).toString('hex'),
  provider: 'embedded',
});

const listener = createListener({
  service: AUDIENCE,
  routes: [
    ...secretsRoutes({
      secrets: service.secrets,
      rotations: service.rotations,
      audit: service.audit,
      fingerprints: service.fingerprints,
      kv: { mount: 'secret', environment: 'production' },
      now: Date.now,
      version: '0',
      log: () => undefined,
    }),
    auditOnly(trail),
  ],
  tokens: createTokenVerifier({
    check: (token) =>
      verifyToken(token, {
        issuer: settings.origin,
        audience: AUDIENCE,
        keys: fabric.folder.keys.tokenKeys(),
        now: Date.now(),
        clockToleranceSeconds: 5,
      }),
    standing: ledger.authority,
    maxStaleMs: 65_000,
    now: Date.now,
    maxTokens: 10_000,
    rememberMs: 60_000,
  }),
  health: { uptime: () => 0, problems: async () => [], ready: () => true },
  metrics: fabric.metrics,
  limits: SECRETS_LIMITS,
  log: () => undefined,
});
const { port } = await listener.listen({ host: '127.0.0.1', port: 0 });
const caller = { tenant: TENANT, principal: 'bench', roles: ['secrets-admin'], details: {} };
await service.secrets.write(caller, { tenant: TENANT, name: 'test' }, { value: { value: 'as good as any' } });
const token = await issueToken(
  {
    sub: 'bench',
    aud: AUDIENCE,
    tenant: TENANT,
    roles: ['secrets-viewer'],
    org: TENANT,
    caps: ['*'],
    epoch: settings.epoch,
    ttlSeconds: 3600,
  },
  { name: settings.origin, key: fabric.folder.keys.tokenKey(), now: Date.now(), jti: randomUUID() },
);
process.send?.({ port, token });

process.once('disconnect', async () => {
  await listener.close();
  await trail.close();
  await database.close();
  await fabric.close();
  await rm(directory, { recursive: true, force: true });
  process.exit();
});

function auditOnly({ record }: AuditTrail): Route {
  return {
    kind: 'guarded',
    method: 'GET',
    pattern: '/audit-only',
    async serve({ client, requestId, identity }) {
      const { tenant, id: principal } = identity.principal;
      await record({
        id: randomUUID(),
        tenant,
        principal,
        action: 'READ',
        secret: 'test',
        version: 1,
        result: 'SUCCESS',
        details: { client, request_id: requestId, cached: true },
        at: Date.now(),
      });
      return { status: 200, body: { name: 'test' } };
    },
  };
}
