import type { JsonValue } from '@provability-fabric/kernel';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fingerprintsFromJson, fingerprintsOf, fingerprintsToJson, isGuarded, Scanner } from './index.ts';
import { crypto, KEY, scannerFor, secretValues } from './secret-text.fixture.ts';

const VALUE = 'tk-9fQ2mZr7Lw4XbC1vNs8HjE5uYp3KdG6a';
const scanner = scannerFor({ 'api/token': VALUE });
const named = (value: JsonValue) => scanner.findExposed(value).map(({ name }) => name);

const bytes = (text: string) => Buffer.from(text);
const percent = (text: string) =>
  [...bytes(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
const html = (text: string) => [...text].map((each) => `&#${each.charCodeAt(0)};`).join('');
const json = (text: string) =>
  [...text].map((each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');

/** Each takes a piece of a value and writes it in another way. */
const WRITINGS: Readonly<Record<string, (piece: string) => string>> = {
  'as it is': (piece) => piece,
  'in capitals': (piece) => piece.toUpperCase(),
  backwards: (piece) => [...piece].reverse().join(''),
  'in base64': (piece) => bytes(piece).toString('base64'),
  'in base64 after one more byte': (piece) => bytes(`x${piece}yz`).toString('base64'),
  'in base64 after two more bytes': (piece) => bytes(`xy${piece}z`).toString('base64'),
  'in base64url without padding': (piece) => bytes(piece).toString('base64url'),
  'in base64 with line breaks': (piece) => bytes(piece).toString('base64').replace(/.{5}/g, '$&\n'),
  'in hexadecimal': (piece) => bytes(piece).toString('hex'),
  'in hexadecimal capitals with colons': (piece) =>
    bytes(piece).toString('hex').toUpperCase().replace(/../g, '$&:'),
  'percent encoded': percent,
  'percent encoded twice': (piece) => percent(piece).replaceAll('%', '%25'),
  'as HTML': html,
  'as escaped JSON': json,
  'as JSON within JSON': (piece) => JSON.stringify(json(piece)),
  'with spaces between': (piece) => [...piece].join(' '),
  'with dashes between': (piece) => [...piece].join('-'),
  'with line breaks between': (piece) => [...piece].join('\n'),
  'with zero-width characters between': (piece) => [...piece].join('\u200b'),
};

describe('a piece of a value is found', () => {
  for (const [way, write] of Object.entries(WRITINGS)) {
    test(`${way}: any 16 characters of it`, () => {
      const cases = fc.property(secretValues, fc.nat(), fc.string(), (value, from, around) => {
        const start = from % (value.length - 15);
        const text = `${around} ${write(value.slice(start, start + 16))} ${around}`;
        return scannerFor({ some: value }).findExposed({ text }).length === 1;
      });
      fc.assert(cases, { numRuns: 100, seed: 1 });
    });
  }

  test('as it is: any 12 characters of a value of up to 256', () => {
    const cases = fc.property(secretValues, fc.nat(), (value, from) => {
      const start = from % (value.length - 11);
      return scannerFor({ some: value }).findExposed(value.slice(start, start + 12)).length === 1;
    });
    fc.assert(cases, { numRuns: 100, seed: 2 });
  });

  test('in the name of a member, in an error text, deep inside', () => {
    expect(named({ [VALUE]: 1 })).toEqual(['api/token']);
    expect(named({ error: { message: `401 for ${VALUE}` } })).toEqual(['api/token']);
    expect(named([[[{ a: [VALUE] }]]])).toEqual(['api/token']);
  });

  test('split over neighbouring texts, and over neighbouring names', () => {
    expect(named({ a: VALUE.slice(0, 9), b: 7, c: VALUE.slice(9, 18) })).toEqual(['api/token']);
    expect(named([...VALUE])).toEqual(['api/token']);
    expect(named({ [VALUE.slice(0, 9)]: 'x', [VALUE.slice(9, 18)]: 'y' })).toEqual(['api/token']);
  });

  test('split over the blocks of a result, and over the rows of a table', () => {
    const blocks = [...VALUE].map((text) => ({ type: 'text', text }));
    expect(named({ content: blocks })).toEqual(['api/token']);
    const rows = [...VALUE].map((letter, index) => ({ row: `${index}`, letter, note: 'nothing of it' }));
    expect(named(rows)).toEqual(['api/token']);
    const filler = 'x'.repeat(5_000);
    const long = [`${filler} ${VALUE.slice(0, 9)}`, 'between', `${VALUE.slice(9, 18)} ${filler}`];
    expect(named(long.map((text, index) => ({ [index === 1 ? 'b' : 'a']: text })))).toEqual(['api/token']);
  });

  test('split, one part as it is and the next one escaped', () => {
    expect(named({ a: VALUE.slice(0, 9), b: percent(VALUE.slice(9, 18)) })).toEqual(['api/token']);
    const twice = JSON.stringify(JSON.stringify(percent(VALUE.slice(9, 18))));
    expect(named([{ text: VALUE.slice(0, 9) }, { note: 'x' }, { text: twice }])).toEqual(['api/token']);
  });

  test('as bytes, which is how JSON has a Buffer and a Uint8Array', () => {
    expect(named(JSON.parse(JSON.stringify({ body: bytes(`token: ${VALUE}`) })))).toEqual(['api/token']);
    expect(named(JSON.parse(JSON.stringify(new Uint8Array(bytes(VALUE)))))).toEqual(['api/token']);
  });

  test('as a number', () => {
    const digits = scannerFor({ pan: '4929123456781234' });
    expect(digits.findExposed({ card: 4929123456781234 })).toEqual([{ name: 'pan', pointer: '/card' }]);
  });

  test('of each secret once, however often it stands there', () => {
    expect(scanner.findExposed([VALUE, VALUE, { a: VALUE }])).toEqual([{ name: 'api/token', pointer: '/0' }]);
  });

  test('outside ASCII', () => {
    const umlauts = scannerFor({ phrase: 'Grüße aus Köln über Düsseldorf' });
    expect(umlauts.findExposed(percent('Köln über Düsseldorf'))).toHaveLength(1);
    expect(umlauts.findExposed(bytes('Grüße aus Köln über Düsseldorf').toString('base64'))).toHaveLength(1);
  });
});

describe('short values', () => {
  const short = scannerFor({ pin: 'k7#Qz2!w', tiny: 'abc1234' });

  test('of 8 to 11 characters are found whole, in each writing', () => {
    for (const write of Object.values(WRITINGS))
      expect(short.findExposed(`a ${write('k7#Qz2!w')}`)).toHaveLength(1);
    expect(short.findExposed('k7#Qz2!')).toEqual([]);
  });

  test('under 8 characters are looked for nowhere', () => {
    expect(isGuarded('abc1234')).toBe(false);
    expect(isGuarded('a-b-c-d-e-f-g')).toBe(false);
    expect(short.findExposed('abc1234')).toEqual([]);
  });
});

describe('nothing else is found', () => {
  const many = scannerFor(
    Object.fromEntries(
      Array.from({ length: 300 }, (_, index) => [`s/${index}`, pseudoRandom(index, 24).toString('base64')]),
    ),
  );

  test('in random text, base64, hexadecimal and English', () => {
    const English = 'the quick brown fox jumps over the lazy dog while the operator reads another report. ';
    for (let part = 0; part < 4; part += 1) {
      const random = pseudoRandom(1_000_000 + part, 190_000);
      expect(many.findExposed(random.toString('base64'))).toEqual([]);
      expect(many.findExposed(random.toString('hex'))).toEqual([]);
      expect(many.findExposed(random.toString('latin1'))).toEqual([]);
    }
    expect(many.findExposed(English.repeat(10_000))).toEqual([]);
  });

  test('in what is common to keys and tokens of one kind', () => {
    const armour = ['-----BEGIN', 'PRIVATE KEY-----'].join(' ');
    const key = `${armour}\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQ${VALUE}\n`;
    const keys = scannerFor({ key, jwt: `eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.${VALUE}` });
    expect(keys.findExposed(`${armour} MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQ`)).toEqual([]);
    expect(keys.findExposed('eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhIn0')).toEqual([]);
  });

  test('where nothing is guarded', () => {
    expect(scannerFor({}).findExposed({ any: VALUE })).toEqual([]);
  });
});

describe('fingerprints', () => {
  const secrets = [{ name: 'a', values: [VALUE] }];

  test('hold no piece of a value, in whatever order', () => {
    const text = JSON.stringify(fingerprintsToJson(fingerprintsOf(crypto, KEY, secrets)));
    const inside = scannerFor({ a: VALUE }).findExposed(text);
    expect(inside).toEqual([]);
  });

  test('find the same after a way through JSON', () => {
    const sent = JSON.parse(JSON.stringify(fingerprintsToJson(fingerprintsOf(crypto, KEY, secrets))));
    const read = fingerprintsFromJson(sent);
    if (read === undefined) throw new Error('expected fingerprints');
    expect(new Scanner(crypto, read).findExposed(VALUE)).toEqual([{ name: 'a', pointer: '' }]);
  });

  test('under another key are others', () => {
    const one = fingerprintsOf(crypto, KEY, secrets);
    const other = fingerprintsOf(crypto, new Uint8Array(32).fill(8), secrets);
    expect(other.tags).not.toEqual(one.tags);
  });

  test('that are none are refused, or a search could go on for ever', () => {
    const good = fingerprintsToJson(fingerprintsOf(crypto, KEY, secrets)) as Record<string, JsonValue>;
    const full = Buffer.alloc(64, 1).toString('base64');
    for (const change of [{ key: 'AA==' }, { owners: full }, { names: [1] }, { sieve: '' }, { tags: 7 }])
      expect(fingerprintsFromJson({ ...good, ...change } as JsonValue)).toBeUndefined();
    expect(fingerprintsFromJson(null)).toBeUndefined();
  });
});

test('a hostile text takes no longer than another: time grows with its length alone', () => {
  const size = 1_000_000;
  const texts = [VALUE.slice(0, 11), VALUE.slice(3, 15), '%41', '\\u0041', '&#65;', '%', '&#'].map((part) =>
    part.repeat(Math.ceil(size / part.length)),
  );
  for (const text of texts) {
    const started = performance.now();
    scanner.findExposed({ text });
    expect(performance.now() - started).toBeLessThan(2_000);
  }
});

/** The same in every run. */
function pseudoRandom(seed: number, length: number): Buffer {
  const blocks = Array.from({ length: Math.ceil(length / 32) }, (_, index) =>
    crypto.sha256(bytes(`${seed} ${index}`)),
  );
  return Buffer.concat(blocks).subarray(0, length);
}
