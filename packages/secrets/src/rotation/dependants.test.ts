import { describe, expect, it } from 'vitest';
import { checkDependant } from './dependants.ts';
import { impactOf } from './impact.ts';
import type { Dependant } from './ports.ts';

function services(count: number, part: Partial<Dependant> = {}): readonly Dependant[] {
  return Array.from({ length: count }, (_, at) => ({
    serviceId: `s${at}`,
    serviceName: 'a service',
    serviceType: 'worker',
    environment: 'production',
    ...part,
  }));
}
const staging = { environment: 'staging' } as const;
const api = { serviceType: 'api' } as const;

describe('the impact of a change', () => {
  it.each([
    [[], 'low', 0],
    [services(1, api), 'low', 5],
    [services(2), 'medium', 2],
    [services(3, { serviceType: 'cron' }), 'medium', 1],
    [services(4), 'high', 2],
    [services(4, staging), 'medium', 2],
    [services(5, api), 'high', 5],
    [services(6, api), 'critical', 5],
    [services(6), 'high', 2],
    [services(6, { ...staging, ...api }), 'medium', 5],
    [[...services(5, staging), ...services(1, api)], 'critical', 5],
  ] as const)('of %j is %s, %i minutes at most', (dependants, level, downtimeMinutes) => {
    const impact = impactOf(dependants);
    expect(impact).toMatchObject({ level, downtimeMinutes, services: dependants.length });
    expect(impact.advisedWindow).not.toBe('');
  });
});

describe('a dependant', () => {
  it.each([
    {},
    null,
    { ...services(1)[0], serviceType: 'lambda' },
    { ...services(1)[0], serviceId: '' },
    { ...services(1)[0], serviceName: 'a\nline' },
    { ...services(1)[0], url: 'x'.repeat(3_000) },
    { ...services(1)[0], more: true },
  ])('is refused by name as %j', (value) => {
    expect(() => checkDependant(value)).toThrow(/serviceId/);
  });

  it('may have an address, or none', () => {
    const [plain] = services(1);
    expect(checkDependant(plain)).toEqual(plain);
    expect(checkDependant({ ...plain, url: 'https://s.example' }).url).toBe('https://s.example');
  });
});
