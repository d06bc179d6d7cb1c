import { SecretError } from '../errors.ts';
import type { SecretPlace } from '../names.ts';
import type { SecretValue } from '../value.ts';
import { readCurrent } from './current-value.ts';
import type { RotatingProvider, RotationStore } from './ports.ts';

/** RFC 7517, public parts only. */
export interface PublicKeys {
  readonly keys: readonly Readonly<Record<string, string>>[];
}

/**
 * The keys that signatures may be made with now: the current one, the one that is about to be (so that verifiers know
 * it before it is used) and, until the grace is over, the one before.
 */
export async function publicKeysOf(
  place: SecretPlace,
  { provider, store }: { readonly provider: RotatingProvider; readonly store: RotationStore },
): Promise<PublicKeys> {
  const values: SecretValue[] = [(await readCurrent(place, provider)).value];
  const [open] = await store.rotations(place.tenant, { name: place.name, open: true, limit: 1 });
  if (open !== undefined) {
    const staged = await provider.staged(place);
    if (staged?.token === open.id) values.push(staged.value);
    if (open.version !== null && open.previousVersion !== null)
      values.push(await provider.read(place, open.previousVersion).then(({ value }) => value, gone));
  }
  const keys = values.flatMap(({ jwk }) => (jwk === undefined ? [] : [publicPart(jwk)]));
  if (keys.length === 0)
    throw new SecretError('SECRET_NOT_FOUND', 'expected a secret of the rotator `key-pair`');
  const known = new Map(keys.map((key) => [key.kid, key]));
  return { keys: [...known.values()] };
}

/** The field holds a public key; whatever else somebody writes into it does not get out. */
function publicPart(text: string): Readonly<Record<string, string>> {
  const jwk = parsed(text);
  const fields = ['kty', 'crv', 'x', 'n', 'e', 'kid', 'alg', 'use'];
  return Object.fromEntries(
    fields.flatMap((field) => (typeof jwk[field] === 'string' ? [[field, jwk[field]]] : [])),
  );
}

function parsed(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // said below, without what stands there
  }
  throw new SecretError('SECRET_VALUE_INVALID', 'expected a JSON Web Key in the field `jwk`');
}

function gone(): SecretValue {
  return {};
}
