import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { createGovernorMetrics } from './metrics.ts';

function start() {
  const registry = new Registry();
  const governor = { rules: ['deny_paths', 'rationale'], isKilled: false, behind: 0 };
  const metrics = createGovernorMetrics(registry);
  const watch = () =>
    metrics.watch({
      rules: governor.rules,
      killed: () => governor.isKilled,
      auditBehind: () => governor.behind,
    });
  return { metrics, governor, watch, registry, text: () => registry.metrics() };
}

describe('the metrics of the governor', () => {
  it('have the names that its dashboards know', async () => {
    const { registry } = start();
    const names = (await registry.getMetricsAsJSON()).map(({ name }) => name);
    expect(names.sort()).toEqual([
      'safeai_api_duration_seconds',
      'safeai_api_requests_total',
      'safeai_apply_operations_total',
      'safeai_audit_behind_records',
      'safeai_audit_records_total',
      'safeai_kill_switch_active',
      'safeai_policy_blocks_total',
      'safeai_policy_decisions_total',
      'safeai_rollback_operations_total',
      'safeai_sandbox_duration_seconds',
      'safeai_sandbox_executions_total',
      'safeai_sandbox_timeouts_total',
      'safeai_signature_verifications_total',
    ]);
  });

  it('take no text of a change, a path or a clause as a label', async () => {
    const { metrics, watch, text } = start();
    watch();
    metrics.planned('blocked', ['deny_paths', 'no-friday-deploys', 'path `src/x` is denied', 'constructor']);
    for (let rc = -5; rc < 1000; rc++) metrics.sandboxed({ rc, timed_out: false, duration_ms: 1 });
    const shown = await text();
    expect(shown).toContain('safeai_policy_blocks_total{reason="deny_paths"} 1\n');
    expect(shown).toContain('safeai_policy_blocks_total{reason="clause"} 1\n');
    expect(shown).not.toMatch(/friday|src\/x|constructor/);
    expect(shown.match(/^safeai_sandbox_executions_total\{/gm)).toHaveLength(257);
  });

  it('do not exist where there is no governor, and stand at 0 where there is one', async () => {
    const { watch, text } = start();
    const before = await text();
    expect(before).not.toMatch(/^safeai_(?:kill|audit_behind|policy|apply)\S* /m);
    watch();
    const after = await text();
    for (const series of [
      'safeai_kill_switch_active 0',
      'safeai_audit_behind_records 0',
      'safeai_policy_blocks_total{reason="rationale"} 0',
      'safeai_apply_operations_total{result="success"} 0',
      'safeai_sandbox_executions_total{exit_code="124"} 0',
    ])
      expect(after).toContain(`\n${series}\n`);
  });

  it('tell the kill switch as it is at each scrape, whoever has thrown it', async () => {
    const { governor, watch, text } = start();
    watch();
    for (const isKilled of [true, false, true]) {
      governor.isKilled = isKilled;
      governor.behind = isKilled ? 3 : 0;
      expect(await text()).toContain(`\nsafeai_kill_switch_active ${isKilled ? 1 : 0}\n`);
      expect(await text()).toContain(`\nsafeai_audit_behind_records ${isKilled ? 3 : 0}\n`);
    }
  });

  it('count what was verified, applied, taken back, run and recorded', async () => {
    const { metrics, text } = start();
    metrics.verified('valid');
    metrics.verified('invalid');
    metrics.applied('stale_base');
    metrics.applied('line 3 of src/x.ts');
    metrics.rolledBack('success');
    metrics.sandboxed({ rc: 124, timed_out: true, duration_ms: 1500 });
    metrics.recorded();
    metrics.recordRequest({ method: 'POST', route: '/v1/audit/:n', status: 403, seconds: 0.002 });
    const shown = await text();
    for (const series of [
      'safeai_signature_verifications_total{result="invalid"} 1',
      'safeai_apply_operations_total{result="stale_base"} 1',
      'safeai_apply_operations_total{result="error"} 1',
      'safeai_rollback_operations_total{result="success"} 1',
      'safeai_sandbox_executions_total{exit_code="124"} 1',
      'safeai_sandbox_timeouts_total 1',
      'safeai_sandbox_duration_seconds_sum 1.5',
      'safeai_audit_records_total 1',
      'safeai_api_requests_total{endpoint="/v1/audit/:n",method="POST",status="403"} 1',
      'safeai_api_duration_seconds_count{endpoint="/v1/audit/:n",method="POST"} 1',
    ])
      expect(shown).toContain(`\n${series}\n`);
  });
});
