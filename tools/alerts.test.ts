import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createMetrics } from '@provability-fabric/gateway-http';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

// The alert rules are Prometheus's own: promtool checks and runs them, and no rule or panel may lean on a metric that nobody
// emits.

const ROOT = resolve(import.meta.dirname, '..');
const FOLDER = join(ROOT, 'deploy', 'prometheus');
const MONITORING = join(ROOT, 'kubernetes', 'monitoring');

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly annotations: { readonly summary: string; readonly runbook: string };
}

interface Group {
  readonly name: string;
  readonly rules: readonly Rule[];
}

interface Panel {
  readonly title: string;
  readonly targets: readonly { readonly expr: string }[];
}

const { groups } = parse(readFileSync(join(FOLDER, 'alerts.yaml'), 'utf8')) as {
  groups: readonly Group[];
};
const rules = groups.flatMap(({ rules: inGroup }) => inGroup);

function promtool(...args: readonly string[]): { readonly status: number | null; readonly said: string } {
  const { status, stdout, stderr } = spawnSync('promtool', args, { cwd: FOLDER, encoding: 'utf8' });
  return { status, said: `${stdout}${stderr}` };
}

const missing = spawnSync('promtool', ['--version']).error !== undefined;
const skipped = missing && process.env.CI !== 'true';

/** What is left of an expression without matchers, groupings, texts and functions. */
function metricsIn(expr: string): readonly string[] {
  const bare = expr
    .replace(/\{[^}]*\}/g, '')
    .replace(/\[[^\]]*\]/g, '')
    .replace(/\b(?:by|without|on|ignoring)\s*\([^)]*\)/g, '')
    .replace(/\boffset\s+\w+/g, '');
  const words = bare.match(/\b[a-z][a-z0-9_]*\b(?!\s*\()/g) ?? [];
  return words.filter((word) => !['or', 'and', 'unless', 'by', 'sum', 'max', 'count'].includes(word));
}

async function emitted(): Promise<ReadonlySet<string>> {
  const names = (await createMetrics().registry.getMetricsAsJSON()).map(({ name }) => name);
  // Every scrape has `up`.
  return new Set([...names, 'up']);
}

async function unknownIn(exprs: readonly string[]): Promise<readonly string[]> {
  const known = await emitted();
  const used = exprs.flatMap(metricsIn).map((name) => name.replace(/_(?:bucket|count|sum)$/, ''));
  expect(used.length).toBeGreaterThanOrEqual(exprs.length);
  return [...new Set(used.filter((name) => !known.has(name)))];
}

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
    expect(await unknownIn(rules.map(({ expr }) => expr))).toEqual([]);
    expect(await unknownIn(['sum by (le) (rate(nobody_emits_this_bucket{a="b"}[5m])) > 1'])).toEqual([
      'nobody_emits_this',
    ]);
  });

  it('send operators to a page that exists', () => {
    const lost = rules.filter(({ annotations }) => !existsSync(join(ROOT, annotations.runbook)));
    expect(lost.map(({ alert }) => alert)).toEqual([]);
  });
});

/** What Kubernetes has of its own of the monitoring: the very rules that Prometheus has elsewhere, and a dashboard. */
const PARTS = [
  {
    about: 'secrets',
    file: 'prometheus-alerts.yaml',
    isOf: (group: string) => group.startsWith('secrets-'),
    rules: 15,
    dashboard: 'grafana-dashboard.json',
    panels: [
      'Secret Access Rate',
      'Secret Access Latency (p95)',
      'Cache Hit Rate',
      'Secret Rotation Success Rate',
      'Secret Access Errors',
      'Rotation Duration (p95)',
      'Active Rotation Jobs',
      'Secrets Watched',
      'Secret Cache Size',
    ],
  },
  {
    about: 'the governor',
    file: 'governor-alerts.yaml',
    isOf: (group: string) => group === 'safe-ai-governor',
    rules: 5,
    dashboard: 'governor-dashboard.json',
    panels: [
      'Kill Switch',
      'Changes Applied',
      'Changes Taken Back',
      'Policy Decisions',
      'Policy Blocks',
      'Signatures',
      'Sandbox Runs',
      'Sandbox Duration (p95)',
      'Audit Behind',
      'API Requests',
      'API Latency (p95)',
      'Audit Records',
    ],
  },
];

describe.each(PARTS)(
  'monitoring of $about in Kubernetes',
  ({ file, isOf, rules: count, dashboard, panels }) => {
    const shown = (
      JSON.parse(readFileSync(join(MONITORING, dashboard), 'utf8')) as { readonly panels: readonly Panel[] }
    ).panels;
    const exprs = shown.flatMap(({ targets }) => targets.map(({ expr }) => expr));

    it('has the very rules that Prometheus has elsewhere', () => {
      const rule = parse(readFileSync(join(MONITORING, file), 'utf8')) as {
        readonly kind: string;
        readonly metadata: { readonly namespace: string };
        readonly spec: { readonly groups: readonly Group[] };
      };
      expect([rule.kind, rule.metadata.namespace]).toEqual(['PrometheusRule', 'monitoring']);
      expect(rule.spec.groups).toEqual(groups.filter(({ name }) => isOf(name)));
      expect(rule.spec.groups.flatMap(({ rules: inGroup }) => inGroup)).toHaveLength(count);
    });

    it('has a dashboard, each panel over metrics that we emit', async () => {
      expect(shown.map(({ title }) => title)).toEqual(panels);
      expect(await unknownIn(exprs)).toEqual([]);
    });

    it.skipIf(skipped)('asks for nothing that Prometheus cannot parse (needs promtool)', () => {
      const recorded = exprs.map((expr, at) => ({
        record: `panel_${at}`,
        expr: expr.replaceAll('$__rate_interval', '5m'),
      }));
      const folder = mkdtempSync(join(tmpdir(), 'panels-'));
      const rulesFile = join(folder, 'rules.yaml');
      writeFileSync(rulesFile, JSON.stringify({ groups: [{ name: 'panels', rules: recorded }] }));
      const { said, status } = promtool('check', 'rules', rulesFile);
      rmSync(folder, { recursive: true });
      expect(said).not.toContain('FAILED');
      expect(status).toBe(0);
    });
  },
);
