import { createMetrics } from '@provability-fabric/gateway-http';
import pino from 'pino';
import { expect, it } from 'vitest';
import { observeDecisions } from './log-decisions.ts';

it('an obligation that is overdue is logged as a violation and counted, though nobody asked for anything', async () => {
  const lines: string[] = [];
  const log = pino(
    { formatters: { level: (level) => ({ level }) } },
    { write: (line) => void lines.push(line) },
  );
  const metrics = createMetrics();
  const observer = observeDecisions(log, metrics, () => true);
  const counted = async () =>
    (await metrics.registry.metrics()).match(/^obligations_overdue_total (\d+)$/m)?.[1];
  expect(await counted()).toBe('0');
  observer.overdue({ tenant: 'acme', session: 's', clause: 'report', since: Date.UTC(2026, 2, 1) });
  expect(await counted()).toBe('1');
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    {
      level: 'warn',
      event: 'obligation_overdue',
      tags: ['POLICY_VIOLATION'],
      tenant: 'acme',
      session: 's',
      clause: 'report',
      since: '2026-03-01T00:00:00.000Z',
    },
  ]);
});
