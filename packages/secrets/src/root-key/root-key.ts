import { createSecretKey, type KeyObject } from 'node:crypto';
import { derivedBytes, derivedKey, KEY_BYTES, open, type RandomBytes, seal } from '../embedded/cipher.ts';
import { SecretError } from '../errors.ts';
import type { RootKeyRow, TenantKeyRow } from '../ports.ts';

/**
 * A root key in memory. Its id tells keys apart and nothing else; the check value proves that a key is the one on record
 * before it opens or writes anything, and that kind and parameters on record are what they were.
 */
export class RootKey {
  readonly id: string;
  readonly #wrapping: KeyObject;
  readonly #checking: KeyObject;

  constructor(bytes: Uint8Array) {
    if (bytes.length !== KEY_BYTES)
      throw new SecretError(
        'SECRETS_SEALED',
        `expected a root key of ${KEY_BYTES} bytes, got \`${bytes.length}\``,
      );
    this.id = derivedBytes(bytes, 'root-key/id', 16).toString('hex');
    this.#wrapping = derivedKey(bytes, 'root-key/wrap');
    this.#checking = derivedKey(bytes, 'root-key/check');
  }

  rowFor(source: RootKeyRow['source'], parameters: Uint8Array, random: RandomBytes): RootKeyRow {
    const check = seal(this.#checking, this.#checked(source, parameters), new Uint8Array(0), random);
    return { rootKeyId: this.id, source, parameters, check };
  }

  isOn(row: RootKeyRow): boolean {
    if (row.rootKeyId !== this.id) return false;
    open(this.#checking, this.#checked(row.source, row.parameters), row.check);
    return true;
  }

  wrap(
    tenant: string,
    key: Pick<TenantKeyRow, 'keyId' | 'generation'>,
    bytes: Uint8Array,
    random: RandomBytes,
  ): TenantKeyRow {
    const wrapped = seal(
      this.#wrapping,
      ['tenant key', tenant, key.keyId, key.generation, this.id],
      bytes,
      random,
    );
    return { keyId: key.keyId, generation: key.generation, rootKeyId: this.id, wrapped };
  }

  unwrap(tenant: string, row: TenantKeyRow): Buffer {
    return open(this.#wrapping, ['tenant key', tenant, row.keyId, row.generation, this.id], row.wrapped);
  }

  #checked(source: string, parameters: Uint8Array) {
    return ['root key check', this.id, source, Buffer.from(parameters).toString('base64')];
  }
}

/** Wiped once the key object has it. */
export function asKeyObject(bytes: Uint8Array): KeyObject {
  const key = createSecretKey(bytes);
  bytes.fill(0);
  return key;
}
