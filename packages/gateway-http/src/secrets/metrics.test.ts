import { type AccessEvent, asSecretName, asSecretTenant } from '@provability-fabric/secrets';
import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { createSecretMetrics } from './metrics.ts';

const access = (event: Partial<AccessEvent> = {}): AccessEvent => ({
  tenant: 'acme',
  provider: 'embedded',
  operation: 'read',
  result: 'SUCCESS',
  errorType: null,
  cached: false,
  seconds: 0.002,
  ...event,
});

function start() {
  const registry = new Registry();
  return { metrics: createSecretMetrics(registry), text: () => registry.metrics() };
}

describe('the metrics of secrets', () => {
  it('count accesses, errors and what the cache answered', async () => {
    const { metrics, text } = start();
    metrics.recordAccess(access());
    metrics.recordAccess(access({ cached: true }));
    metrics.recordAccess(access({ operation: 'write' }));
    metrics.recordAccess(access({ result: 'FAILURE', errorType: 'PROVIDER_UNAVAILABLE' }));
    const lines = await text();
    expect(lines).toContain('secret_access_total{tenant_id="acme",provider="embedded",result="SUCCESS"} 3');
    expect(lines).toContain(
      'secret_access_errors_total{tenant_id="acme",provider="embedded",error_type="PROVIDER_UNAVAILABLE"} 1',
    );
    expect(lines).toContain('secret_cache_hits_total{tenant_id="acme",provider="embedded"} 1');
    expect(lines).toContain('secret_cache_misses_total{tenant_id="acme",provider="embedded"} 1');
    expect(lines).toMatch(
      /secret_access_latency_seconds_bucket\{le="0.005",tenant_id="acme",provider="embedded",cached="false"\} 3/,
    );
    expect(lines).not.toContain('secret_key');
  });

  it('give no name to a tenant that somebody asked for who may not act in it', async () => {
    const { metrics, text } = start();
    for (let i = 0; i < 60; i++)
      metrics.recordAccess(
        access({ tenant: `made-up-${i}`, result: 'DENIED', errorType: 'SECRET_FORBIDDEN' }),
      );
    metrics.recordAccess(access());
    const lines = await text();
    expect(lines).not.toContain('made-up');
    expect(lines).toContain('secret_access_total{tenant_id="other",provider="embedded",result="DENIED"} 60');
    expect(lines).toContain('tenant_id="acme"');
  });

  it('have 50 tenants by name, and drop every series of one that falls out', async () => {
    const { metrics, text } = start();
    for (let i = 0; i < 1000; i++) metrics.recordAccess(access({ tenant: `t${i % 100}` }));
    const named = async () => new Set((await text()).match(/tenant_id="t\d+"/g));
    expect((await named()).size).toBe(50);
    for (let i = 0; i < 30; i++) metrics.recordAccess(access({ tenant: 't99', cached: i % 2 === 0 }));
    await new Promise(setImmediate);
    const after = await named();
    expect([after.size, after.has('tenant_id="t99"')]).toEqual([50, true]);
  });

  it('tell of rotations that ended, not of attempts that are tried again', async () => {
    const { metrics, text } = start();
    const of = {
      rotationId: 'r1',
      place: { tenant: asSecretTenant('acme'), name: asSecretName('db') },
    };
    metrics.recordRotation({ type: 'jobs-active', count: 3 });
    metrics.recordRotation({
      ...of,
      type: 'rotation-attempt-failed',
      phase: 'set',
      attempt: 1,
      errorCode: 'PROVIDER_UNAVAILABLE',
      problem: null,
    });
    metrics.recordRotation({ ...of, type: 'rotation-success', seconds: 2 });
    expect(await text()).not.toContain('secret_rotation_errors_total{');
    metrics.recordRotation({ ...of, type: 'rotation-failure', seconds: 40, errorCode: 'ROTATION_FAILED' });
    const lines = await text();
    expect(lines).toContain('secret_rotation_jobs_active 3');
    expect(lines).toContain('secret_rotation_total{tenant_id="acme",result="success"} 1');
    expect(lines).toContain('secret_rotation_total{tenant_id="acme",result="failure"} 1');
    expect(lines).toContain('secret_rotation_errors_total{tenant_id="acme",error_type="ROTATION_FAILED"} 1');
    expect(lines).toContain('secret_rotation_duration_seconds_sum{tenant_id="acme"} 42');
    expect(lines).not.toContain('"db"');
  });

  it('have no value where there is nothing to tell: no watcher, no pool, no provider asked yet', async () => {
    const { metrics, text } = start();
    const before = await text();
    for (const name of ['secrets_watched', 'secret_pool_in_use_ratio', 'secret_provider_up'])
      expect(before).not.toMatch(new RegExp(`^${name}[ {]`, 'm'));
    expect(before).toMatch(/^process_memory_limit_bytes \d/m);
    metrics.setWatched(0);
    metrics.setPoolInUse(0.25);
    metrics.setProviderUp('vault', false);
    metrics.setCacheSize('vault', 7);
    const lines = await text();
    expect(lines).toContain('secrets_watched 0');
    expect(lines).toContain('secret_pool_in_use_ratio 0.25');
    expect(lines).toContain('secret_provider_up{provider="vault"} 0');
    expect(lines).toContain('secret_cache_size{provider="vault"} 7');
  });
});
