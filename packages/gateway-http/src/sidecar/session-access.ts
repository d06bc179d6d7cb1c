import { RequestError } from '../errors.ts';
import type { Identity } from '../ports.ts';
import type { EnforcerPort } from './ports.ts';

// What a token may say about sessions. An agent that could choose its session could start afresh to forget
// what it has read, or answer for somebody else: the host's `sid` claim decides, or the fabric itself
// (CONTRACTS §1).

/** The session to decide in: null where the fabric keeps one per principal. */
export function sessionToActIn(identity: Identity, asked: string | undefined): string | null {
  if (identity.principal.roles.includes('approver') && !identity.host && identity.session === null)
    throw new RequestError(
      'FORBIDDEN',
      'expected a token without the role `approver`: one that decides about actions asks for none',
    );
  if (asked === undefined || asked === identity.session) return identity.session;
  if (identity.session === null && identity.host) return asked;
  const mend =
    identity.session === null
      ? 'this token names none: leave `session` out, or have the host issue a token with `sid`'
      : 'expected the `sid` of this token';
  throw new RequestError('FORBIDDEN', `the session of a request is its token's; ${mend}`);
}

const TOOL_RUNNER = 'tool-runner';

/**
 * Where a bundle hides anything or has secrets used, whoever asks over HTTP is given the values: that is the program that
 * runs the tools. The token of an agent behind `/mcp` must not open this door as well.
 */
export function requireToolRunner(
  enforcer: Pick<EnforcerPort, 'hiding' | 'usesSecrets'>,
  { principal }: Identity,
): void {
  if (principal.roles.includes(TOOL_RUNNER)) return;
  if (enforcer.hiding(principal) === undefined && !enforcer.usesSecrets) return;
  throw new RequestError(
    'FORBIDDEN',
    `expected a token with the role \`${TOOL_RUNNER}\`: under this bundle whoever asks here gets what handles and references to secrets stand for; an agent asks over \`/mcp\``,
  );
}

/** Refuses outcomes for a session that is not the token's own; without a `sid`, whose it is the enforcer knows. */
export function requireOwnSession(identity: Identity, session: string): void {
  if (identity.session === null || session === identity.session) return;
  throw new RequestError(
    'FORBIDDEN',
    'expected `session` to be the one that this token acted in, came another',
  );
}

/** Only the host speaks for the user, and only in the session its token names, if it names one. */
export function requireHost(identity: Identity, session: string): void {
  if (!identity.host) {
    const mend = 'the trusted prompt comes from the host, not from the agent';
    throw new RequestError('FORBIDDEN', `expected a token with the role \`host\`; ${mend}`);
  }
  if (identity.session !== null && identity.session !== session) {
    throw new RequestError(
      'FORBIDDEN',
      'expected the session of the path to be the `sid` of this token, came another',
    );
  }
}
