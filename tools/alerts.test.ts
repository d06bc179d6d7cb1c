import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createMetrics } from '@provability-fabric/gateway-http';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

// The alert rules are Prometheus's own: promtool checks and runs them, and no rule may lean on a metric that nobody emits.

const ROOT = resolve(import.meta.dirname, '..');
const FOLDER = join(ROOT, 'deploy', 'prometheus');

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly annotations: { readonly summary: string; readonly runbook: string };
}

const { groups } = parse(readFileSync(join(FOLDER, 'alerts.yaml'), 'utf8')) as {
  groups: readonly { readonly rules: readonly Rule[] }[];
};
const rules = groups.flatMap(({ rules: inGroup }) => inGroup);

function promtool(...args: readonly string[]): { readonly status: number | null; readonly said: string } {
  const { status, stdout, stderr } = spawnSync('promtool', args, { cwd: FOLDER, encoding: 'utf8' });
  return { status, said: `${stdout}${stderr}` };
}

const missing = spawnSync('promtool', ['--version']).error !== undefined;
const skipped = missing && process.env.CI !== 'true';

describe('alerts', () => {
  it.skipIf(skipped)('are rules that promtool accepts (needs promtool, of Debian’s prometheus)', () => {
    expect(promtool('check', 'rules', 'alerts.yaml')).toMatchObject({ status: 0 });
  });

  it.skipIf(skipped)('fire when they should and are quiet when they should be (needs promtool)', () => {
    expect(promtool('test', 'rules', 'alerts.test.yaml')).toMatchObject({ status: 0 });
  });

  it('each have a case of their own', () => {
    const cases = readFileSync(join(FOLDER, 'alerts.test.yaml'), 'utf8');
    const untested = rules.filter(({ alert }) => !cases.includes(`alertname: ${alert}\n        exp_alerts:`));
    expect(untested.map(({ alert }) => alert)).toEqual([]);
  });

  it('lean on metrics that we emit', async () => {
    const emitted = new Set((await createMetrics().registry.getMetricsAsJSON()).map(({ name }) => name));
    const used = rules.flatMap(({ expr }) => expr.match(/\b[a-z_]+(?=[{[)]|\s*[=>])/g) ?? []);
    const metrics = used.filter((name) => name.includes('_') || name === 'up');
    const unknown = metrics.filter((name) => name !== 'up' && !emitted.has(name.replace(/_bucket$/, '')));
    expect(metrics.length).toBeGreaterThan(rules.length);
    expect([...new Set(unknown)]).toEqual([]);
  });

  it('send operators to a page that exists', () => {
    const lost = rules.filter(({ annotations }) => !existsSync(join(ROOT, annotations.runbook)));
    expect(lost.map(({ alert }) => alert)).toEqual([]);
  });
});
