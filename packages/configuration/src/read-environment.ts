import { join, resolve } from 'node:path';
import { readEnvironmentFiles } from './environment-files.ts';
import type { FabricValues } from './fabric-file.ts';
import { readLiveFiles, STANDARD } from './live-files.ts';
import type { Problem } from './problem.ts';
import type { LiveSettings, Settings, TlsSettings, UpstreamSettings } from './settings.ts';

/**
 * The settings of `config/<env>` under `root`, checked as a whole: one bad value and none of them is used. Relative paths
 * start at `root`.
 */
export async function readEnvironment(
  root: string,
  environment: string,
): Promise<
  | { readonly ok: true; readonly settings: Settings }
  | { readonly ok: false; readonly problems: readonly Problem[] }
> {
  const read = await readEnvironmentFiles(root, environment);
  if (!read.ok) return read;
  const { fabric, live, upstreams } = read.files;
  return {
    ok: true,
    settings: settingsFrom(root, environment, fabric.values, live.settings, upstreams.upstreams),
  };
}

/** What holds where nothing is configured: the default of every key. */
export function defaultSettings(root: string, environment: string): Settings {
  return settingsFrom(root, environment, {}, STANDARD, new Map());
}

/**
 * Reads the live keys anew after a change. A bad value is reported and the last good one stays (CONTRACTS §7); the other
 * keys are applied.
 */
export async function readLiveSettings(
  liveDirectory: string,
  last: LiveSettings,
): Promise<{ readonly settings: LiveSettings; readonly problems: readonly Problem[] }> {
  const { settings, problems } = await readLiveFiles(liveDirectory, 'policy-config', last);
  return { settings, problems };
}

function settingsFrom(
  root: string,
  environment: string,
  values: FabricValues,
  live: LiveSettings,
  upstreams: ReadonlyMap<string, UpstreamSettings>,
): Settings {
  return {
    environment,
    dataDirectory: resolve(root, values.data_dir ?? `.pf/${environment}`),
    bundleDirectory: values.bundle === undefined ? null : resolve(root, values.bundle),
    listen: values.listen ?? { host: '127.0.0.1', port: 8080 },
    listenPolicyAdapter: values.listen_policy_adapter ?? { host: '127.0.0.1', port: 8081 },
    listenLedger: values.listen_ledger ?? { host: '127.0.0.1', port: 3000 },
    listenSecrets: values.listen_secrets ?? { host: '127.0.0.1', port: 8085 },
    listenGovernor: values.listen_governor ?? { host: '127.0.0.1', port: 8000 },
    tls: tlsFrom(root, values),
    limits: {
      maxConnections: values.max_connections ?? 1024,
      maxBodyBytes: values.max_body ?? 4 * 1024 * 1024,
      requestsPerSecond: values.requests_per_second ?? 1000,
    },
    origin: values.origin ?? `provability-fabric.local/${environment}`,
    sessionIdleMs: values.session_idle ?? 30 * 60_000,
    epoch: values.epoch ?? 1,
    upstreamTimeoutMs: values.upstream_timeout ?? 30_000,
    database: values.database ?? 'embedded',
    evidenceMaxLagMs: values.evidence_max_lag ?? 60_000,
    sessionLeaseMs: values.session_lease ?? 15_000,
    advertise: values.advertise ?? null,
    upstreams: new Map([...upstreams].map(([name, upstream]) => [name, located(root, upstream)])),
    liveDirectory: join(root, 'config', environment, 'policy-config'),
    live,
  };
}

function tlsFrom(root: string, values: FabricValues): TlsSettings | null {
  const { tls_certificate: certificate, tls_key: key, tls_client_ca: clientCa } = values;
  if (certificate === undefined || key === undefined) return null;
  return {
    certificate: resolve(root, certificate),
    key: resolve(root, key),
    clientCa: clientCa === undefined ? null : resolve(root, clientCa),
    clients: values.tls_clients ?? 'none',
  };
}

function located(root: string, upstream: UpstreamSettings): UpstreamSettings {
  if (upstream.kind === 'stdio') {
    const { cwd } = upstream;
    return { ...upstream, cwd: cwd === null ? null : resolve(root, cwd) };
  }
  const { authorization } = upstream;
  if (typeof authorization === 'string') return upstream;
  const clientSecretFile = resolve(root, authorization.clientSecretFile);
  return { ...upstream, authorization: { ...authorization, clientSecretFile } };
}
