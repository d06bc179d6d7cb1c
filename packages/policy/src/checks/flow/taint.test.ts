import type { JsonValue } from '@provability-fabric/kernel';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ANY, bundle, clause, codes, parameter, TestSession, tool } from '../../session.fixture.ts';
import type { ParameterRule } from './rules.ts';

const UNTRUSTED = { level: 'public', compartments: [], integrity: 'untrusted' } as const;
const FOREIGN = { level: 'public', compartments: ['tenant:globex'], integrity: 'trusted' } as const;

const desk = (rule: Partial<ParameterRule>) =>
  bundle({
    tools: {
      spy: tool({ returns: UNTRUSTED }),
      books: tool(),
      neighbour: tool({ returns: FOREIGN }),
      send: tool({ effect: 'read', parameters: { '/to': parameter(rule) } }),
    },
    constants: { team: ['team@acme.example'] },
    clauses: [clause({ id: 'vouched', kind: 'flow', rule: 'parameters', on: ANY })],
  });

const fromPrompt = desk({ from: [{ kind: 'prompt' }] });
const ownWords = desk({ from: [{ kind: 'unknown' }] });
const trusted = desk({ trusted: true });

const refused = (session: TestSession, to: JsonValue) => codes(session.ask('send', { to })).length > 0;

/** Whether a value that the prompt vouches for is refused because a result holds `written`. */
function contested(written: JsonValue, value: string): boolean {
  const session = new TestSession(fromPrompt);
  session.prompt(`use ${value} please`);
  if (refused(session, value)) throw new Error('expected the prompt to vouch for it');
  session.call('spy', {}, written);
  return refused(session, value);
}

/** Whether a value of nowhere is refused because results hold `written`. */
function copied(written: readonly JsonValue[], value: JsonValue): boolean {
  const session = new TestSession(ownWords);
  for (const result of written) session.call('spy', {}, result);
  return refused(session, value);
}

const base64 = (text: string) => Buffer.from(text, 'utf8').toString('base64');
const base64url = (text: string) => Buffer.from(text, 'utf8').toString('base64url');
const hex = (text: string) => Buffer.from(text, 'utf8').toString('hex');
const percent = (text: string) => hex(text).replace(/../g, (byte) => `%${byte}`);

/** What a copy may do to a text. */
const ENCODINGS: readonly (readonly [string, (text: string) => string])[] = [
  ['letter case', (text) => text.toUpperCase()],
  ['spacing', (text) => text.split('').join(' ')],
  ['quotes', (text) => `"${text}"`],
  ['brackets and a sentence around it', (text) => `see <${text}>.`],
  ['dashes for dots', (text) => text.replaceAll('.', '-')],
  ['URL encoding', (text) => encodeURIComponent(text)],
  ['URL encoding of every character', percent],
  ['base64', base64],
  ['base64 for URLs', base64url],
  ['hex', hex],
  ['hex in capitals', (text) => hex(text).toUpperCase()],
  ['JSON in a text', (text) => JSON.stringify({ a: [text] })],
  ['JSON escapes', (text) => `"${text.replaceAll('.', '\\u002e')}"`],
  ['base64 of JSON', (text) => base64(JSON.stringify([text]))],
  ['hex of base64', (text) => hex(base64(text))],
  ['URL encoding of base64', (text) => encodeURIComponent(base64(text))],
];

const address = fc
  .tuple(
    fc.stringMatching(/^[a-z]{5,12}$/),
    fc.integer({ min: 10, max: 99_999 }),
    fc.stringMatching(/^[a-z]{4,9}$/),
  )
  .map(([name, number, host]) => `${name}.${number}@${host}.example`);
const token = fc.oneof(address, fc.stringMatching(/^[A-Z]{2}[0-9]{2}[A-Z0-9]{12,18}$/));

describe('taint', () => {
  it.each(ENCODINGS)('survives %s of a value on its way into an argument', (_what, encode) => {
    fc.assert(
      fc.property(token, (text) => copied([`note: ${text}`], encode(text))),
      { numRuns: 30 },
    );
  });

  it.each(ENCODINGS)('finds a value that a result holds under %s', (_what, encode) => {
    fc.assert(
      fc.property(token, (text) => copied([`x ${encode(text)} y`], text)),
      { numRuns: 30 },
    );
  });

  it.each(ENCODINGS)(
    'counts against what the prompt vouches for, under %s in the result',
    (_what, encode) => {
      fc.assert(
        fc.property(token, (text) => contested({ a: [encode(text)] }, text)),
        { numRuns: 30 },
      );
    },
  );

  it('survives joining pieces of several results, and splitting one', () => {
    fc.assert(
      fc.property(token, token, fc.constantFrom('', ' ', ';', '+'), (one, other, glue) => {
        expect(copied([one, other], `${one}${glue}${other}`)).toBe(true);
        expect(copied([`${one}${glue}${other}`], one)).toBe(true);
        expect(copied([one], { deep: [{ list: ['own', one] }] })).toBe(true);
        expect(copied([{ [one]: 1 }], one)).toBe(true);
        expect(copied([one], { [one]: 1 })).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it.each([
    ['2024-03-15', '15.03.2024'],
    ['2024-03-15', 'March 15, 2024'],
    ['2024-03-15', '15 March'],
    ['15 March', '2024-03-15'],
    ['Mar 15th', '2024-03-15T10:00:00Z'],
    ['15/3/2024', '20240315'],
    ['3/15/2024', '15 mar 2024'],
    ['1,234.50', '1234.5'],
    ['$1234.50', '1.234,50'],
    ["1'234.5 CHF", 'EUR 1234.50'],
    ['007', '7'],
    ['DE89 3704 0044 0532 0130 00', 'DE89370400440532013000'],
    ['+49 (170) 123-45-67', '+491701234567'],
    ['4111-1111-1111-1111', '4111 1111 1111 1111'],
  ])('knows %s again in %s, both ways', (one, other) => {
    expect(copied([`on ${one} it is`], other)).toBe(true);
    expect(copied([{ at: other }], one)).toBe(true);
    expect(contested(`on ${one} it is`, other)).toBe(true);
    expect(contested({ at: other }, one)).toBe(true);
  });

  it('knows numbers again whatever their type', () => {
    expect(copied(['pay 1,234.50 now'], 1234.5)).toBe(true);
    expect(copied([{ amount: 1234.5 }], '$1,234.50')).toBe(true);
    expect(copied([{ amount: 50 }], 50)).toBe(true);
    expect(copied(['11. buy 3 14 7,8 milk'], 11)).toBe(true);
    expect(copied(['11. buy 3 14 7,8 milk'], 14)).toBe(true);
    expect(copied([12345678901234567890n], '12345678901234567890')).toBe(true);
  });

  it('leaves alone what no result holds', () => {
    expect(copied(['a long story about a journey to the sea in 1987'], 'Lunch on Friday')).toBe(false);
    expect(copied(['balance 1,234.50 of 2024-03-15'], 1234.6)).toBe(false);
    expect(copied(['balance 1,234.50 of 2024-03-15'], '2024-03-16')).toBe(false);
    expect(copied(['at 11:00 on 2024-05-11, or 1.11, 11/12'], 11)).toBe(false);
    expect(contested('write to anna@acme.example', 'bert@acme.example')).toBe(false);
  });

  it('takes everything as tainted by what found no room, and trusts none of it', () => {
    const session = new TestSession(
      desk({ from: [{ kind: 'prompt' }, { kind: 'result', tool: 'spy', field: null }] }),
    );
    session.prompt('use a1b2c3d4 please');
    expect(refused(session, 'a1b2c3d4')).toBe(false);
    const values = Array.from({ length: 140_000 }, (_, index) => `v${index}`);
    session.call('spy', {}, [...values, 'the-last-one']);
    expect(refused(session, 'v1')).toBe(true);
    expect(refused(session, 'the-last-one')).toBe(true);
    expect(refused(session, 'a1b2c3d4')).toBe(true);
  }, 20_000);

  it('takes a value too long to trace as anyone’s', () => {
    expect(copied(['hello there'], 'x'.repeat(20_000))).toBe(true);
    expect(copied([], 'x'.repeat(20_000))).toBe(false);
  });

  it('refuses more values in one argument than it would trace', () => {
    const session = new TestSession(ownWords);
    expect(
      refused(
        session,
        Array.from({ length: 1_001 }, (_, index) => index),
      ),
    ).toBe(true);
    expect(
      refused(
        session,
        Array.from({ length: 1_000 }, (_, index) => index),
      ),
    ).toBe(false);
  });
});

describe('trust', () => {
  it('rests on exact whole values: nothing near to one is vouched for', () => {
    const near = fc.constantFrom(...ENCODINGS.map(([, encode]) => encode), (text: string) => `${text}x`);
    fc.assert(
      fc.property(token, near, (text, change) => {
        const value = change(text);
        fc.pre(value !== text);
        for (const rule of [fromPrompt, trusted]) {
          const session = new TestSession(rule);
          session.call('spy', {}, 'something untrusted, so that what is unknown is not trusted');
          session.prompt(`use ${text}`);
          session.call('books', {}, [text]);
          expect(refused(session, text)).toBe(false);
          // Quotes and brackets around a word of the prompt stand in it as the word does not.
          expect(refused(session, value)).toBe(true);
        }
      }),
      { numRuns: 200 },
    );
  });

  it.each(['аcme', 'acme\u200b', 'ａcme', 'acme\u0301', 'ACME'])(
    'is not given to %j for acme',
    (lookAlike) => {
      for (const rule of [fromPrompt, trusted]) {
        const session = new TestSession(rule);
        session.call('spy', {}, 'hello');
        session.prompt('pay acme today');
        session.call('books', {}, ['acme']);
        expect(refused(session, 'acme')).toBe(false);
        expect(refused(session, lookAlike)).toBe(true);
      }
    },
  );

  it('of a value from nowhere is that of the session', () => {
    const session = new TestSession(trusted);
    expect(refused(session, 'anything at all')).toBe(false);
    session.call('spy', {}, 'hello');
    expect(refused(session, 'anything at all')).toBe(true);
    expect(refused(session, 'team@acme.example')).toBe(false);
  });

  it('of an argument of several values is that of each', () => {
    const session = new TestSession(trusted);
    session.call('spy', {}, 'evil@x.example');
    expect(refused(session, ['team@acme.example', 'team@acme.example'])).toBe(false);
    expect(refused(session, ['team@acme.example', 'evil@x.example'])).toBe(true);
  });
});

describe('same tenant', () => {
  const rule = desk({ same_tenant: true });

  it('refuses what may be another tenant’s, however written', () => {
    const session = new TestSession(rule);
    expect(refused(session, 'anything')).toBe(false);
    session.call('neighbour', {}, 'the plan is blue-4711-horse');
    session.prompt('send blue-4711-horse and green to team@acme.example');
    expect(codes(session.ask('send', { to: 'BLUE 4711 horse' }))).toEqual(['CROSS_TENANT']);
    expect(codes(session.ask('send', { to: 'blue-4711-horse' }))).toEqual(['CROSS_TENANT']);
    expect(codes(session.ask('send', { to: 'a word of my own' }))).toEqual(['CROSS_TENANT']);
    expect(refused(session, 'green')).toBe(false);
    expect(refused(session, 'team@acme.example')).toBe(false);
  });
});

describe('an older state', () => {
  it('knows nothing of what a newer one read, and may go on another way', () => {
    const session = new TestSession(desk({ from: [{ kind: 'prompt' }] }));
    session.prompt('use one-11111 or two-22222');
    session.call('spy', {}, 'nothing yet');
    const before = session.state;
    session.call('spy', {}, 'one-11111');
    expect(refused(session, 'one-11111')).toBe(true);
    const { digest, state: after } = session;
    session.state = before;
    expect(refused(session, 'one-11111')).toBe(false);
    session.call('spy', {}, 'two-22222');
    expect([refused(session, 'one-11111'), refused(session, 'two-22222')]).toEqual([false, true]);
    session.state = after;
    expect(session.digest).toBe(digest);
    expect([refused(session, 'one-11111'), refused(session, 'two-22222')]).toEqual([true, false]);
  });
});

describe('renaming', () => {
  /** Another word for each word, of the same make: letters to letters, digits to digits. */
  const renamed = (shift: number) => (text: string) =>
    text.replace(/[a-z0-9]/g, (character) => {
      const [first, size] = /[0-9]/.test(character) ? [0x30, 10] : [0x61, 26];
      return String.fromCharCode(first + ((character.charCodeAt(0) - first + shift) % size));
    });

  it('of every name and value, everywhere alike, changes no verdict', () => {
    // Short of 12 characters: a longer word may happen to be base64 or hex, and its other name may not.
    const account = fc.stringMatching(/^[A-Z]{2}[0-9]{2}[A-Z0-9]{2,7}$/);
    const word = fc.oneof(
      address,
      account,
      fc.stringMatching(/^[b-k]{3,11}$/),
      fc.stringMatching(/^x[0-9]{1,7}x$/),
    );
    const story = fc.record({
      prompt: fc.array(word, { maxLength: 4 }),
      results: fc.array(fc.tuple(fc.constantFrom('spy', 'books'), fc.array(word, { maxLength: 4 })), {
        maxLength: 4,
      }),
      picks: fc.array(fc.nat(), { minLength: 1, maxLength: 4 }),
      shift: fc.integer({ min: 1, max: 9 }),
    });
    fc.assert(
      fc.property(story, ({ prompt, results, picks, shift }) => {
        const all = [...prompt, ...results.flatMap(([, words]) => words), 'own'].map((text) =>
          text.toLowerCase(),
        );
        const verdicts = (rename: (text: string) => string) =>
          [fromPrompt, ownWords, trusted].map((rule) => {
            const session = new TestSession(rule);
            session.prompt(rename(prompt.join(' ').toLowerCase()));
            for (const [name, words] of results)
              session.call(name, {}, rename(words.join(' ').toLowerCase()));
            const value = picks.map((pick) => all[pick % all.length]).join(picks.length > 2 ? '' : ' ');
            return codes(session.ask('send', { to: rename(value) }));
          });
        expect(verdicts(renamed(shift))).toEqual(verdicts((text) => text));
      }),
      { numRuns: 200 },
    );
  });
});
