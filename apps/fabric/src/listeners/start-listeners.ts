import type { Listen, Settings } from '@provability-fabric/configuration';
import {
  createForwarder,
  governorRoutes,
  type Listener,
  ledgerRoutes,
  policyAdapterRoutes,
  type Route,
  secretsRoutes,
  sidecarRoutes,
  type TlsOptions,
} from '@provability-fabric/gateway-http';
import type { Logger } from 'pino';
import { FabricError } from '../errors.ts';
import type { McpService } from '../sidecar/mcp-service.ts';
import { VERSION } from '../version.ts';
import { type Fabric, newRequestId } from '../wire.ts';
import { type Component, gatewayLog, listenerOf } from './listeners.ts';
import { readTls } from './read-tls.ts';

export interface StartOptions {
  readonly fabric: Fabric;
  readonly settings: Settings;
  readonly components: readonly Component[];
  /** For each of the components. */
  readonly listen: Readonly<Partial<Record<Component, Listen>>>;
  /** Absent: no MCP over HTTP. */
  readonly mcp?: McpService;
  readonly log: Logger;
  /** The log of each component that has one of its own. */
  readonly logs?: ReadonlyMap<Component, Logger>;
}

export interface Started {
  close(): Promise<void>;
}

/** Opens a listener for each component; where one cannot be had, none stays open. */
export async function startListeners(options: StartOptions): Promise<Started> {
  const { fabric, settings, components, log } = options;
  const tls = settings.tls === null ? undefined : await readTls(settings.tls);
  const forwarder =
    fabric.sidecar?.shares === true
      ? overTlsOnly(tls, createForwarder({ ...FORWARDING, metrics: fabric.metrics, ...asClient(tls) }))
      : undefined;
  const started: Listener[] = [];
  const close = async () => {
    await Promise.all(started.map((listener) => listener.close()));
    forwarder?.close();
  };
  // Without TLS there is nothing to read anew, and a signal without a handler would end the process.
  const reload = () => void reloadTls(settings, started, log);
  try {
    for (const component of components) {
      const own = options.logs?.get(component) ?? log;
      const routes = routesOf(component, { ...options, log: own }, forwarder);
      const listener = listenerOf(component, routes, { fabric, settings, tls, log: own });
      started.push(listener);
      const { host, port: asked } = options.listen[component] ?? FREE;
      const { port } = await listener.listen({ host, port: asked });
      own.info({ event: 'listening', tags: [], host, port }, `${component} listening on ${host}:${port}`);
    }
  } catch (error) {
    await close();
    throw error;
  }
  process.on('SIGUSR2', reload);
  return {
    async close() {
      process.removeListener('SIGUSR2', reload);
      await close();
    },
  };
}

type ClosingForwarder = ReturnType<typeof createForwarder>;

const FREE: Listen = { host: '127.0.0.1', port: 0 };
const FORWARDING = { timeoutMs: 30_000, answerBytes: 4 * 1024 * 1024, maxSockets: 64 };

/** Fabrics show each other the certificate that they serve with, and believe what they ask their clients for. */
function asClient(tls: TlsOptions | undefined) {
  if (tls === undefined) return {};
  const { certificate, key, clients } = tls;
  return { client: { certificate, key }, ...(clients === undefined ? {} : { authority: clients.authority }) };
}

/** Where fabrics speak TLS, an address out of the database must not lead callers' tokens over plain HTTP. */
function overTlsOnly(tls: TlsOptions | undefined, forwarder: ClosingForwarder): ClosingForwarder {
  if (tls === undefined) return forwarder;
  return {
    ...forwarder,
    async forward(address, request) {
      if (new URL(address).protocol !== 'https:') throw new Error('expected the owner at an https address');
      return forwarder.forward(address, request);
    },
  };
}

function routesOf(
  component: Component,
  { fabric, settings, mcp, log }: StartOptions,
  forwarder: ClosingForwarder | undefined,
): readonly Route[] {
  const { sidecar, ledger, metrics, bundles, secrets, governor } = fabric;
  const common = { now: Date.now, log: gatewayLog(log), metrics };
  switch (component) {
    case 'sidecar-watcher':
      if (sidecar === undefined) throw missing(component, 'a bundle');
      return sidecarRoutes({
        enforcer: sidecar.enforcer,
        approvals: sidecar.enforcer.approvals,
        newRequestId,
        ...(forwarder === undefined ? {} : { forwarder }),
        ...(mcp === undefined ? {} : { mcp }),
        ...(settings.advertise === null ? {} : { publicUrl: settings.advertise }),
      });
    case 'policy-adapter':
      if (ledger === undefined || bundles === undefined) throw missing(component, 'a database');
      return policyAdapterRoutes({ ...common, authority: ledger.authority, bundles });
    case 'ledger':
      if (ledger === undefined) throw missing(component, 'a database');
      return ledgerRoutes({ ...common, reader: ledger.reader, tokens: ledger.authority });
    case 'secrets':
      if (secrets === undefined) throw missing(component, 'a database');
      return secretsRoutes({
        ...common,
        secrets: secrets.secrets,
        rotations: secrets.rotations,
        audit: secrets.audit,
        fingerprints: secrets.fingerprints,
        kv: { mount: 'secret', environment: secrets.settings.environment },
        version: VERSION,
      });
    case 'governor':
      if (governor === undefined)
        throw new FabricError(
          'OPTION_INVALID',
          'governor needs a tree to govern: set SAFEAI_PROJECT_ROOT to its folder',
        );
      return [
        ...governorRoutes({
          ...common,
          governor: governor.governor,
          tenant: governor.settings.tenant,
        }),
        governor.mcp,
      ];
  }
}

function missing(component: Component, what: string): FabricError {
  return new FabricError(
    'OPTION_INVALID',
    `${component} needs ${what}: set \`database: embedded\` in config/<env>/fabric.yaml, or DATABASE_URL`,
  );
}

/** New certificates for new connections, without a restart: SIGUSR2. Unfit ones are refused and the old ones stay. */
async function reloadTls(settings: Settings, listeners: readonly Listener[], log: Logger): Promise<void> {
  if (settings.tls === null) return;
  try {
    const tls = await readTls(settings.tls);
    for (const listener of listeners) listener.reload(tls);
    log.info({ event: 'tls_reloaded', tags: [] }, 'certificates read anew');
  } catch (error) {
    const problem = error instanceof Error ? error.message : 'unknown';
    log.error({ event: 'tls_refused', tags: ['ERROR'], problem }, 'the old certificates stay');
  }
}
