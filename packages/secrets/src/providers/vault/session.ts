import { readFile } from 'node:fs/promises';
import { SecretError } from '../../errors.ts';
import { loginAnswer, lookupAnswer, parseAnswer } from './answers.ts';
import type { VaultLogin } from './options.ts';

const POD_TOKEN = '/var/run/secrets/kubernetes.io/serviceaccount/token';
const CREDENTIAL = /^[\x21-\x7e]{1,16384}$/;
/** Below it a token that was refused is taken as new: nothing that is asked in a loop makes us log in in a loop. */
const NEW_FOR_MS = 2_000;
const SOONEST_MS = 1_000;
const LONGEST_TIMER_MS = 2 ** 31 - 1;
/** Health tells of a token that has less time than this and cannot be renewed. */
const ENDING_MS = 3_600_000;
const READ_AGAIN_MS = 60_000;

export interface LoginAnswer {
  readonly status: number;
  readonly body: string;
}

/** Sends without a token, or with the one given, and tries again where that is safe. */
export type LoginCall = (
  method: 'GET' | 'POST',
  path: string,
  token: string | undefined,
  body?: Readonly<Record<string, unknown>>,
) => Promise<LoginAnswer>;

interface Held {
  readonly token: string;
  /** ms since 1970, by our clock. */
  readonly since: number;
  readonly until: number;
  readonly renewAt: number;
  readonly renewable: boolean;
  /** The time to live that the login gave: renewals that give much less say that the end is near. */
  readonly firstTtlMs: number;
}

/** The token that we have, kept alive. However many wait for one, there is one login at a time. */
export class VaultSession {
  readonly #login: VaultLogin;
  readonly #call: LoginCall;
  readonly #clock: () => number;
  #held: Held | undefined;
  #attempt: Promise<Held> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #problem: string | undefined;
  #closed = false;

  constructor(login: VaultLogin, call: LoginCall, clock: () => number) {
    this.#login = login;
    this.#call = call;
    this.#clock = clock;
  }

  /** Throws PROVIDER_FORBIDDEN where the login is refused, PROVIDER_UNAVAILABLE where it cannot be tried. */
  async token(): Promise<string> {
    const held = this.#held;
    const now = this.#clock();
    if (held !== undefined && now < held.renewAt) return held.token;
    try {
      return (await this.#refresh()).token;
    } catch (error) {
      // Not renewed, and still good: what is asked needs no renewal.
      if (held !== undefined && this.#clock() < held.until) return held.token;
      throw error;
    }
  }

  /** The token was refused. Whether there is another one to try with. */
  async replace(refused: string): Promise<boolean> {
    const held = this.#held;
    if (held === undefined || held.token !== refused) return true;
    if (this.#clock() - held.since < NEW_FOR_MS) return false;
    const { status } = await this.#call('GET', 'auth/token/lookup-self', refused);
    // It is a token of Vault's: what was refused is what was asked.
    if (status === 200) return false;
    if (this.#held === held) this.#held = undefined;
    return (await this.#refresh()).token !== refused;
  }

  problem(): string | undefined {
    const held = this.#held;
    if (held !== undefined && !held.renewable && this.#login.kind === 'token') {
      const left = held.until - this.#clock();
      if (left < ENDING_MS)
        return "vault's token is about to end and cannot be renewed; put another into its file";
    }
    return this.#problem;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#held = undefined;
  }

  #refresh(): Promise<Held> {
    this.#attempt ??= this.#next()
      .then(
        (held) => {
          this.#problem = undefined;
          this.#held = held;
          this.#schedule(held.renewAt - this.#clock());
          return held;
        },
        (error: unknown) => {
          this.#problem =
            error instanceof SecretError
              ? error.message
              : 'no token of vault could be had for an unknown reason';
          const held = this.#held;
          if (held !== undefined) this.#schedule((held.until - this.#clock()) / 3);
          throw error;
        },
      )
      .finally(() => {
        this.#attempt = undefined;
      });
    return this.#attempt;
  }

  async #next(): Promise<Held> {
    const held = this.#held;
    if (held?.renewable && this.#clock() < held.until) {
      const renewed = await this.#renew(held);
      if (renewed !== undefined) return renewed;
    }
    return this.#logIn();
  }

  /** Undefined: it is not to be renewed, or close to the end that no renewal moves. */
  async #renew(held: Held): Promise<Held | undefined> {
    const asked = this.#clock();
    const { status, body } = await this.#call('POST', 'auth/token/renew-self', held.token, {});
    if (status !== 200) return undefined;
    const { auth } = parseAnswer(loginAnswer, body, 'a renewal');
    if (auth.client_token !== held.token) return undefined;
    const ttlMs = auth.lease_duration * 1_000;
    const nearEnd = ttlMs < held.firstTtlMs / 2;
    if (nearEnd && this.#login.kind !== 'token') return undefined;
    return {
      ...held,
      ...spanOf(asked, ttlMs),
      renewable: auth.renewable && !nearEnd,
    };
  }

  async #logIn(): Promise<Held> {
    const login = this.#login;
    const asked = this.#clock();
    if (login.kind === 'token') {
      const token = await credential(login.tokenFile, "vault's token");
      const { status, body } = await this.#call('GET', 'auth/token/lookup-self', token);
      // Tokens without the policy `default` may not look themselves up: what they may do shows when they are used.
      if (status === 403) return { ...forEver(token, asked), renewAt: asked + READ_AGAIN_MS };
      if (status !== 200) throw loginRefused(status, 'auth/token/lookup-self');
      const { data } = parseAnswer(lookupAnswer, body, 'a look at our own token');
      const ttlMs = data.ttl * 1_000;
      return {
        token,
        since: asked,
        ...spanOf(asked, ttlMs),
        renewable: data.renewable ?? false,
        firstTtlMs: ttlMs,
      };
    }
    const path = `auth/${login.mount ?? login.kind}/login`;
    const { status, body } = await this.#call('POST', path, undefined, await this.#credentials());
    if (status !== 200) throw loginRefused(status, path);
    const { auth } = parseAnswer(loginAnswer, body, 'a login');
    const ttlMs = auth.lease_duration * 1_000;
    return {
      token: auth.client_token,
      since: asked,
      ...spanOf(asked, ttlMs),
      renewable: auth.renewable,
      firstTtlMs: ttlMs,
    };
  }

  async #credentials(): Promise<Readonly<Record<string, string>>> {
    const login = this.#login;
    if (login.kind === 'kubernetes')
      return { role: login.role, jwt: await credential(login.tokenFile ?? POD_TOKEN, "the pod's token") };
    if (login.kind === 'approle')
      return {
        role_id: login.roleId,
        ...(login.secretIdFile !== undefined && {
          secret_id: await credential(login.secretIdFile, 'the secret id'),
        }),
      };
    return {};
  }

  /** Also while nobody asks: a token that is not renewed in time cannot be. */
  #schedule(inMs: number): void {
    clearTimeout(this.#timer);
    if (this.#closed || !Number.isFinite(inMs)) return;
    this.#timer = setTimeout(
      () => void this.token().catch(() => undefined),
      Math.min(Math.max(inMs, SOONEST_MS), LONGEST_TIMER_MS),
    ).unref();
  }
}

function forEver(token: string, since: number): Held {
  return { token, since, ...spanOf(since, 0), renewable: false, firstTtlMs: 0 };
}

/** A time to live of 0 is for ever: a root token. Renewed when two thirds have passed. */
function spanOf(asked: number, ttlMs: number): Pick<Held, 'until' | 'renewAt'> {
  if (ttlMs === 0) return { until: Number.POSITIVE_INFINITY, renewAt: Number.POSITIVE_INFINITY };
  return { until: asked + ttlMs, renewAt: asked + Math.floor((ttlMs * 2) / 3) };
}

/** Throws PROVIDER_UNAVAILABLE; a text with line breaks would be another header. */
async function credential(path: string, what: string): Promise<string> {
  let text: string;
  try {
    text = (await readFile(path, 'utf8')).trim();
  } catch {
    throw new SecretError(
      'PROVIDER_UNAVAILABLE',
      `expected ${what} in the file \`${path}\`, which cannot be read`,
    );
  }
  if (CREDENTIAL.test(text)) return text;
  throw new SecretError(
    'PROVIDER_UNAVAILABLE',
    `expected the file \`${path}\` to hold ${what} and nothing else`,
  );
}

function loginRefused(status: number, path: string): SecretError {
  return new SecretError(
    'PROVIDER_FORBIDDEN',
    `expected vault to let us in at \`${path}\`, got status \`${status}\`; see that the method is enabled there, the role is ` +
      'bound to this account, and the credentials are still good',
  );
}
