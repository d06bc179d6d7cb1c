import { equalBytes } from '@provability-fabric/kernel';
import { SecretError } from '../errors.ts';
import { checkPlace, type SecretPlace } from '../names.ts';
import type { SealedSecret, SealedValue, SecretRows, SlotChoice } from '../ports.ts';
import type { RootKeys } from '../root-key/root-keys.ts';
import { sealedStore } from '../root-key/root-keys.ts';
import type { RandomBytes } from './cipher.ts';
import { keyOf, Revisions } from './revisions.ts';
import { openHead, sealHead } from './sealed-secret.ts';
import type { SecretContent } from './secret-content.ts';
import { type TenantKey, TenantKeys } from './tenant-keys.ts';

export interface SecretStoreOptions {
  readonly rows: SecretRows;
  readonly rootKeys: RootKeys;
  readonly clock: () => number;
  readonly random: RandomBytes;
}

/** A secret whose head is open; its values are still sealed. */
export interface OpenedSecret {
  readonly revision: number;
  /** Of the tenant's keys, the one that the head is sealed under. */
  readonly keyId: string;
  readonly content: SecretContent;
  readonly values: readonly SealedValue[];
}

/** What is to become of a secret. Null: nothing has to change. */
export interface ChangePlan<T> {
  readonly answer: T;
  readonly change: {
    readonly content: SecretContent;
    readonly put?: readonly SealedValue[];
    readonly drop?: readonly number[];
  } | null;
}

const MAX_ATTEMPTS = 12;

/** Opens and changes secrets, one whole secret at a time: each change is made upon a revision, and on no other. */
export class SecretStore {
  readonly #options: SecretStoreOptions;
  readonly keys: TenantKeys;
  readonly #revisions = new Revisions();
  readonly #underWay = new Map<string, Promise<unknown>>();

  constructor(options: SecretStoreOptions) {
    this.#options = options;
    this.keys = new TenantKeys(options);
  }

  /** Throws SECRETS_SEALED, or PROVIDER_UNAVAILABLE for a store that fails. */
  async ask<T>(work: (rows: SecretRows) => Promise<T>): Promise<T> {
    if (this.#options.rootKeys.sealed) {
      this.keys.clear();
      throw sealedStore();
    }
    try {
      return await work(this.#options.rows);
    } catch (cause) {
      if (cause instanceof SecretError) throw cause;
      throw new SecretError('PROVIDER_UNAVAILABLE', 'expected the store of secrets to answer', { cause });
    }
  }

  /** Another replica may go on, or change the key, between two of our queries: what is really wrong stays wrong. */
  async twice<T>(place: SecretPlace, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof SecretError && error.code === 'PROVIDER_INCONSISTENT')) throw error;
      this.keys.forget(place.tenant);
      return work();
    }
  }

  async find(unchecked: SecretPlace, slots: SlotChoice): Promise<OpenedSecret | null> {
    const place = checkPlace(unchecked);
    return this.twice(place, () => this.#find(place, slots));
  }

  /** Throws SECRET_NOT_FOUND. */
  async open(place: SecretPlace, slots: SlotChoice): Promise<OpenedSecret> {
    const secret = await this.find(place, slots);
    if (secret !== null) return secret;
    throw new SecretError(
      'SECRET_NOT_FOUND',
      'expected a secret that is there; list the names of the tenant',
    );
  }

  /** `decide` may be called again, upon what another writer made of the secret. */
  change<T>(
    unchecked: SecretPlace,
    slots: SlotChoice,
    decide: (secret: OpenedSecret | null, key: TenantKey) => ChangePlan<T> | Promise<ChangePlan<T>>,
  ): Promise<T> {
    const place = checkPlace(unchecked);
    return this.#inTurn(place, async () => {
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
        const secret = await this.find(place, slots);
        const key = await this.ask(() => this.keys.newest(place.tenant));
        const plan = await decide(secret, key);
        if (plan.change === null || (await this.#apply(place, key, secret, plan.change))) return plan.answer;
        this.keys.forget(place.tenant);
        await this.#pause(attempt);
      }
      throw new SecretError(
        'SECRET_CONFLICT',
        `expected the secret to stay as it is while it is changed; ${MAX_ATTEMPTS} times another writer was faster`,
      );
    });
  }

  remove(unchecked: SecretPlace): Promise<void> {
    const place = checkPlace(unchecked);
    return this.#inTurn(place, async () => {
      await this.ask((rows) => rows.remove(place.tenant, place.name));
      this.#revisions.forget(place);
    });
  }

  async #find(place: SecretPlace, slots: SlotChoice): Promise<OpenedSecret | null> {
    const found = await this.ask((rows) => rows.read(place.tenant, place.name, slots));
    return found === null ? null : this.ask(() => this.#opened(place, found));
  }

  async #opened(place: SecretPlace, { head, values }: SealedSecret): Promise<OpenedSecret> {
    const key = await this.keys.byId(place.tenant, head.keyId);
    const content = openHead(place, key, head);
    this.#revisions.check(place, content.incarnation, head.revision);
    return { revision: head.revision, keyId: head.keyId, content, values };
  }

  async #apply(
    place: SecretPlace,
    key: TenantKey,
    secret: OpenedSecret | null,
    change: NonNullable<ChangePlan<unknown>['change']>,
  ): Promise<boolean> {
    const expectedRevision = secret?.revision ?? 0;
    const { content, put = [], drop = [] } = change;
    const head = sealHead(place, key, expectedRevision + 1, content, this.#options.random);
    const applied = await this.ask(async (rows) => {
      const made = { expectedRevision, head, put, drop };
      try {
        return (await rows.change(place.tenant, place.name, made)) === 'done';
      } catch (error) {
        // The answer may have been lost after the change was made. A head is sealed with a nonce of its own: it is ours or not.
        const now = await rows.read(place.tenant, place.name, 'none');
        if (now !== null && equalBytes(now.head.sealed, head.sealed)) return true;
        throw error;
      }
    });
    if (applied) this.#revisions.note(place, content.incarnation, head.revision);
    return applied;
  }

  /** Writers here take turns; those in other processes are told apart by the revision. */
  async #inTurn<T>(place: SecretPlace, work: () => Promise<T>): Promise<T> {
    const key = keyOf(place);
    const before = this.#underWay.get(key) ?? Promise.resolve();
    const mine = before.then(work, work);
    const settled = mine.then(
      () => undefined,
      () => undefined,
    );
    this.#underWay.set(key, settled);
    try {
      return await mine;
    } finally {
      if (this.#underWay.get(key) === settled) this.#underWay.delete(key);
    }
  }

  #pause(attempt: number): Promise<void> {
    const [byte = 0] = this.#options.random(1);
    return new Promise((resolve) => setTimeout(resolve, Math.min(50, 2 ** attempt) * (0.5 + byte / 255)));
  }
}

/** The value in a slot, if it came along. */
export function valueIn(secret: OpenedSecret, slot: number): SealedValue | undefined {
  return secret.values.find((value) => value.slot === slot);
}
