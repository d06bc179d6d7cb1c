import type { Identity, Peer, TokenCheck, TokenVerifier } from '../ports.ts';

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

function withRole(role: string, tenant = 'acme'): Identity {
  const principal = { ...AGENT.principal, id: `${role}-1`, roles: [role], org: tenant, tenant };
  return { ...AGENT, principal, session: null };
}

/** Tokens by name; nothing is signed here. */
export const TOKENS: Readonly<Record<string, Identity>> = {
  'agent-token': AGENT,
  'wandering-token': { ...AGENT, session: null },
  'host-token': HOST,
  'host-of-s1-token': { ...HOST, session: 's1' },
  'approver-token': withRole('approver'),
  'globex-approver-token': withRole('approver', 'globex'),
  'approver-in-s1-token': { ...withRole('approver'), session: 's1' },
  'approving-host-token': { ...withRole('approver'), host: true },
  'auditor-token': withRole('auditor'),
  'operator-token': withRole('operator'),
  'globex-auditor-token': withRole('auditor', 'globex'),
  'globex-operator-token': withRole('operator', 'globex'),
  'platform-auditor-token': withRole('platform-auditor', 'ops'),
  'platform-operator-token': withRole('platform-operator', 'ops'),
};

export class FakeTokens implements TokenVerifier {
  readonly seen: (string | undefined)[] = [];
  readonly peers: Peer[] = [];
  readonly revoked = new Set<string>();
  fault: Error | undefined;
  stale = false;

  async verify(authorization: string | undefined, peer: Peer): Promise<TokenCheck> {
    this.seen.push(authorization);
    this.peers.push(peer);
    if (this.fault !== undefined) throw this.fault;
    const no = { ok: false, tag: 'AUTH_FAILED' } as const;
    if (authorization === undefined) {
      const reason = 'expected a bearer token, came none';
      return { ok: false, tag: 'UNAUTHORIZED', code: 'UNAUTHENTICATED', reason };
    }
    const token = /^Bearer (.+)$/.exec(authorization)?.[1] ?? '';
    if (this.stale) return { ok: false, code: 'AUTHORITY_STALE', reason: 'revocations are not known' };
    if (this.revoked.has(token)) return { ...no, code: 'CAP_REVOKED', reason: 'the token was revoked' };
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
