import { createPublicKey, randomBytes, sign, verify } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RotatorOptions } from '../ports.ts';
import { ALICE, openRotating } from '../rotating.fixture.ts';
import { createKeyPairRotator } from './key-pair.ts';
import { createRandomRotator, randomText } from './random.ts';

const contextOf = (options: RotatorOptions) => ({
  rotationId: 'r',
  place: { tenant: 't', name: 'n' } as never,
  options,
  now: 0,
  signal: new AbortController().signal,
  readSecret: async () => ({}),
});

describe('random values', () => {
  const rotator = createRandomRotator(randomBytes);
  const generate = (current: Record<string, string>, options: RotatorOptions = {}) =>
    rotator.generate(current, contextOf(options));

  it('are not made for a secret whose login is kept elsewhere as well', async () => {
    await expect(generate({ active_user: 'primary', password: 'x' })).rejects.toThrow(/postgres-roles/);
  });

  it.each([
    [{ a: '1', b: '2' }, {}],
    [{ a: '1' }, { field: 'b' }],
    [{ a: '1' }, { field: '__proto__' }],
    [{ a: '1' }, { length: 15 }],
    [{ a: '1' }, { length: 1_025 }],
    [{ a: '1' }, { length: '32' }],
    [{ a: '1' }, { alphabet: 'toString' }],
  ] as const)('are refused by name for %o with %o', async (current, options) => {
    await expect(generate(current, options as never)).rejects.toMatchObject({ code: 'ROTATION_INVALID' });
  });

  it('change one field and keep the others', async () => {
    const made = await generate({ username: 'app', password: 'old' }, { length: 64, alphabet: 'hex' });
    expect(made.username).toBe('app');
    expect(made.password).toMatch(/^[0-9a-f]{64}$/);
    expect((await generate({ only: 'old' })).only).toMatch(/^[0-9A-Za-z]{32}$/);
    expect(Object.keys(await generate({ key: '1', other: '2' }, { field: 'other' }))).toEqual([
      'key',
      'other',
    ]);
  });

  it('use every character of their alphabet equally, whatever its length', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 80 }), (size) => {
        const alphabet = Array.from({ length: size }, (_, at) => String.fromCharCode(33 + at)).join('');
        let byte = 0;
        // Each byte value equally often: only rejection makes each character equally often of it.
        const counting = (length: number) => Uint8Array.from({ length }, () => byte++ % 256);
        const bound = 256 - (256 % size);
        const text = randomText(bound, alphabet, counting);
        for (const character of alphabet) expect(text.split(character).length - 1).toBe(bound / size);
      }),
      { numRuns: 100 },
    );
  });
});

describe('key pairs', () => {
  const rotator = createKeyPairRotator();

  it.each([{ algorithm: 'dsa' }, { algorithm: 'rsa', bits: 1_024 }, { algorithm: 'rsa', bits: 8_192 }])(
    'with %o are refused by name',
    async (options) => {
      await expect(rotator.generate({}, contextOf(options))).rejects.toMatchObject({
        code: 'ROTATION_INVALID',
      });
    },
  );

  it('that do not fit together do not pass their test', async () => {
    const [one, two] = [await rotator.generate({}, contextOf({})), await rotator.generate({}, contextOf({}))];
    const mixed = { ...one, jwk: two.jwk ?? '' };
    await expect(rotator.test(mixed, {}, contextOf({}))).rejects.toMatchObject({ code: 'ROTATION_FAILED' });
  });

  it.each([
    [{}, 'EdDSA', null],
    [{ algorithm: 'rsa', bits: 2_048 }, 'RS256', 'sha256'],
  ] as const)('with %o sign as their public key says', async (options, alg, hash) => {
    const made = await rotator.generate({ issuer: 'us' }, contextOf(options));
    await rotator.test(made, {}, contextOf(options));
    expect(made).toMatchObject({ issuer: 'us', alg });
    const message = Buffer.from('message');
    const signature = sign(hash, message, made.private_key ?? '');
    const jwk = JSON.parse(made.jwk ?? '') as Record<string, string>;
    expect(verify(hash, message, createPublicKey({ key: jwk, format: 'jwk' }), signature)).toBe(true);
    expect(jwk.d).toBeUndefined();
    expect(jwk.kid).toBe(made.kid);
  });

  it('stay in the public keys before they are used and until the grace is over', async () => {
    let staged: unknown;
    const rotating = await openRotating({
      rotators: [
        {
          ...rotator,
          test: async () => {
            staged = await rotating.rotations.publicKeys(rotating.place);
          },
        },
      ],
    });
    const { rotations, place, provider, clock, drive } = rotating;
    const first = await rotator.generate({}, contextOf({}));
    await provider.write(place, first, { author: 'alice' });
    rotations.start();
    const kids = async () => (await rotations.publicKeys(place)).keys.map(({ kid }) => kid);
    expect(await kids()).toEqual([first.kid]);
    const { rotationId } = await rotations.rotateNow(ALICE, place, {
      rotator: 'key-pair',
      gracePeriodHours: 1,
    });
    const second = (await rotating.current()).kid;
    expect(staged).toMatchObject({ keys: [{ kid: first.kid }, { kid: second }] });
    expect(await kids()).toEqual([second, first.kid]);
    await clock.move(2 * 3_600_000);
    await drive(rotationId, ({ phase }) => phase === 'done');
    expect(await kids()).toEqual([second]);
    expect(JSON.stringify(await rotations.publicKeys(place))).not.toMatch(/PRIVATE|"d"/);
    await rotations.stop();
  });

  it('are not told of a secret that has none', async () => {
    const { rotations, place } = await openRotating();
    await expect(rotations.publicKeys(place)).rejects.toMatchObject({ code: 'SECRET_NOT_FOUND' });
  });
});
