import { createHmac, randomBytes } from 'node:crypto';
import { type JsonValue, stringifyJson } from '@provability-fabric/kernel';
import { RequestError } from '../errors.ts';
import type { Answer } from '../respond.ts';
import type { Call } from '../route.ts';

interface Remembered {
  readonly digest: string;
  readonly answer: Promise<Answer>;
  /** ms, monotonic. */
  readonly at: number;
}

const KEY = /^[A-Za-z0-9._:-]{1,128}$/;
const MAX_REMEMBERED = 10_000;
/** Of one tenant: whoever fills it pushes out its own, and no repeat of another's is done twice. */
const MAX_OF_TENANT = 500;
const REMEMBER_MS = 24 * 3_600_000;

/**
 * The first answers to requests with an Idempotency-Key, in this process: a repeat gets the same and changes nothing.
 * None of them holds a value. Requests that failed are forgotten, so that they can be tried again.
 */
export class FirstAnswers {
  readonly #remembered = new Map<string, Remembered>();
  /** Keys in the order they came, by tenant. */
  readonly #ofTenants = new Map<string, Set<string>>();
  /** A digest under a key that nobody has: a body may hold a value that could be guessed. */
  readonly #key = randomBytes(32);
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** `what` is the route and everything of the path that tells requests apart. */
  async once(call: Call, what: readonly string[], work: () => Promise<Answer>): Promise<Answer> {
    const { identity, body } = call;
    const key = call.header('idempotency-key');
    if (key === undefined) return work();
    if (!KEY.test(key)) {
      const detail =
        'expected one `Idempotency-Key` of 1 to 128 characters out of A-Z a-z 0-9 . _ : -, came another';
      throw new RequestError('REQUEST_MALFORMED', detail);
    }
    const { tenant, id } = identity.principal;
    const where = JSON.stringify([tenant, id, key]);
    const digest = this.#digest([...what, call.query, body ?? null]);
    const first = this.#remembered.get(where);
    if (first !== undefined && this.#now() - first.at < REMEMBER_MS) {
      if (first.digest === digest) return first.answer;
      const detail = 'expected the request that this `Idempotency-Key` was first used with, came another';
      throw new RequestError('REQUEST_CONFLICT', detail);
    }
    const answer = work();
    this.#forget(tenant, where);
    this.#remembered.set(where, { digest, answer, at: this.#now() });
    this.#makeRoom(tenant, where);
    try {
      return await answer;
    } catch (error) {
      if (this.#remembered.get(where)?.answer === answer) this.#forget(tenant, where);
      throw error;
    }
  }

  #forget(tenant: string, where: string): void {
    this.#remembered.delete(where);
    const own = this.#ofTenants.get(tenant);
    own?.delete(where);
    if (own?.size === 0) this.#ofTenants.delete(tenant);
  }

  #makeRoom(tenant: string, where: string): void {
    const own = this.#ofTenants.get(tenant) ?? new Set();
    this.#ofTenants.set(tenant, own.add(where));
    const [oldest] = own;
    if (own.size > MAX_OF_TENANT && oldest !== undefined) this.#forget(tenant, oldest);
    if (this.#remembered.size <= MAX_REMEMBERED) return;
    // Of whoever has most.
    let [most, size] = [tenant, 0];
    for (const [one, keys] of this.#ofTenants) if (keys.size > size) [most, size] = [one, keys.size];
    const [first] = this.#ofTenants.get(most) ?? [];
    if (first !== undefined) this.#forget(most, first);
  }

  #digest(parts: readonly JsonValue[]): string {
    return createHmac('sha256', this.#key)
      .update(stringifyJson([...parts]))
      .digest('base64');
  }
}
