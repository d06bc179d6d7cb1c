import type { Dependant } from './ports.ts';

/** What a change of a secret touches, for whoever plans it. */
export interface Impact {
  readonly level: 'critical' | 'high' | 'medium' | 'low';
  readonly services: number;
  /** The longest that one of them may need to take the new value up. */
  readonly downtimeMinutes: number;
  readonly advisedWindow: string;
}

const DOWNTIME_MINUTES = { api: 5, worker: 2, cron: 1, function: 1 } as const;
const ADVISED = {
  critical: 'in the quietest hours of a weekend, with the owners of the services at hand',
  high: 'at night, outside business hours',
  medium: 'outside the busiest hours',
  low: 'at any time',
} as const;

export function impactOf(dependants: readonly Dependant[]): Impact {
  const level = levelOf(dependants);
  return {
    level,
    services: dependants.length,
    downtimeMinutes: Math.max(0, ...dependants.map(({ serviceType }) => DOWNTIME_MINUTES[serviceType])),
    advisedWindow: ADVISED[level],
  };
}

function levelOf(dependants: readonly Dependant[]): Impact['level'] {
  const count = dependants.length;
  const production = dependants.filter(({ environment }) => environment === 'production');
  const servesPeople = production.some(({ serviceType }) => serviceType === 'api');
  if (servesPeople && count > 5) return 'critical';
  if (production.length > 0 && count > 3) return 'high';
  return count > 1 ? 'medium' : 'low';
}
