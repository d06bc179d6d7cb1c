import type { COMPILE_ERROR_CODES } from './errors.ts';
import { PARTS, type Parts } from './sources.fixture.ts';

type Case = readonly [code: (typeof COMPILE_ERROR_CODES)[number], about: string, parts: Parts];

const limit = (members: string): Parts => ({
  clauses: `${PARTS.clauses}  - { id: x, kind: limit, ${members} }\n`,
});
/** A limit of cost over a tool that costs something. */
export const costing = (cost: string, members = 'unit: cost, max: 5'): Parts => ({
  ...limit(members),
  tools: `${PARTS.tools}    cost: ${cost}\n`,
});

/** Limits that must not compile; ‸ marks where the one error is reported. */
export const LIMIT_CASES: readonly Case[] = [
  ['WRONG_VALUE', 'limits by planet', limit('max: 1, per: ‸planet')],
  ['WRONG_VALUE', 'a limit of apples', limit('max: 1, unit: ‸apples')],
  ['WRONG_VALUE', 'a negative limit', limit('max: ‸-1')],
  ['WRONG_VALUE', 'a limit beyond every double', limit('max: ‸1e400')],
  ['WRONG_VALUE', 'a limit in text', limit('max: ‸"10"')],
  ['WRONG_VALUE', 'half a call', limit('max: ‸0.5')],
  ['WRONG_VALUE', 'half a byte', limit('unit: bytes, max: ‸2.5')],
  ['WRONG_VALUE', 'a seventh decimal', costing('1', 'unit: cost, max: ‸0.1234567')],
  ['WRONG_VALUE', 'an exponent', costing('1', 'unit: cost, max: ‸5e0')],
  [
    'WRONG_VALUE',
    'more micro-units than integers are exact',
    costing('1', 'unit: cost, max: ‸9007199254.740992'),
  ],
  ['WRONG_VALUE', 'a budget of nothing', costing('1', 'unit: cost, max: ‸0.0')],
  ['WRONG_VALUE', 'a negative cost', costing('‸-0.02')],
  ['WRONG_VALUE', 'a cost that no double has', costing('‸.nan')],
  ['WRONG_VALUE', 'a cost in text', costing('‸"0.02"')],
  ['WRONG_VALUE', 'a cost with an exponent', costing('‸2e-2')],
  ['WRONG_VALUE', 'a cost from no argument', costing('{ argument: ‸"" }')],
  ['WRONG_VALUE', 'a cost from a pointer that is none', costing('{ argument: ‸/a~2 }')],
  ['LIMIT_UNIT', 'a limit of cost where nothing costs', limit('unit: ‸cost, max: 1')],
  [
    'LIMIT_UNIT',
    'a limit of cost over tools without one',
    costing('1', 'unit: ‸cost, max: 1, on: { effects: [read] }'),
  ],
  ['LIMIT_UNIT', 'a limit of epsilon where there is only cost', costing('1', 'unit: ‸epsilon, max: 1')],
];
