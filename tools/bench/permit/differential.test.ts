import { expect, it } from 'vitest';
import { differential } from './differential.ts';

// `run-differential.ts` runs a hundred thousand; these are what every test run can afford.
it('unions of fifty and more policies over deep hierarchies are decided exactly as cedar-wasm decides them', async () => {
  const { differences, ...count } = await differential({ seed: 20260101, requests: 4000 });
  console.log(`cedar differential: ${JSON.stringify(count)}`);
  expect(differences).toEqual([]);
  // The generator has to reach all outcomes for this to mean something.
  expect(count.allowed).toBeGreaterThan(400);
  expect(count.withForbids).toBeGreaterThan(400);
  expect(count.withErrors).toBeGreaterThan(400);
  expect(count.requests - count.withErrors).toBeGreaterThan(20);
}, 240_000);
