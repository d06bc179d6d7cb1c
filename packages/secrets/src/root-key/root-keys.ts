import type { RandomBytes } from '../embedded/cipher.ts';
import { SecretError } from '../errors.ts';
import type { RootKeyRow, SecretRows } from '../ports.ts';
import { RootKey } from './root-key.ts';
import type { RootKeySource } from './root-key-source.ts';

export interface RootKeysOptions {
  readonly rows: Pick<SecretRows, 'rootKeys' | 'addRootKey' | 'tenants'>;
  readonly random: RandomBytes;
}

/** The root keys that are open, by id. Empty: the store is sealed and answers nothing. */
export class RootKeys {
  readonly #options: RootKeysOptions;
  readonly #open = new Map<string, RootKey>();
  readonly #sources = new Set<RootKeySource>();
  /** Ids on record, as last seen, oldest first. */
  #onRecord: readonly string[] = [];

  #refreshing: Promise<void> | null = null;

  constructor(options: RootKeysOptions) {
    this.#options = options;
  }

  get sealed(): boolean {
    return this.#open.size === 0;
  }

  /**
   * Opens the store with the key on record, or puts this one on record where there is none and nothing was ever sealed.
   * Throws SECRETS_SEALED for another key: nothing has been written then.
   */
  async unseal(source: RootKeySource): Promise<RootKey> {
    const rows = await this.#read();
    const key = rows.length === 0 ? await this.#first(source) : await this.#matching(source, rows);
    if (key === null) throw wrongKey(source, rows);
    this.#sources.add(source);
    return key;
  }

  /** A key that others may change to while this process runs: taken up when something sealed under it is met. */
  standBy(source: RootKeySource): void {
    this.#sources.add(source);
  }

  seal(): void {
    this.#open.clear();
    this.#sources.clear();
  }

  /** What new tenant keys are wrapped by. */
  newest(): RootKey {
    for (const id of [...this.#onRecord].reverse()) {
      const key = this.#open.get(id);
      if (key !== undefined) return key;
    }
    throw sealedStore();
  }

  async byId(id: string): Promise<RootKey> {
    if (this.sealed) throw sealedStore();
    const key = this.#open.get(id) ?? (await this.#takenUp(id));
    if (key === undefined)
      throw new SecretError(
        'SECRETS_SEALED',
        `expected the root key \`${id}\`, which the tenant's key was wrapped by; give it beside the one there is`,
      );
    return key;
  }

  /** Looks again which keys are on record, and whether a source that stands by has one of them. */
  refresh(): Promise<void> {
    // Many requests may meet the same unknown key; a passphrase costs half a second and 128 MiB.
    this.#refreshing ??= this.#lookAgain().finally(() => {
      this.#refreshing = null;
    });
    return this.#refreshing;
  }

  /** Puts a key on record beside those there; again after a crash: finds that one. */
  async add(source: RootKeySource): Promise<RootKey> {
    const rows = await this.#read();
    const newer = rows.slice(1);
    const resumed = await this.#matching(source, newer);
    if (resumed !== null) return resumed;
    if (newer.length > 0)
      throw new SecretError(
        'SECRET_CONFLICT',
        `expected the root key \`${newer[0]?.rootKeyId}\`, which a change of the root key was begun with: end that first`,
      );
    const { key, parameters } = await source.make(this.#options.random);
    const made = new RootKey(key);
    if (rows.some(({ rootKeyId }) => rootKeyId === made.id))
      throw new SecretError('SECRET_REQUEST_INVALID', 'expected another root key, got the one there is');
    const row = made.rowFor(source.kind, parameters, this.#options.random);
    const known = rows.map(({ rootKeyId }) => rootKeyId);
    if (!(await this.#options.rows.addRootKey(row, known)))
      throw new SecretError(
        'SECRET_CONFLICT',
        'expected to be alone in changing the root key: look who else is',
      );
    return this.#keep(made, [...known, made.id]);
  }

  forget(id: string): void {
    this.#open.delete(id);
    this.#onRecord = this.#onRecord.filter((other) => other !== id);
  }

  async #lookAgain(): Promise<void> {
    const unknown = (await this.#read()).filter(({ rootKeyId }) => !this.#open.has(rootKeyId));
    for (const source of this.#sources) {
      // A source that stands by need not be there yet; whoever misses its key is told which.
      await this.#matching(source, unknown).catch(() => null);
    }
  }

  async #takenUp(id: string): Promise<RootKey | undefined> {
    await this.refresh();
    return this.#open.get(id);
  }

  async #first(source: RootKeySource): Promise<RootKey | null> {
    // The keys' records may have been taken away to have us seal under a key of somebody else's.
    if ((await this.#options.rows.tenants('', 1)).length > 0)
      throw new SecretError(
        'PROVIDER_INCONSISTENT',
        'expected the record of the root key that tenants have keys under; restore it from a backup',
      );
    const { key, parameters } = await source.make(this.#options.random);
    const made = new RootKey(key);
    const row = made.rowFor(source.kind, parameters, this.#options.random);
    if (await this.#options.rows.addRootKey(row, [])) return this.#keep(made, [made.id]);
    return this.#matching(source, await this.#read());
  }

  async #matching(source: RootKeySource, rows: readonly RootKeyRow[]): Promise<RootKey | null> {
    for (const row of rows) {
      if (row.source !== source.kind) continue;
      const bytes = await source.derive(row.parameters);
      const key = bytes === null ? null : new RootKey(bytes);
      bytes?.fill(0);
      if (key?.isOn(row)) return this.#keep(key, this.#onRecord);
    }
    return null;
  }

  #keep(key: RootKey, onRecord: readonly string[]): RootKey {
    this.#open.set(key.id, key);
    this.#onRecord = onRecord;
    return key;
  }

  async #read(): Promise<readonly RootKeyRow[]> {
    const rows = await this.#options.rows.rootKeys();
    this.#onRecord = rows.map(({ rootKeyId }) => rootKeyId);
    return rows;
  }
}

function wrongKey(source: RootKeySource, rows: readonly RootKeyRow[]): SecretError {
  const expected = rows.map(({ rootKeyId, source }) => `\`${rootKeyId}\` from a ${source}`).join(' or ');
  return new SecretError(
    'SECRETS_SEALED',
    `expected the root key ${expected}, got another from a ${source.kind}; nothing was written`,
  );
}

export function sealedStore(): SecretError {
  return new SecretError(
    'SECRETS_SEALED',
    'expected the store of secrets to be open: it waits for its root key, which SECRETS_ROOT_KEY_FILE or ' +
      'SECRETS_ROOT_PASSPHRASE_FILE names',
  );
}
