import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { costing } from './limit-cases.fixture.ts';
import { failures } from './run-cases.fixture.ts';
import { compiled, findingsOf, PARTS, type Parts, sourcesWith, unmarked } from './sources.fixture.ts';

async function limitOf(parts: Parts) {
  const { bundle } = await compiled(sourcesWith(parts));
  return bundle.clauses.find(({ id }) => id === 'x');
}

const limit = (members: string): Parts => ({
  clauses: `${PARTS.clauses}  - { id: x, kind: limit, ${members} }\n`,
});

describe('a limit', () => {
  it('of calls in a session compiles to what it always did, whether or not that is said', async () => {
    const plain = await limitOf(limit('max: 3'));
    expect(plain).not.toHaveProperty('per');
    expect(plain).not.toHaveProperty('unit');
    expect(await limitOf(limit('max: 3, per: session, unit: calls'))).toEqual(plain);
  });

  it('of every key and unit says so', async () => {
    const parts = limit('max: 1000000, per: tenant, unit: bytes, window: 1h');
    const members = { per: 'tenant', unit: 'bytes', max: 1_000_000, window_ms: 3_600_000 };
    expect(await limitOf(parts)).toMatchObject(members);
  });

  it('of cost is exactly what its source says, however long', async () => {
    const amounts = fc.tuple(fc.nat(9_007_199_253), fc.integer({ min: 1, max: 999_999 }));
    await fc.assert(
      fc.asyncProperty(amounts, async ([whole, decimals]) => {
        const text = `${whole}.${`${decimals}`.padStart(6, '0')}`;
        const clause = await limitOf(costing('{ argument: /items/*/price }', `unit: cost, max: ${text}`));
        expect(clause).toMatchObject({ max: whole * 1_000_000 + decimals });
      }),
      { numRuns: 25 },
    );
  });

  it('takes what its tools declare', async () => {
    const amounts = async (cost: string) =>
      (await compiled(sourcesWith(costing(cost)))).bundle.tools.send_mail?.cost;
    expect(await amounts('0.02')).toEqual({ kind: 'fixed', micro: 20_000 });
    expect(await amounts('3')).toEqual({ kind: 'fixed', micro: 3_000_000 });
    expect(await amounts('0')).toEqual({ kind: 'fixed', micro: 0 });
    expect(await amounts('{ argument: amount }')).toEqual({ kind: 'argument', pointer: '/amount' });
  });

  it.each([
    ['LIMIT_IDLE', limit('max: 1, on: ‸{ effects: [admin] }')],
    ['LIMIT_TOO_LOW', costing('0.02', 'unit: cost, max: ‸0.01')],
    ['LIMIT_TOO_LOW', limit('unit: bytes, max: ‸1, on: { tools: [read_file] }')],
  ] as const)('%s warns of one that counts nothing or lets nothing pass', async (code, parts) => {
    const { sources, place } = unmarked(sourcesWith(parts));
    expect(await findingsOf(sources)).toEqual([`${code} at ${place}`]);
  });
});

describe('a budget that sessions share', () => {
  it('is counted along by whoever tests a bundle, in one case and not from one to the next', async () => {
    const parts = costing('{ argument: amount }', 'unit: cost, per: tenant, max: 1.5');
    const mail = (amount: string, expected: string) =>
      `    - { tool: send_mail, args: { to: team@acme.example, amount: ${amount} }, expect: { ${expected} } }\n`;
    const refused = 'effect: block, code: BUDGET_EXCEEDED, clause: x';
    const events = [
      mail('1', 'effect: allow'),
      mail('1', refused),
      mail('"1"', refused),
      mail('0', 'effect: allow'),
    ];
    const tests = ['first', 'second']
      .map((name) => `- name: ${name}\n  events:\n${events.join('')}`)
      .join('');
    expect(await failures(sourcesWith({ ...parts, tests }))).toEqual([]);
  });
});
