import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  BOTTOM,
  equalLabels,
  flowsTo,
  formatLabel,
  type Integrity,
  joinLabels,
  type Label,
  LabelError,
  type Level,
  label,
} from '../index.ts';

const labels: fc.Arbitrary<Label> = fc
  .tuple(
    fc.constantFrom<Level>('public', 'internal', 'confidential', 'secret'),
    fc.array(fc.constantFrom('pii', 'tenant:acme', 'tenant:b', 'Z', 'a', 'b'), { maxLength: 6 }),
    fc.constantFrom<Integrity>('trusted', 'untrusted'),
  )
  .map(([level, compartments, integrity]) => label(level, compartments, integrity));

describe('what must not flow', () => {
  test('down a level, out of a compartment, or from untrusted to trusted', () => {
    const base = label('internal', ['pii'], 'trusted');
    expect(flowsTo(label('confidential', ['pii'], 'trusted'), base)).toBe(false);
    expect(flowsTo(label('internal', ['pii', 'tenant:acme'], 'trusted'), base)).toBe(false);
    expect(flowsTo(label('internal', ['pii'], 'untrusted'), base)).toBe(false);
    expect(flowsTo(label('public', [], 'trusted'), base)).toBe(true);
    expect(flowsTo(base, label('secret', ['a', 'pii', 'z'], 'untrusted'))).toBe(true);
  });

  test('a forged label outside the lattice or its normal form', () => {
    const forged = { level: 'nothing' as Level, compartments: [], integrity: 'trusted' as const };
    expect(flowsTo(forged, label('secret', [], 'untrusted'))).toBe(false);
    expect(flowsTo(BOTTOM, forged)).toBe(false);
    const unsorted: Label = { level: 'public', compartments: ['z', 'a'], integrity: 'trusted' };
    expect(flowsTo(unsorted, label('secret', ['z'], 'untrusted'))).toBe(false);
  });
});

describe('normal form', () => {
  test('levels, integrity and compartments that the lattice does not have are refused', () => {
    expect(() => label('top' as Level, [], 'trusted')).toThrow(LabelError);
    expect(() => label('toString' as Level, [], 'trusted')).toThrow(LabelError);
    expect(() => label('public', [], 'maybe' as Integrity)).toThrow(LabelError);
    for (const name of ['', 'a b', 'a,b', '{', 'é', 'x'.repeat(129)]) {
      expect(() => label('public', [name], 'trusted')).toThrow(LabelError);
    }
  });

  test('compartments are sorted by code unit, each once', () => {
    expect(label('public', ['b', 'Z', 'a', 'b'], 'trusted').compartments).toEqual(['Z', 'a', 'b']);
    expect(formatLabel(label('confidential', ['tenant:acme', 'pii'], 'untrusted'))).toBe(
      'confidential {pii,tenant:acme} untrusted',
    );
    expect(formatLabel(BOTTOM)).toBe('public {} trusted');
  });
});

describe('laws', () => {
  test('join is a semilattice with BOTTOM as its unit', () => {
    fc.assert(
      fc.property(labels, labels, labels, (a, b, c) => {
        expect(joinLabels(a, a)).toEqual(a);
        expect(joinLabels(a, b)).toEqual(joinLabels(b, a));
        expect(joinLabels(joinLabels(a, b), c)).toEqual(joinLabels(a, joinLabels(b, c)));
        expect(joinLabels(BOTTOM, a)).toEqual(a);
      }),
      { numRuns: 2000 },
    );
  });

  test('flowsTo is a partial order', () => {
    fc.assert(
      fc.property(labels, labels, labels, (a, b, c) => {
        expect(flowsTo(a, a)).toBe(true);
        if (flowsTo(a, b) && flowsTo(b, a)) expect(a).toEqual(b);
        if (flowsTo(a, b) && flowsTo(b, c)) expect(flowsTo(a, c)).toBe(true);
        expect(equalLabels(a, b)).toBe(formatLabel(a) === formatLabel(b));
      }),
      { numRuns: 2000 },
    );
  });

  test('the join is the least label that both flow to', () => {
    fc.assert(
      fc.property(labels, labels, labels, (a, b, c) => {
        const join = joinLabels(a, b);
        expect(flowsTo(a, join) && flowsTo(b, join)).toBe(true);
        expect(flowsTo(a, c) && flowsTo(b, c)).toBe(flowsTo(join, c));
        expect(join.compartments).toEqual([...new Set(join.compartments)].sort());
      }),
      { numRuns: 2000 },
    );
  });
});
