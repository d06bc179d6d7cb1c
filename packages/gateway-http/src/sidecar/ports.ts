import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Approvals, Enforcer } from '@provability-fabric/enforcement';
import type { Identity } from '../ports.ts';

/** The use cases behind the routes. */
export type EnforcerPort = Pick<Enforcer, 'authorize' | 'settle' | 'prompt' | 'hiding' | 'usesSecrets'>;

/** Actions that wait for somebody to decide about them. */
export type ApprovalsPort = Pick<Approvals, 'list' | 'show' | 'decide'>;

/** What a fabric that does not own a session sends to the one that does. */
export interface ForwardedRequest {
  readonly path: string;
  /** The caller's own token: the owner checks it anew. */
  readonly authorization: string;
  readonly requestId: string;
  readonly body: Uint8Array;
}

export interface ForwardedAnswer {
  readonly status: number;
  readonly type: 'application/json' | 'application/problem+json';
  readonly retryAfter: string | undefined;
  readonly body: Uint8Array;
}

/**
 * Sends a request to another fabric, once, marked as forwarded. The address is one that the lease of the session
 * names, never one out of a request. Rejects when no whole answer came; whether the owner decided is unknown then.
 */
export interface Forwarder {
  forward(address: string, request: ForwardedRequest): Promise<ForwardedAnswer>;
}

/** The MCP endpoint behind `/mcp/:upstream`; it reads, bounds and answers by itself. */
export interface McpMount {
  readonly upstreams: readonly string[];
  handle(exchange: {
    readonly upstream: string;
    readonly identity: Identity;
    /** For the upstream, where the caller's own token came in a header of its own. */
    readonly authorization: string | undefined;
    readonly request: IncomingMessage;
    readonly response: ServerResponse;
  }): Promise<void>;
}

/** What AuthZEN's routes need. */
export interface AuthzenOptions {
  readonly enforcer: EnforcerPort;
  /** Absent: this fabric owns every session that it serves. */
  readonly forwarder?: Forwarder;
  /** An id that no request has had: AuthZEN's requests name none. */
  newRequestId(): string;
  /** Where others reach this listener (`https://host:port`); absent: no metadata, since they name it. */
  readonly publicUrl?: string;
}
