import type { Identity, TokenCheck, TokenVerifier } from '../ports.ts';

const AGENT: Identity = {
  principal: { id: 'agent-1', roles: ['assistant'], org: 'acme', tenant: 'acme', attributes: {} },
  capability: { id: 'jti-1', caps: ['*'], expires: 4_000_000_000_000 },
  session: 's1',
  epoch: 3,
  host: false,
};
const HOST: Identity = {
  ...AGENT,
  principal: { ...AGENT.principal, id: 'host-1', roles: ['host'] },
  session: null,
  host: true,
};

/** Tokens by name; nothing is signed here. */
export const TOKENS: Readonly<Record<string, Identity>> = {
  'agent-token': AGENT,
  'wandering-token': { ...AGENT, session: null },
  'host-token': HOST,
  'host-of-s1-token': { ...HOST, session: 's1' },
};

export class FakeTokens implements TokenVerifier {
  readonly seen: (string | undefined)[] = [];
  fault: Error | undefined;

  async verify(authorization: string | undefined): Promise<TokenCheck> {
    this.seen.push(authorization);
    if (this.fault !== undefined) throw this.fault;
    const no = { ok: false, tag: 'AUTH_FAILED' } as const;
    if (authorization === undefined) {
      const reason = 'expected a bearer token, came none';
      return { ok: false, tag: 'UNAUTHORIZED', code: 'UNAUTHENTICATED', reason };
    }
    const token = /^Bearer (.+)$/.exec(authorization)?.[1] ?? '';
    if (token === 'old-token') return { ...no, code: 'CAP_EXPIRED', reason: 'the token has expired' };
    if (token.startsWith('none-')) {
      return { ...no, code: 'UNAUTHENTICATED', reason: 'expected a token signed with `EdDSA`, came `none`' };
    }
    const identity = Object.hasOwn(TOKENS, token) ? TOKENS[token] : undefined;
    if (identity === undefined)
      return { ...no, code: 'UNAUTHENTICATED', reason: 'expected a token of this issuer' };
    return { ok: true, ...identity };
  }
}
