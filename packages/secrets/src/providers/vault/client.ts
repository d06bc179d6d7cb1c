import { SecretError } from '../../errors.ts';
import { inconsistent, jsonOf } from './answers.ts';
import { type Answer, createExchange, type Exchange, NoAnswer } from './exchange.ts';
import type { VaultSettings } from './options.ts';
import { VaultSession } from './session.ts';

const MOST_BYTES = 1_048_576;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2_000;
/** Too many requests; not yet up to date with what we wrote (Enterprise); in maintenance: it was not done. */
const NOT_DONE: readonly number[] = [412, 429, 503];
/** Done, or not. */
const IN_DOUBT: readonly number[] = [500, 502, 504];

export type Capability = 'create' | 'read' | 'update' | 'delete' | 'list';

export interface VaultRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Below `/v1/`, segments percent-encoded. */
  readonly path: string;
  readonly query?: string;
  readonly body?: Readonly<Record<string, unknown>>;
  /** What a policy has to grant for it; in messages. */
  readonly capability: Capability;
  /** `once`: where it is in doubt whether it was done, the caller finds out. */
  readonly repeat: 'safe' | 'once';
  readonly maxBytes?: number;
}

/** It is not known whether it was done. */
export class InDoubt extends SecretError {
  constructor(path: string, reason: string) {
    super(
      'PROVIDER_UNAVAILABLE',
      `expected an answer of vault about \`${path}\`, got none (${reason}); it may have been done or not, and can be repeated; ` +
        'see that vault is up and can be reached',
    );
  }
}

/** Requests to Vault: with token and namespace, repeated where that is safe, in errors of ours. */
export class VaultClient {
  readonly #settings: VaultSettings;
  readonly #exchange: Exchange;
  readonly #session: VaultSession;
  /** Of our newest write (Enterprise): standbys that have not got it say so instead of answering from before it. */
  #index: string | undefined;

  constructor(settings: VaultSettings) {
    this.#settings = settings;
    this.#exchange = createExchange(settings.base.protocol === 'https:', settings.certificateAuthority);
    this.#session = new VaultSession(
      settings.login,
      (method, path, token, body) =>
        this.#repeated({ method, path, ...(body && { body }), capability: 'update', repeat: 'once' }, token),
      settings.clock,
    );
  }

  /** Answers 200, 204, 400, 404 and 405; all else is an error. */
  async send(request: VaultRequest): Promise<Answer> {
    const token = await this.#session.token();
    const answer = await this.#repeated(request, token);
    if (answer.status !== 403) return answer;
    if (await this.#session.replace(token)) {
      const again = await this.#repeated(request, await this.#session.token());
      if (again.status !== 403) return again;
    }
    throw new SecretError(
      'PROVIDER_FORBIDDEN',
      `expected vault's policy to grant \`${request.capability}\` on \`${decodeURIComponent(request.path)}\`, which it does not; ` +
        'add it to the policy of our role, or do without what was asked',
    );
  }

  /** Empty when all is well. Asks without a token, as load balancers do. */
  async health(): Promise<readonly string[]> {
    const problems: string[] = [];
    try {
      const { status } = await this.#once(
        {
          method: 'GET',
          path: 'sys/health',
          query: 'standbyok=true&perfstandbyok=true',
          capability: 'read',
          repeat: 'safe',
        },
        undefined,
        // Of the cluster, not of a namespace.
        '',
      );
      if (status === 503) problems.push('vault is sealed');
      else if (status === 501) problems.push('vault is not initialised');
      else if (status === 472) problems.push('vault is a disaster recovery standby and serves nobody');
      else if (status !== 200 && status !== 429 && status !== 473)
        problems.push(`vault answers its health with status \`${status}\``);
      if (problems.length === 0) await this.#session.token();
    } catch (error) {
      problems.push(
        error instanceof NoAnswer
          ? `vault cannot be reached (${error.reason})`
          : error instanceof SecretError
            ? error.message
            : 'vault cannot be asked',
      );
    }
    const problem = this.#session.problem();
    if (problem !== undefined && !problems.includes(problem)) problems.push(problem);
    return problems;
  }

  close(): void {
    this.#session.close();
    this.#exchange.close();
  }

  async #repeated(request: VaultRequest, token: string | undefined): Promise<Answer> {
    const { attempts } = this.#settings;
    for (let attempt = 1; ; attempt++) {
      const outcome = await this.#tried(request, token);
      if ('status' in outcome) return outcome;
      const { error, repeatable, afterMs } = outcome;
      if (!repeatable || attempt >= attempts) throw error;
      await this.#pause(attempt, afterMs);
    }
  }

  async #tried(
    request: VaultRequest,
    token: string | undefined,
  ): Promise<
    Answer | { readonly error: SecretError; readonly repeatable: boolean; readonly afterMs: number }
  > {
    const path = decodeURIComponent(request.path);
    const safe = request.repeat === 'safe';
    let answer: Answer;
    try {
      answer = await this.#once(request, token, this.#settings.namespace);
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      return { error: new InDoubt(path, error.reason), repeatable: safe, afterMs: 0 };
    }
    const { status, body, headers } = answer;
    if (status === 503 && isSealed(body))
      return {
        error: new SecretError(
          'SECRETS_SEALED',
          'expected vault to be unsealed, got status `503`; unseal it',
        ),
        repeatable: false,
        afterMs: 0,
      };
    if (NOT_DONE.includes(status)) {
      const error = new SecretError(
        'PROVIDER_UNAVAILABLE',
        `expected vault to serve \`${path}\`, got status \`${status}\` again and again; nothing was done; ` +
          (status === 429 ? 'raise its quota or ask less often' : 'see that its active node is up'),
      );
      return { error, repeatable: true, afterMs: retryAfterMs(headers['retry-after']) };
    }
    if (IN_DOUBT.includes(status))
      return { error: new InDoubt(path, `status \`${status}\``), repeatable: safe, afterMs: 0 };
    if (status >= 300 && status < 400)
      throw new SecretError(
        'PROVIDER_UNAVAILABLE',
        `expected vault to answer \`${path}\` itself, got a redirect; a token is not sent after it: let VAULT_ADDR lead to the ` +
          'active node, or let standbys forward',
      );
    if (![200, 204, 400, 403, 404, 405].includes(status))
      throw inconsistent(
        `expected vault to answer \`${path}\`, got status \`${status}\`; see that VAULT_ADDR leads to vault`,
      );
    return answer;
  }

  async #once(request: VaultRequest, token: string | undefined, namespace: string): Promise<Answer> {
    const { base, timeoutMs } = this.#settings;
    const { method, path, query, body, maxBytes = MOST_BYTES } = request;
    const url = new URL(`v1/${path}${query === undefined ? '' : `?${query}`}`, base);
    const answer = await this.#exchange.send({
      method,
      url,
      headers: {
        'x-vault-request': 'true',
        ...(token !== undefined && { 'x-vault-token': token }),
        ...(namespace !== '' && { 'x-vault-namespace': namespace }),
        ...(this.#index !== undefined && { 'x-vault-index': this.#index }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      timeoutMs,
      maxBytes,
    });
    const index = answer.headers['x-vault-index'];
    if (method !== 'GET' && typeof index === 'string' && /^[\x21-\x7e]{1,1024}$/.test(index))
      this.#index = index;
    return answer;
  }

  async #pause(attempt: number, afterMs: number): Promise<void> {
    const most = FIRST_PAUSE_MS * 2 ** attempt;
    const [jitter = 0] = this.#settings.randomBytes(1);
    const ms = Math.min(Math.max(afterMs, (most * (1 + jitter / 255)) / 2), LONGEST_PAUSE_MS);
    await new Promise((resolve) => setTimeout(resolve, ms));
  }
}

function isSealed(body: string): boolean {
  const errors = (jsonOf(body) as { errors?: unknown } | null | undefined)?.errors;
  return Array.isArray(errors) && errors.some((text) => typeof text === 'string' && text.includes('sealed'));
}

function retryAfterMs(header: string | undefined): number {
  return header !== undefined && /^[0-9]{1,4}$/.test(header) ? Number(header) * 1_000 : 0;
}
