import { createHash } from 'node:crypto';
import type { Crypto } from '@provability-fabric/kernel';
import fc from 'fast-check';
import { fingerprintsOf, Scanner } from './index.ts';

export const crypto: Crypto = {
  sha256: (data) => createHash('sha256').update(data).digest(),
  verifyEd25519: () => false,
};

export const KEY = new Uint8Array(32).fill(7);

export function scannerFor(secrets: Readonly<Record<string, string>>): Scanner {
  const list = Object.entries(secrets).map(([name, value]) => ({ name, values: [value] }));
  return new Scanner(crypto, fingerprintsOf(crypto, KEY, list));
}

const CHARACTERS = [...'abcdefghijkmnopqrstuvwxyzABCDEFGHIJKLMNPQRSTUVWXYZ0123456789!@#$%^&*()<>?[]{}~'];

/** What a generator of passwords gives: every character counts. */
export const secretValues = fc.string({
  unit: fc.constantFrom(...CHARACTERS),
  minLength: 24,
  maxLength: 80,
});
