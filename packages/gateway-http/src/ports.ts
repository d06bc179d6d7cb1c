import type { AuthorizeRequest } from '@provability-fabric/enforcement';
import type { JsonObject } from '@provability-fabric/kernel';
import type { AuthenticationCode } from './errors.ts';

type Principal = AuthorizeRequest['principal'];
type Capability = AuthorizeRequest['capability'];

/** Whom a token speaks for. */
export interface Identity {
  readonly principal: Principal;
  readonly capability: Capability;
  /** The token's `sid`; null: the fabric keeps one session per principal. */
  readonly session: string | null;
  readonly epoch: number;
  /** The token of a host: it may speak for the user, and name the sessions of its agents. */
  readonly host: boolean;
}

/** Who is at the other end of a connection, as far as the connection itself proves it. */
export interface Peer {
  /** The client's address, an IPv6 one as its /64. */
  readonly address: string;
  /** What a trusted authority vouches for; null without TLS, or where the client showed no certificate. */
  readonly certificate: ClientCertificate | null;
}

export interface ClientCertificate {
  /** The subject's attributes in the order of the certificate: `CN=agent-1, O=acme`. */
  readonly subject: string;
  /** SHA-256 of the certificate, lower-case hex. */
  readonly fingerprint: string;
}

export interface AuthenticationFailure {
  readonly ok: false;
  readonly code: AuthenticationCode;
  /** No token at all, or one that does not hold. */
  readonly tag: 'UNAUTHORIZED' | 'AUTH_FAILED';
  /** Shown to the client: never the token or a part of it. */
  readonly reason: string;
}

/** Whether a token still holds cannot be told right now: nobody is let in, and everybody may come back. */
export interface AuthenticationOutage {
  readonly ok: false;
  readonly code: 'AUTHORITY_STALE';
  readonly reason: string;
}

export type TokenCheck = ({ readonly ok: true } & Identity) | AuthenticationFailure | AuthenticationOutage;

/**
 * Checks the value of an Authorization header, which an attacker chose freely; undefined where there was
 * none. Rejects only when it cannot check at all, and then nobody is let in.
 */
export interface TokenVerifier {
  verify(authorization: string | undefined, peer: Peer): Promise<TokenCheck>;
}

export interface HealthProblem {
  readonly component: string;
  /** For operators; shown without authentication, so no path, address or secret. */
  readonly problem: string;
}

/** How the process is. Anyone may ask, often: answer from what is known already. */
export interface Health {
  /** Whole or fractional seconds since the start. */
  uptime(): number;
  /** What does not work; empty when all is well. */
  problems(): Promise<readonly HealthProblem[]>;
  /** Whether requests should be sent here yet. */
  ready(): boolean;
  /** What a component adds to /readyz, and whether it holds requests back although it runs; absent: nothing. */
  readiness?(): { readonly ready: boolean; readonly members: JsonObject };
}

/** One line for the log: names, numbers and codes, never a token, argument, result or text of a client. */
export interface GatewayEvent {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly event:
    | 'request_served'
    | 'request_refused'
    | 'request_failed'
    | 'connection_refused'
    | 'stream_ended'
    | 'tokens_revoked'
    | 'epoch_raised'
    | 'bundle_activated'
    | 'bundle_refused'
    | 'secret_rotation_asked'
    | 'secret_rolled_back'
    | 'change_applied'
    | 'change_rolled_back'
    | 'governor_killed'
    | 'governor_revived';
  readonly tags: readonly string[];
  readonly latency_ms: number;
  readonly details: Readonly<Record<string, string | number>>;
}

export type Log = (event: GatewayEvent) => void;
