import { expect, it } from 'vitest';
import type { Call } from '../route.ts';
import { FirstAnswers } from './first-answers.ts';

const call = (tenant: string, key: string) =>
  ({
    identity: { principal: { tenant, id: 'alice' } },
    header: () => key,
    query: '',
    body: {},
  }) as unknown as Call;

it('are not pushed out by what another tenant asks', async () => {
  const answers = new FirstAnswers();
  const done = new Map<string, number>();
  const ask = (tenant: string, key: string) =>
    answers.once(call(tenant, key), ['rotate'], async () => {
      done.set(tenant, (done.get(tenant) ?? 0) + 1);
      return { status: 200, body: {} };
    });
  await ask('globex', 'theirs');
  for (let at = 0; at < 10_050; at++) await ask('acme', `k${at}`);
  await ask('globex', 'theirs');
  expect(done.get('globex')).toBe(1);
  await ask('acme', 'k10049');
  expect(done.get('acme')).toBe(10_050);
});
