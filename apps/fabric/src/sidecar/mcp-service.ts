import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Settings, UpstreamSettings } from '@provability-fabric/configuration';
import type { Enforcer } from '@provability-fabric/enforcement';
import { nodeCrypto } from '@provability-fabric/evidence';
import type { Identity } from '@provability-fabric/gateway-http';
import { createMcpEndpoint, type UpstreamDefinition } from '@provability-fabric/gateway-mcp';
import { digestJson, type JsonValue } from '@provability-fabric/kernel';
import type { Logger } from 'pino';
import { upstreamEnvironment } from '../config.ts';
import { SessionDecider } from '../session-decider.ts';
import { newRequestId } from '../wire.ts';

type Endpoint = ReturnType<typeof createMcpEndpoint<Identity>>;

/** The servers of `upstreams.yaml`, behind the sidecar's `/mcp/<name>`. */
export interface McpService {
  readonly upstreams: readonly string[];
  handle(
    exchange: Omit<Parameters<Endpoint['handle']>[0], 'caller' | 'callerKey'> & {
      readonly identity: Identity;
    },
  ): Promise<void>;
  sessions(): number;
  close(): Promise<void>;
}

/** undefined where no upstream is configured. */
export function openMcpService(
  settings: Pick<Settings, 'upstreams' | 'upstreamTimeoutMs' | 'advertise' | 'listen'>,
  enforcer: Enforcer,
  log: Logger,
): McpService | undefined {
  if (settings.upstreams.size === 0) return undefined;
  const crypto = nodeCrypto();
  const secretFiles = new Map<string, string>();
  const endpoint = createMcpEndpoint<Identity>({
    upstreams: new Map(
      [...settings.upstreams].map(([name, upstream]) => [name, definitionOf(name, upstream, secretFiles)]),
    ),
    deciderFor: (_caller, current) => new SessionDecider(enforcer, current),
    events: {
      emit: (event, details) => log[levelOf(event)]({ event, tags: [], ...details }, event),
    },
    about: ({ principal: { tenant, id }, session }) => ({
      tenant,
      principal: id,
      ...(session === null ? {} : { session }),
    }),
    limits: { upstreamTimeoutMs: settings.upstreamTimeoutMs },
    newRequestId,
    newSessionId: () => randomBytes(32).toString('base64url'),
    secret: async (name) => (await readFile(secretFiles.get(name) ?? '', 'utf8')).trim(),
    now: () => performance.now(),
  });
  return {
    upstreams: endpoint.upstreams,
    handle: ({ identity, ...exchange }) =>
      endpoint.handle({ ...exchange, caller: identity, callerKey: rightsOf(identity) }),
    sessions: () => endpoint.sessions(),
    close: () => endpoint.close(),
  };

  /** A session goes on for whoever has exactly the rights that it was begun with, with whichever token. */
  function rightsOf({ principal, capability, session, host }: Identity): string {
    const { id, tenant, org, roles } = principal;
    const caps = capability?.caps ?? null;
    return digestJson(crypto, [tenant, id, org, [...roles].sort(), caps, session, host] as JsonValue);
  }
}

function definitionOf(
  name: string,
  upstream: UpstreamSettings,
  secretFiles: Map<string, string>,
): UpstreamDefinition {
  const { prefix } = upstream;
  if (upstream.kind === 'stdio') {
    const { command, args, cwd } = upstream;
    const env = { ...upstreamEnvironment(), ...upstream.env };
    return { kind: 'stdio', command, args, cwd: cwd ?? process.cwd(), env, prefix };
  }
  const { url, authorization } = upstream;
  if (typeof authorization === 'string') return { kind: 'http', url, authorization, prefix };
  const { tokenEndpoint, clientId, clientSecretFile, audience, scope } = authorization;
  secretFiles.set(name, clientSecretFile);
  const exchange = {
    tokenEndpoint,
    clientId,
    clientSecret: name,
    ...(audience === null ? {} : { audience }),
    ...(scope === null ? {} : { scope }),
  };
  return { kind: 'http', url, authorization: { exchange }, prefix };
}

/** What a client or a server did wrong is theirs; what the fabric could not do is worth a look. */
function levelOf(event: string): 'info' | 'warn' {
  return QUIET.has(event) ? 'info' : 'warn';
}

const QUIET: ReadonlySet<string> = new Set(['mcp.relay-ending', 'mcp.session-opened', 'mcp.session-ended']);
