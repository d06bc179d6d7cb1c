import type { DecidedEvent } from '@provability-fabric/enforcement';
import { describe, expect, it } from 'vitest';
import { createMetrics } from './metrics.ts';

type Decision = DecidedEvent['decision'];
type Reason = Decision['reasons'][number];

function decided(
  verdict: Decision['verdict'],
  effect: Decision['effect'],
  reasons: readonly Partial<Reason>[],
): DecidedEvent {
  const whole = reasons.map((reason) => ({
    check: 'permit',
    code: 'NOT_PERMITTED',
    clause: 'c',
    verdict: 'reject',
    mode: 'enforce',
    severity: 'high',
    witness: null,
    ...reason,
  }));
  const decision = {
    kind: 'decision',
    verdict,
    effect,
    mode: 'enforce',
    checks: [],
    reasons: whole,
  } as unknown as Decision;
  return {
    tenant: 't',
    session: 's',
    principal: 'p',
    certificateId: 'c',
    action: 'call',
    target: 'tool',
    decision,
    stepMs: 0.02,
    latencyMs: 1,
  };
}

async function value(metrics: ReturnType<typeof createMetrics>, series: string): Promise<number> {
  const line = (await metrics.registry.metrics()).split('\n').find((text) => text.startsWith(`${series} `));
  return Number(line?.slice(series.length + 1));
}

describe('metrics', () => {
  it('count a decision once, under each thing that it violated', async () => {
    const metrics = createMetrics();
    metrics.recordDecision(decided('accept', 'allow', []));
    metrics.recordDecision(
      decided('reject', 'block', [
        {},
        { check: 'flow', code: 'LABEL_FLOW', mode: 'monitor' },
        { check: 'flow', mode: 'monitor' },
      ]),
    );
    metrics.recordDecision(decided('reject', 'block', [{ check: 'authority', code: 'EPOCH_STALE' }]));
    metrics.recordDecision(decided('hold', 'hold', [{ check: 'permit', verdict: 'hold' }]));
    metrics.recordDecision(decided('reject', 'allow', [{ check: 'flow', mode: 'shadow' }]));
    expect(await value(metrics, 'certs_total{verdict="accept",effect="allow"}')).toBe(1);
    expect(await value(metrics, 'certs_total{verdict="reject",effect="block"}')).toBe(2);
    expect(await value(metrics, 'certs_total{verdict="reject",effect="allow"}')).toBe(1);
    expect(await value(metrics, 'permit_rejects_total')).toBe(1);
    expect(await value(metrics, 'ni_monitor_rejects_total')).toBe(2);
    expect(await value(metrics, 'epoch_validation_failures_total')).toBe(1);
    expect(await value(metrics, 'policy_violations_total{mode="enforce"}')).toBe(2);
    expect(await value(metrics, 'policy_violations_total{mode="monitor"}')).toBe(1);
    expect(await value(metrics, 'policy_violations_total{mode="shadow"}')).toBe(1);
    expect(await value(metrics, 'monitor_duration_seconds_count')).toBe(5);
    expect(await value(metrics, 'monitor_duration_seconds_bucket{le="0.000025"}')).toBe(5);
  });

  it('say which one mode is in force', async () => {
    const metrics = createMetrics();
    metrics.setMode('enforce');
    metrics.setMode('monitor');
    const modes = ['shadow', 'monitor', 'enforce', 'disabled'];
    const values = await Promise.all(
      modes.map((mode) => value(metrics, `enforcement_mode_total{mode="${mode}"}`)),
    );
    expect(values).toEqual([0, 1, 0, 0]);
  });

  it('exist from the start, so that their first increase is seen', async () => {
    const metrics = createMetrics();
    for (const name of ['permit_rejects_total', 'auth_failures_total', 'evidence_unavailable_total']) {
      expect(await value(metrics, name)).toBe(0);
    }
    expect(await value(metrics, 'certs_total{verdict="error",effect="block"}')).toBe(0);
    metrics.recordUnavailable();
    expect(await value(metrics, 'evidence_unavailable_total')).toBe(1);
  });
});
