import type { LimitClause } from '@provability-fabric/policy';
import { expect, it } from 'vitest';
import { limitSentence } from './limit-sentence.ts';

const BASE: LimitClause = {
  ...{
    id: 'x',
    kind: 'limit',
    mode: 'enforce',
    severity: 'high',
    owner: 'o',
    expires: null,
    critical: false,
  },
  ...{ description: '', max: 3, window_ms: null, tolerance_ms: 0 },
  on: { tools: ['pay'], effects: null, label: null, args: null, principal: null },
};

it('a limit says how much, of what, for whom and how long, as its author wrote it', () => {
  const sentence = (part: Partial<LimitClause>) => limitSentence({ ...BASE, ...part });
  expect(sentence({})).toMatch(/^at most 3 of .+ in a whole session$/);
  expect(sentence({ window_ms: 3_600_000 })).toMatch(/^at most 3 of .+ per session within 1h$/);
  expect(sentence({ per: 'tenant', unit: 'cost', max: 250_000_000, tolerance_ms: 5000 })).toMatch(
    /^at most 250 cost taken by .+ per tenant \(widened by 5s of clock tolerance\)$/,
  );
  expect(sentence({ unit: 'epsilon', max: 1_500_000 })).toContain('at most 1.5 epsilon');
  expect(sentence({ unit: 'cost', max: 1 })).toContain('at most 0.000001 cost');
  expect(sentence({ unit: 'bytes', max: 10_000_000 })).toContain('at most 10000000 bytes');
});
