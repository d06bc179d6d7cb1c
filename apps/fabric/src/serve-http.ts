import { verifyToken } from '@provability-fabric/evidence';
import {
  createHttpServer,
  DEFAULT_LIMITS,
  type HttpServer,
  type TokenVerifier,
} from '@provability-fabric/gateway-http';
import type { Logger } from 'pino';
import type { Fabric } from './wire.ts';

/** The audience that tokens for the sidecar must name. */
const AUDIENCE = 'sidecar-watcher';

/** Serves the sidecar's routes over the fabric's enforcer. Rejects with PORT_IN_USE where the port is taken. */
export async function serveHttp(
  fabric: Fabric,
  listen: { host: string; port: number },
  log: Logger,
): Promise<HttpServer> {
  const started = performance.now();
  const server = createHttpServer({
    service: AUDIENCE,
    enforcer: fabric.enforcer,
    tokens: tokenVerifier(fabric),
    health: {
      uptime: () => Math.round((performance.now() - started) / 1000),
      problems: async () => fabric.problems().map((problem) => ({ component: 'evidence', problem })),
      ready: () => true,
    },
    metrics: fabric.metrics,
    limits: DEFAULT_LIMITS,
    log: ({ level, event, tags, latency_ms, details }) =>
      log[level]({ event, tags, latency_ms, ...details }, event),
  });
  const { port } = await server.listen(listen);
  log.info({ event: 'listening', tags: [], host: listen.host, port }, `listening on ${listen.host}:${port}`);
  return server;
}

function tokenVerifier({ keys, origin }: Fabric): TokenVerifier {
  return {
    async verify(authorization) {
      const token = /^Bearer ([A-Za-z0-9._~+/=-]+)$/.exec(authorization ?? '')?.[1];
      if (authorization === undefined || token === undefined) {
        const reason =
          'expected `Authorization: Bearer` with a capability token; `pfctl token create` makes one';
        return {
          ok: false,
          code: 'UNAUTHENTICATED',
          tag: authorization === undefined ? 'UNAUTHORIZED' : 'AUTH_FAILED',
          reason,
        };
      }
      const check = await verifyToken(token, {
        issuer: origin,
        audience: AUDIENCE,
        keys: keys.tokenKeys(),
        now: Date.now(),
        clockToleranceSeconds: 5,
      });
      if (!check.ok) return { ok: false, code: check.code, tag: 'AUTH_FAILED', reason: check.reason };
      const { sub, tenant, roles, org, caps, epoch, sid, jti, exp } = check.claims;
      return {
        ok: true,
        principal: { id: sub, roles, org, tenant, attributes: {} },
        capability: { id: jti, caps, expires: exp * 1000 },
        session: sid ?? null,
        epoch,
        host: roles.includes('host'),
      };
    },
  };
}
