import { SecretError } from '../errors.ts';
import type { SecretPlace } from '../names.ts';
import type { SealedHead, SealedValue } from '../ports.ts';
import { asKeyObject } from '../root-key/root-key.ts';
import { checkValue, type SecretValue } from '../value.ts';
import { KEY_BYTES, open, type RandomBytes, seal } from './cipher.ts';
import { latestOf, type SecretContent } from './secret-content.ts';
import type { TenantKey } from './tenant-keys.ts';

/** The slot of a staged value. */
export const STAGED_SLOT = 0;
/** Sealed, it fits the 128 KiB that a row may have. */
const MAX_HEAD_BYTES = 130_000;

/** Bound: tenant, name, revision, latest version and key. A head of another secret or of an older revision does not open as this one. */
export function sealHead(
  place: SecretPlace,
  key: TenantKey,
  revision: number,
  content: SecretContent,
  random: RandomBytes,
): SealedHead {
  const head = { revision, latest: latestOf(content), keyId: key.id };
  const plain = Buffer.from(JSON.stringify(content), 'utf8');
  if (plain.length > MAX_HEAD_BYTES)
    throw new SecretError(
      'SECRET_REQUEST_INVALID',
      'expected shorter descriptions, fewer tags or fewer versions: what is kept beside the values is too long',
    );
  return { ...head, sealed: seal(key.heads, headBinding(place, head), plain, random) };
}

export function openHead(place: SecretPlace, key: TenantKey, head: SealedHead): SecretContent {
  // Authenticated: these bytes are what `sealHead` wrote, so their shape needs no second check.
  return JSON.parse(open(key.heads, headBinding(place, head), head.sealed).toString('utf8')) as SecretContent;
}

/**
 * Bound: tenant, name, slot and the version's random id (a staged value's token), which the head names: the value of
 * another version, or of a secret that was removed and written anew, does not open.
 */
export function sealValue(
  place: SecretPlace,
  key: TenantKey,
  slot: number,
  id: string,
  value: SecretValue,
  random: RandomBytes,
): SealedValue {
  const bytes = Buffer.from(random(KEY_BYTES));
  const wrappedKey = seal(key.values, keyBinding(place, slot, id, key.id), bytes, random);
  const plain = Buffer.from(JSON.stringify(value), 'utf8');
  const sealed = seal(asKeyObject(bytes), ['value', place.tenant, place.name, slot, id], plain, random);
  plain.fill(0);
  return { slot, keyId: key.id, wrappedKey, sealed };
}

export function openValue(place: SecretPlace, key: TenantKey, id: string, value: SealedValue): SecretValue {
  const { slot } = value;
  const bytes = open(key.values, keyBinding(place, slot, id, key.id), value.wrappedKey);
  const plain = open(asKeyObject(bytes), ['value', place.tenant, place.name, slot, id], value.sealed);
  const opened: unknown = JSON.parse(plain.toString('utf8'));
  plain.fill(0);
  return checkValue(opened);
}

/** The same value under another of the tenant's keys: only its data key is wrapped anew. */
export function rewrapValue(
  place: SecretPlace,
  from: TenantKey,
  to: TenantKey,
  id: string,
  value: SealedValue,
  random: RandomBytes,
): SealedValue {
  const bytes = open(from.values, keyBinding(place, value.slot, id, from.id), value.wrappedKey);
  const wrappedKey = seal(to.values, keyBinding(place, value.slot, id, to.id), bytes, random);
  bytes.fill(0);
  return { ...value, keyId: to.id, wrappedKey };
}

export function missingValue(): SecretError {
  return new SecretError(
    'PROVIDER_INCONSISTENT',
    'expected the value of a version that the secret has, got none; restore its row from a backup',
  );
}

function headBinding(place: SecretPlace, head: Omit<SealedHead, 'sealed'>) {
  return ['head', place.tenant, place.name, head.revision, head.latest, head.keyId];
}

function keyBinding(place: SecretPlace, slot: number, id: string, keyId: string) {
  return ['data key', place.tenant, place.name, slot, id, keyId];
}
