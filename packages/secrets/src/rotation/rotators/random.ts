import { SecretError } from '../../errors.ts';
import type { SecretValue } from '../../value.ts';
import type { Rotator, RotatorOptions } from '../ports.ts';

/** That many bytes of the operating system's randomness. */
export type RandomBytes = (length: number) => Uint8Array;

const DIGITS = '0123456789';
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const ALPHABETS = {
  alphanumeric: DIGITS + LETTERS,
  hex: '0123456789abcdef',
  base64url: `${LETTERS}${DIGITS}-_`,
  /** Nothing that a shell, a URL or a connection string reads as something else has to be quoted in all of them. */
  symbols: `${DIGITS}${LETTERS}!#%*+-.=?@^_~`,
} as const;
const USUAL_FIELDS = ['password', 'value', 'secret', 'token'];

/**
 * For secrets that nobody has to be told: their value is whatever is kept. Options: `field` (unless told: the only one, or
 * `password`, `value`, `secret`, `token`), `length` (16 to 1,024; 32), `alphabet` (alphanumeric, hex, base64url, symbols).
 */
export function createRandomRotator(randomBytes: RandomBytes): Rotator {
  const nothing = async () => undefined;
  return {
    name: 'random',
    async generate(current, { options }) {
      const field = fieldOf(current, options);
      return { ...current, [field]: randomText(lengthOf(options), alphabetOf(options), randomBytes) };
    },
    set: nothing,
    test: nothing,
    revoke: nothing,
    undo: nothing,
  };
}

/** Every text is equally likely: bytes that would favour the first characters are thrown away. */
export function randomText(length: number, alphabet: string, randomBytes: RandomBytes): string {
  const bound = 256 - (256 % alphabet.length);
  let text = '';
  while (text.length < length) {
    for (const byte of randomBytes(length)) {
      if (byte < bound && text.length < length) text += alphabet[byte % alphabet.length];
    }
  }
  return text;
}

function fieldOf(current: SecretValue, { field }: RotatorOptions): string {
  const fields = Object.keys(current);
  if (field !== undefined) {
    if (typeof field === 'string' && fields.includes(field)) return field;
    throw invalid('the option `field` to name a field of the secret');
  }
  // It would change the password that is kept and not the one that the database wants.
  if (fields.includes('active_user'))
    throw invalid('the rotator `postgres-roles` for a secret with `active_user`');
  const only = fields.length === 1 ? fields[0] : USUAL_FIELDS.find((usual) => fields.includes(usual));
  if (only === undefined) throw invalid('the option `field`, since the secret has several');
  return only;
}

function lengthOf({ length = 32 }: RotatorOptions): number {
  if (typeof length === 'number' && Number.isInteger(length) && length >= 16 && length <= 1_024)
    return length;
  throw invalid('the option `length` to be 16 to 1024');
}

function alphabetOf({ alphabet = 'alphanumeric' }: RotatorOptions): string {
  if (typeof alphabet === 'string' && Object.hasOwn(ALPHABETS, alphabet))
    return ALPHABETS[alphabet as keyof typeof ALPHABETS];
  throw invalid('the option `alphabet` to be one of alphanumeric, hex, base64url, symbols');
}

function invalid(expected: string): SecretError {
  return new SecretError('ROTATION_INVALID', `expected ${expected}`);
}
