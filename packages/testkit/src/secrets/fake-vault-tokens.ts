import { randomUUID } from 'node:crypto';
import { error, type Reply } from './fake-vault-kv.ts';
import { DEFAULT_POLICY, type Policy } from './fake-vault-policies.ts';

export interface FakeRole {
  readonly policy: Policy;
  /** Seconds; 86,400 is the runbook's `ttl=24h`. */
  readonly ttl: number;
  /** Seconds from the login on, which no renewal goes beyond. */
  readonly maxTtl?: number;
  readonly renewable?: boolean;
}

interface Token {
  readonly role: FakeRole;
  readonly issuedAt: number;
  until: number;
}

/** Tokens, and the methods by which they are had. */
export class FakeTokens {
  readonly #tokens = new Map<string, Token>();
  readonly #now: () => number;
  logins = 0;
  renewals = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  issue(role: FakeRole): string {
    const token = `hvs.${randomUUID().replaceAll('-', '')}`;
    const now = this.#now();
    this.#tokens.set(token, { role, issuedAt: now, until: now + role.ttl * 1_000 });
    return token;
  }

  revokeAll(): void {
    this.#tokens.clear();
  }

  /** Undefined: no token of ours, or one that has ended; Vault says 403 to both. */
  policiesOf(token: string): readonly Policy[] | undefined {
    const found = this.#live(token);
    return found && [DEFAULT_POLICY, found.role.policy];
  }

  logIn(role: FakeRole): Reply {
    this.logins += 1;
    const token = this.issue(role);
    return this.#auth(token, role, role.ttl);
  }

  renew(token: string): Reply {
    const found = this.#live(token);
    if (found === undefined) return error(403, 'permission denied');
    const { role, issuedAt } = found;
    if (role.renewable === false) return error(400, 'lease is not renewable');
    this.renewals += 1;
    const now = this.#now();
    const left = role.maxTtl === undefined ? role.ttl : (issuedAt - now) / 1_000 + role.maxTtl;
    const ttl = Math.max(0, Math.floor(Math.min(role.ttl, left)));
    found.until = now + ttl * 1_000;
    return this.#auth(token, role, ttl);
  }

  lookUp(token: string): Reply {
    const found = this.#live(token);
    if (found === undefined) return error(403, 'permission denied');
    const ttl = Math.floor((found.until - this.#now()) / 1_000);
    return {
      status: 200,
      body: { data: { ttl, renewable: found.role.renewable ?? true, policies: ['default'] } },
    };
  }

  #auth(token: string, role: FakeRole, ttl: number): Reply {
    return {
      status: 200,
      body: {
        request_id: randomUUID(),
        data: null,
        auth: {
          client_token: token,
          accessor: randomUUID(),
          policies: ['default'],
          lease_duration: ttl,
          renewable: role.renewable ?? true,
        },
      },
    };
  }

  #live(token: string): Token | undefined {
    const found = this.#tokens.get(token);
    return found !== undefined && this.#now() < found.until ? found : undefined;
  }
}
