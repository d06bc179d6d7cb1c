import { base64, canonicalBytes, fromBase64, type JsonValue } from '@provability-fabric/kernel';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deskBundle } from './bundle.fixture.ts';
import { bytesOf, type EvidenceJson, KEYID, TestLog, testKey } from './log.fixture.ts';
import { TestSession } from './session.fixture.ts';
import { jsonOf, story } from './story.fixture.ts';
import { check, standings, wrong } from './verification.fixture.ts';

const told = story();
const SINCE = 7;
const honest = told.evidence({ since: SINCE });
const bytes = bytesOf(honest);

function tampered(change: (evidence: EvidenceJson) => void): EvidenceJson {
  const copy = structuredClone(honest);
  change(copy);
  return copy;
}

function entryOf(evidence: EvidenceJson, index: number) {
  return evidence.entries[index] as EvidenceJson['entries'][number];
}

interface Tree {
  [key: string]: JsonValue | Tree;
}

/** Every place in a document where a value stands that is neither object nor list. */
function leavesOf(value: JsonValue, path: readonly (string | number)[] = []): (string | number)[][] {
  if (typeof value !== 'object' || value === null) return [[...path]];
  return Object.entries(value).flatMap(([key, item]) => leavesOf(item as JsonValue, [...path, key]));
}

describe('every change of a single byte is named', () => {
  it('wherever it is', () => {
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = Uint8Array.from(bytes);
        changed[at] = (changed[at] as number) ^ flip;
        expect(wrong(changed)).not.toEqual([]);
      }),
      { numRuns: 150 },
    );
  });

  it('and every byte added, removed or swapped with its neighbour', () => {
    fc.assert(
      fc.property(
        fc.nat(bytes.length - 2),
        fc.nat(255),
        fc.constantFrom('add', 'remove', 'swap'),
        (at, byte, how) => {
          const [a, b] = [bytes[at] as number, bytes[at + 1] as number];
          const middle = how === 'add' ? [a, byte, b] : how === 'remove' ? [b] : [b, a];
          fc.pre(how !== 'swap' || a !== b);
          const changed = Uint8Array.from([...bytes.subarray(0, at), ...middle, ...bytes.subarray(at + 2)]);
          expect(wrong(changed)).not.toEqual([]);
        },
      ),
      { numRuns: 50 },
    );
  });

  it.each([' ', '\n', '{}', '\u0000'])('%j after the end', (more) => {
    expect(wrong(Uint8Array.from([...bytes, ...Buffer.from(more)]))).not.toEqual([]);
  });
});

describe('every change of a value is named, the file written canonically again', () => {
  const leaves = leavesOf(honest as unknown as JsonValue);

  function change(value: JsonValue, by: number): JsonValue {
    switch (typeof value) {
      case 'number':
        return value + 1 + by;
      case 'bigint':
        return value + 1n;
      case 'boolean':
        return !value;
      case 'string': {
        const at = by % (value.length + 1);
        const other = value[at] === 'A' ? 'B' : 'A';
        return by % 3 === 0
          ? value.slice(0, at) + value.slice(at + 1) + (at === value.length ? 'A' : '')
          : value.slice(0, at) + other + value.slice(at + 1);
      }
      default:
        return by % 2 === 0 ? 0 : '';
    }
  }

  it('a leaf', () => {
    fc.assert(
      fc.property(fc.constantFrom(...leaves), fc.nat(1000), (path, by) => {
        const copy = structuredClone(honest) as unknown as JsonValue;
        // A clone has plain objects and lists all the way down.
        const parent = path.slice(0, -1).reduce((object, key) => object[key] as Tree, copy as Tree);
        const key = path.at(-1) as string;
        const before = parent[key] as JsonValue;
        const after = change(before, by);
        fc.pre(after !== before && !/\p{Cs}/u.test(`${after}`));
        parent[key] = after;
        expect(wrong(canonicalBytes(copy))).not.toEqual([]);
      }),
      { numRuns: 150 },
    );
  });
});

describe('entries', () => {
  const lastOfSessions = new Set(
    ['s1', 's2'].map((session) => told.log.entries.findLastIndex((_, index) => sessionOf(index) === session)),
  );

  it('dropped: the gap in the session shows, and at its end the count of entries', () => {
    for (const index of honest.entries.keys()) {
      const evidence = tampered(({ entries }) => entries.splice(index, 1));
      if (lastOfSessions.has(index))
        expect(wrong(evidence, { require: ['complete'] })).toEqual(['REQUIREMENT']);
      else expect(wrong(evidence).some((line) => line.startsWith('CHAIN'))).toBe(true);
    }
  });

  it('all dropped', () => {
    expect(wrong(tampered((evidence) => Object.assign(evidence, { entries: [], bundles: [] })))).toEqual([
      'FORMAT',
    ]);
  });

  it('twice', () => {
    for (const index of honest.entries.keys()) {
      const evidence = tampered(({ entries }) => entries.splice(index, 0, entries[index] as never));
      expect(wrong(evidence).some((line) => line.startsWith('ENTRY_ORDER'))).toBe(true);
    }
  });

  it('in another order', () => {
    for (let index = 1; index < honest.entries.length; index += 1) {
      const evidence = tampered(({ entries }) =>
        entries.splice(index - 1, 2, entries[index] as never, entries[index - 1] as never),
      );
      expect(wrong(evidence).some((line) => line.startsWith('ENTRY_ORDER'))).toBe(true);
    }
  });

  it('with their indexes exchanged', () => {
    const evidence = tampered(({ entries }) => {
      const [a, b] = [entries[3], entries[4]] as [
        EvidenceJson['entries'][number],
        EvidenceJson['entries'][number],
      ];
      entries.splice(
        3,
        2,
        { ...b, index: 3, inclusion: a.inclusion },
        { ...a, index: 4, inclusion: b.inclusion },
      );
    });
    expect(wrong(evidence).filter((line) => line.startsWith('INCLUSION'))).toHaveLength(2);
  });

  it('from another log, with the proof from there', () => {
    const other = new TestLog('example.net/other');
    const bundle = deskBundle();
    new TestSession(other, bundle, 's1').call('pay', { amount: 1 });
    const foreign = other.export([jsonOf(bundle)]);
    for (const index of [0, 1, 2]) {
      const evidence = tampered(({ entries }) => entries.splice(index, 1, foreign.entries[index] as never));
      expect(wrong(evidence).some((line) => line.startsWith('INCLUSION'))).toBe(true);
    }
  });

  it('with an envelope signed anew by an unknown key, by a known key id, or by none', () => {
    const stranger = testKey('stranger');
    const resigned = (keyid: string) =>
      tampered((evidence) => {
        const entry = entryOf(evidence, 2);
        const sig = base64(stranger.sign(new Uint8Array()));
        Object.assign(entry, { envelope: { ...entry.envelope, signatures: [{ keyid, sig }] } });
      });
    expect(wrong(resigned('evidence.stranger'))).toEqual(['INCLUSION s1/1', 'ENVELOPE_UNKNOWN_KEY s1/1']);
    expect(wrong(resigned(KEYID))).toEqual(['INCLUSION s1/1', 'ENVELOPE_SIGNATURE s1/1']);
    expect(
      wrong(tampered((evidence) => Object.assign(entryOf(evidence, 2).envelope, { signatures: [] }))),
    ).toEqual(['FORMAT']);
  });

  it('with another salt, or the record of another entry', () => {
    const salted = tampered((evidence) =>
      Object.assign(entryOf(evidence, 2), { salt: entryOf(evidence, 3).salt }),
    );
    expect(wrong(salted)).toEqual(['INCLUSION s1/1']);
    const replaced = tampered((evidence) =>
      Object.assign(entryOf(evidence, 3), { record: entryOf(evidence, 4).record }),
    );
    const [first] = wrong(replaced);
    expect(first).toMatch(/^RECORD_ROOT s\d\/\d$/);
    expect(standings(check(replaced)).filter((line) => line.endsWith('failed'))).toHaveLength(1);
    expect(standings(check(replaced)).some((line) => line.endsWith('signature only'))).toBe(true);
  });

  it('without their record: nothing is wrong, and it says what is no longer derived', () => {
    for (const index of honest.entries.keys()) {
      const evidence = tampered((copy) => Object.assign(entryOf(copy, index), { record: null }));
      expect(wrong(evidence)).toEqual([]);
      expect(standings(check(evidence)).every((line) => line.endsWith('re-derived'))).toBe(false);
    }
  });
});

describe('bundles', () => {
  const [first, second] = told.bundles as [JsonValue, JsonValue];

  it('dropped: the events under it are no longer derived', () => {
    const evidence = tampered((copy) => Object.assign(copy, { bundles: [second] }));
    expect(wrong(evidence, { require: ['re-derived'] })).toContain('REQUIREMENT s2/0');
    expect(
      standings(check(evidence))
        .filter((line) => line.startsWith('s2'))
        .every((line) => line.endsWith('signature only')),
    ).toBe(true);
  });

  it('twice, unused, or changed', () => {
    const stranger = jsonOf(deskBundle({ name: 'stranger' }));
    const changed = jsonOf(deskBundle({ default_mode: 'shadow' }));
    const withBundles = (...bundles: JsonValue[]) =>
      wrong(tampered((copy) => Object.assign(copy, { bundles })));
    expect(withBundles(first, second, second)).toEqual(['BUNDLE_REPEATED']);
    expect(withBundles(first, second, stranger)).toEqual(['BUNDLE_UNUSED']);
    expect(withBundles(changed, second)).toEqual(['BUNDLE_DIGEST']);
    expect(withBundles(second, first)).toEqual(['BUNDLE_ORDER']);
    expect(withBundles(first, second, {})).toEqual(['BUNDLE_UNUSED']);
  });
});

describe('the shape of the file', () => {
  it.each([
    ['white space', (text: string) => text.replace('{', '{ '), ['NOT_CANONICAL']],
    [
      'keys in another order',
      (text: string) =>
        `{"format":"provability-fabric/evidence/v1",${text.slice(1).replace(',"format":"provability-fabric/evidence/v1"', '')}`,
      ['NOT_CANONICAL'],
    ],
    ['an unknown member', (text: string) => `${text.slice(0, -1)},"x":1}`, ['FORMAT']],
    ['an unknown version', (text: string) => text.replace('/evidence/v1', '/evidence/v9'), ['FORMAT']],
    [
      'another spelling of a number',
      (text: string) => text.replace('"index":1,', '"index":1.0,'),
      ['NOT_CANONICAL'],
    ],
    [
      'another spelling of a text',
      (text: string) => text.replace('"format"', '"\\u0066ormat"'),
      ['NOT_CANONICAL'],
    ],
    ['a key twice', (text: string) => text.replace('"index":1,', '"index":1,"index":1,'), ['INVALID_INPUT']],
    ['something else', () => '{"name":"x"}', ['INVALID_INPUT']],
    ['nothing', () => '', ['INVALID_INPUT']],
    ['not JSON', () => '\u0000\u0001', ['INVALID_INPUT']],
    ['half of it', (text: string) => text.slice(0, text.length / 2), ['INVALID_INPUT']],
  ])('%s', (_, change, expected) => {
    const text = Buffer.from(bytes).toString('utf8');
    expect(wrong(Buffer.from(change(text)))).toEqual(expected);
  });
});

function sessionOf(index: number): string {
  const payload = fromBase64(told.log.entries[index]?.envelope.payload ?? '');
  return JSON.parse(Buffer.from(payload).toString('utf8')).session;
}
