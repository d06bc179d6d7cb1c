import { totalmem } from 'node:os';
import type { AccessEvent, RotationEvent } from '@provability-fabric/secrets';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { BusiestTenants } from './busiest-tenants.ts';

/** What is told about secrets: by tenant for the busiest, never by the name of a secret, which has no bound. */
export interface SecretMetrics {
  recordAccess(event: AccessEvent): void;
  /** Events that concern no metric are passed over. */
  recordRotation(event: RotationEvent): void;
  setCacheSize(provider: string, secrets: number): void;
  setProviderUp(provider: string, up: boolean): void;
  /** Only where a watcher is configured: without it the metric has no value, and no alert looks at it. */
  setWatched(secrets: number): void;
  /** 0 to 1, of the connections that the pool may have. */
  setPoolInUse(ratio: number): void;
}

const NAMED_TENANTS = 50;
const ACCESS_BUCKETS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5];
/** Some beyond 300 s, where the alert stands: a quantile is never above the last bound. */
const ROTATION_BUCKETS = [1, 5, 10, 30, 60, 120, 300, 600, 1800];
/** Those that look into the cache first. */
const READING: ReadonlySet<AccessEvent['operation']> = new Set(['read', 'mount', 'use']);

type TenantMetric = Counter<string> | Histogram<string>;

export function createSecretMetrics(registry: Registry): SecretMetrics {
  const registers = [registry];
  const counter = (name: string, help: string, labelNames: readonly string[]) =>
    new Counter({ name, help, labelNames, registers });
  const gauge = (name: string, help: string, labelNames: readonly string[] = []) =>
    new Gauge({ name, help, labelNames, registers });

  const accesses = counter('secret_access_total', 'Accesses to secrets, by what came of them', [
    'tenant_id',
    'provider',
    'result',
  ]);
  const errors = counter('secret_access_errors_total', 'Accesses that were refused or failed', [
    'tenant_id',
    'provider',
    'error_type',
  ]);
  const latency = new Histogram({
    name: 'secret_access_latency_seconds',
    help: 'From an access that is let in until its answer may leave, the audit included',
    labelNames: ['tenant_id', 'provider', 'cached'],
    buckets: ACCESS_BUCKETS,
    registers,
  });
  const hits = counter('secret_cache_hits_total', 'Reads that the cache answered', ['tenant_id', 'provider']);
  const misses = counter('secret_cache_misses_total', 'Reads that the provider answered', [
    'tenant_id',
    'provider',
  ]);
  const rotations = counter('secret_rotation_total', 'Rotations that have ended', ['tenant_id', 'result']);
  const rotationErrors = counter('secret_rotation_errors_total', 'Rotations that failed, by the reason', [
    'tenant_id',
    'error_type',
  ]);
  const rotationTime = new Histogram({
    name: 'secret_rotation_duration_seconds',
    help: 'Of a rotation, without its grace period',
    labelNames: ['tenant_id'],
    buckets: ROTATION_BUCKETS,
    registers,
  });
  const cacheSize = gauge('secret_cache_size', 'Secrets in the cache', ['provider']);
  const active = gauge('secret_rotation_jobs_active', 'Rotations that have not ended');
  const watched = gauge('secrets_watched', 'Files of mounted secrets that are watched');
  const up = gauge('secret_provider_up', '1 while the provider of secrets answers', ['provider']);
  const pool = gauge('secret_pool_in_use_ratio', 'Connections in use, of those that the pool may have');
  const limit = gauge('process_memory_limit_bytes', 'What this process may use before it is ended');

  // A value of 0 would say that there is a watcher without files, or a pool without use.
  for (const absent of [watched, pool]) absent.remove();
  const memory = process.constrainedMemory();
  limit.set(memory > 0 && memory < totalmem() ? memory : totalmem());

  const byTenant: readonly TenantMetric[] = [
    accesses,
    errors,
    latency,
    hits,
    misses,
    rotations,
    rotationErrors,
    rotationTime,
  ];
  const tenants = new BusiestTenants(NAMED_TENANTS, (tenant) => {
    for (const metric of byTenant) void removeTenant(metric, tenant);
  });

  return {
    recordAccess({ tenant, provider, operation, result, errorType, cached, seconds }) {
      // Whether the caller may act in that tenant is not known in these two cases.
      const unproven = result === 'DENIED' || errorType === 'AUDIT_UNAVAILABLE';
      const tenant_id = unproven ? tenants.labelOf(tenant) : tenants.count(tenant);
      accesses.inc({ tenant_id, provider, result });
      if (errorType !== null) errors.inc({ tenant_id, provider, error_type: errorType });
      if (result === 'DENIED') return;
      latency.observe({ tenant_id, provider, cached: `${cached}` }, seconds);
      if (READING.has(operation) && result === 'SUCCESS')
        (cached ? hits : misses).inc({ tenant_id, provider });
    },
    recordRotation(event) {
      if (event.type === 'jobs-active') active.set(event.count);
      if (event.type === 'rotation-started') {
        const tenant_id = tenants.count(event.place.tenant);
        // From 0 on, so that the first end is an increase.
        for (const result of ['success', 'failure']) rotations.inc({ tenant_id, result }, 0);
      }
      if (event.type !== 'rotation-success' && event.type !== 'rotation-failure') return;
      const tenant_id = tenants.count(event.place.tenant);
      const result = event.type === 'rotation-success' ? 'success' : 'failure';
      rotations.inc({ tenant_id, result });
      rotationTime.observe({ tenant_id }, event.seconds);
      if (event.type === 'rotation-failure') rotationErrors.inc({ tenant_id, error_type: event.errorCode });
    },
    setCacheSize: (provider, secrets) => cacheSize.set({ provider }, secrets),
    setProviderUp: (provider, isUp) => up.set({ provider }, isUp ? 1 : 0),
    setWatched: (secrets) => watched.set(secrets),
    setPoolInUse: (ratio) => pool.set(ratio),
  };
}

async function removeTenant(metric: TenantMetric, tenant: string): Promise<void> {
  const { values } = await metric.get();
  for (const { labels } of values) {
    if (labels.tenant_id !== tenant) continue;
    const { le: _, ...series } = labels as Record<string, string | number>;
    metric.remove(series);
  }
}
