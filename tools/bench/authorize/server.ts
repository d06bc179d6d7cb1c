import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { issueToken, openKeyRing, verifyToken } from '@provability-fabric/evidence';
import {
  createListener,
  createMetrics,
  createTokenVerifier,
  DEFAULT_LIMITS,
  type Route,
  sidecarRoutes,
} from '@provability-fabric/gateway-http';
import {
  canonicalBytes,
  type Digest,
  digestOf,
  envelopeBytes,
  fromBase64,
  type JsonObject,
  type JsonValue,
  parseEnvelope,
  parseJsonBytes,
  sealEnvelope,
  strictCanonicalBytes,
} from '@provability-fabric/kernel';
import { type BenchFabric, openBenchFabric } from '../decisions/fabric.ts';
import { PRINCIPAL } from '../decisions/load.ts';

export const PLAIN = '/plain';

/** A certificate as the fabric made one, and the record that is kept with it. */
interface Sample {
  readonly statement: JsonObject;
  readonly payloadType: string;
  readonly record: JsonValue;
  readonly payloadBytes: number;
}

export interface BenchServer {
  readonly port: number;
  readonly fabric: BenchFabric;
  /** One a session. */
  readonly tokens: readonly string[];
  /** What `/plain` makes durable; set from a decision of the fabric. */
  sample: Sample | undefined;
  close(): Promise<void>;
}

/** The fabric behind its listener, with one route more: it canonicalises, signs and commits, and does nothing else. */
export async function startBenchServer(sessions: readonly string[]): Promise<BenchServer> {
  const fabric = await openBenchFabric();
  const directory = await mkdtemp(join(tmpdir(), 'pf-bench-keys-'));
  const origin = 'bench.example/log';
  const audience = 'sidecar-watcher';
  const keys = await openKeyRing(directory, { origin, create: true });
  const metrics = createMetrics();
  const server: { -readonly [name in keyof BenchServer]: BenchServer[name] } = {
    fabric,
    port: 0,
    sample: undefined,
    tokens: await Promise.all(
      sessions.map((sid) =>
        issueToken(
          {
            sub: PRINCIPAL.id,
            aud: audience,
            tenant: PRINCIPAL.tenant,
            roles: PRINCIPAL.roles,
            org: PRINCIPAL.org,
            caps: ['*'],
            epoch: 1,
            sid,
            ttlSeconds: 3600,
          },
          { name: origin, key: keys.tokenKey(), now: Date.now(), jti: randomUUID() },
        ),
      ),
    ),
    async close() {
      await listener.close();
      await fabric.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
  const listener = createListener({
    service: audience,
    routes: [
      ...sidecarRoutes({
        enforcer: fabric.enforcer,
        approvals: fabric.enforcer.approvals,
        newRequestId: randomUUID,
      }),
      plainRoute(server),
    ],
    tokens: createTokenVerifier({
      check: (token) =>
        verifyToken(token, {
          issuer: origin,
          audience,
          keys: keys.tokenKeys(),
          now: Date.now(),
          clockToleranceSeconds: 5,
        }),
      standing: { revoked: () => false, staleMs: () => 0 },
      maxStaleMs: 5000,
      now: Date.now,
      maxTokens: 10_000,
      rememberMs: 60_000,
    }),
    health: { uptime: () => 0, problems: async () => [], ready: () => true },
    metrics,
    limits: { ...DEFAULT_LIMITS, requestsPerSecond: 1_000_000, burst: 1_000_000 },
    log: () => undefined,
  });
  server.port = (await listener.listen({ host: '127.0.0.1', port: 0 })).port;
  return server;
}

function plainRoute(server: Pick<BenchServer, 'fabric' | 'sample'>): Route {
  const { crypto, signer, log } = server.fabric;
  const heads = new Map<string, { seq: number; digest: Digest | null }>();
  return {
    kind: 'guarded',
    method: 'POST',
    pattern: PLAIN,
    async serve({ identity }) {
      const { sample } = server;
      if (sample === undefined) throw new Error('expected a decision to take the sizes from');
      const session = `plain-${identity.session}`;
      const head = heads.get(session) ?? { seq: -1, digest: null };
      const payload = strictCanonicalBytes({ ...sample.statement, seq: head.seq + 1, session });
      const entry = {
        seq: head.seq + 1,
        digest: digestOf(crypto, payload),
        envelope: envelopeBytes(sealEnvelope(sample.payloadType, payload, [signer])),
        salt: randomBytes(32),
        record: canonicalBytes(sample.record),
      };
      const { tenant } = identity.principal;
      const expected = { expectedSeq: head.seq, expectedDigest: head.digest };
      const committed = await log.commit({ tenant, session, ...expected, entries: [entry] });
      if (!committed.ok) throw new Error('expected the log to take every commit');
      heads.set(session, entry);
      return { status: 200, body: { effect: 'allow', certificate_id: entry.digest } };
    },
  };
}

/** Listens to what the fabric commits until it has seen one decision alone. */
export function takeSample(server: BenchServer): void {
  const { fabric } = server;
  fabric.onCommit = ({ entries }) => {
    const [entry] = entries;
    if (entry === undefined || entries.length > 1) return;
    const { payloadType, payload } = parseEnvelope(parseJsonBytes(entry.envelope));
    const bytes = fromBase64(payload);
    const statement = parseJsonBytes(bytes) as JsonObject;
    server.sample = {
      statement,
      payloadType,
      record: parseJsonBytes(entry.record),
      payloadBytes: bytes.length,
    };
    fabric.onCommit = undefined;
  };
}
