import type { Settings } from '@provability-fabric/configuration';
import {
  createJwtVerifier,
  createListener,
  DEFAULT_LIMITS,
  GOVERNOR_LIMITS,
  governorReadiness,
  type HealthProblem,
  type Limits,
  type Listener,
  type Log,
  type Route,
  SECRETS_LIMITS,
  type TlsOptions,
  type TokenVerifier,
} from '@provability-fabric/gateway-http';
import type { Logger } from 'pino';
import type { Fabric } from '../wire.ts';
import { tokenVerifier } from './verify-tokens.ts';

/** What `pf serve` can run in one process, as CONTRACTS §7 names it. */
export const COMPONENTS = ['sidecar-watcher', 'policy-adapter', 'ledger', 'secrets', 'governor'] as const;
export type Component = (typeof COMPONENTS)[number];

export interface ListenerSettings {
  readonly limits: Settings['limits'];
  readonly evidenceMaxLagMs: number;
  readonly origin: string;
}

/** A component's listener. What it serves beside the probes is in its routes. */
export function listenerOf(
  component: Component,
  routes: readonly Route[],
  {
    fabric,
    settings,
    tls,
    log,
  }: {
    readonly fabric: Fabric;
    readonly settings: ListenerSettings;
    readonly tls: TlsOptions | undefined;
    readonly log: Logger;
  },
): Listener {
  const started = performance.now();
  return createListener({
    service: component,
    routes,
    tokens: tokensOf(component, fabric, settings),
    health: {
      uptime: () => Math.round((performance.now() - started) / 1000),
      problems: async () => problemsOf(component, fabric),
      ready: () => true,
      ...readinessOf(component, fabric),
    },
    metrics: fabric.metrics,
    limits: limitsOf(component, settings),
    log: gatewayLog(log),
    ...(tls === undefined ? {} : { tls }),
  });
}

const REFRESH_MS = 5_000;

/** The governor takes the tokens of an issuer of its own, where it was given one. */
function tokensOf(component: Component, fabric: Fabric, settings: ListenerSettings): TokenVerifier {
  const jwt = component === 'governor' ? (fabric.governor?.settings.jwt ?? null) : null;
  if (jwt !== null) return createJwtVerifier(jwt, { now: Date.now });
  return tokenVerifier({
    audience: component,
    origin: settings.origin,
    folder: fabric.folder,
    ledger: fabric.ledger,
    // What decisions may lack of the ledger, tokens may lack of the revocations: one outage, one bound.
    maxStaleMs: settings.evidenceMaxLagMs + REFRESH_MS,
    checksEpoch: component !== 'sidecar-watcher',
  });
}

function readinessOf(component: Component, { governor }: Fabric) {
  if (component !== 'governor' || governor === undefined) return {};
  return { readiness: governorReadiness(() => governor.governor.killState()) };
}

export function gatewayLog(log: Logger): Log {
  return ({ level, event, tags, latency_ms, details }) =>
    log[level]({ event, tags, latency_ms, ...details }, event);
}

function limitsOf(component: Component, { limits }: ListenerSettings): Limits {
  const { maxConnections, maxBodyBytes, requestsPerSecond } = limits;
  // A secret is short, and how often it is asked for is counted by tenant and principal.
  if (component === 'secrets') return { ...SECRETS_LIMITS, maxConnections };
  // Its tests decide how long an answer takes.
  if (component === 'governor') return { ...GOVERNOR_LIMITS, maxConnections };
  return {
    ...DEFAULT_LIMITS,
    maxConnections,
    bodyBytes: maxBodyBytes,
    maxInFlightBytes: Math.max(DEFAULT_LIMITS.maxInFlightBytes, 4 * maxBodyBytes),
    requestsPerSecond,
    burst: 2 * requestsPerSecond,
  };
}

/** The sidecar is ill where it refuses; a ledger that is away is the ledger's illness until then. */
function problemsOf(component: Component, fabric: Fabric): readonly HealthProblem[] {
  const { sidecar, ledger } = fabric;
  const decides = component === 'sidecar-watcher';
  const keeps = component === 'secrets' || component === 'governor';
  const evidence = [
    ...(decides || keeps ? (fabric.evidence?.health() ?? []) : []),
    ...(decides ? (sidecar?.health() ?? []) : []),
  ];
  const stopped = decides ? fabric.secrets?.stopsAgents() : undefined;
  const secrets = [
    ...(component === 'secrets' ? (fabric.secrets?.health() ?? ['the store of secrets is not open']) : []),
    ...(stopped === undefined ? [] : [stopped]),
  ];
  const governor =
    component === 'governor' ? (fabric.governor?.health() ?? ['there is nothing to govern']) : [];
  const bundle = decides ? fabric.bundleHealth() : [];
  const database = ledger?.health() ?? (component === 'ledger' ? ['the ledger is not open'] : []);
  return [
    ...evidence.map((problem) => ({ component: 'evidence', problem })),
    ...bundle.map((problem) => ({ component: 'bundle', problem })),
    ...secrets.map((problem) => ({ component: 'secrets', problem })),
    ...governor.map((problem) => ({ component: 'governor', problem })),
    ...database.map((problem) => ({ component: 'ledger', problem })),
  ];
}
