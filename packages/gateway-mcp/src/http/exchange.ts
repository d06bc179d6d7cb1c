import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Writable } from 'node:stream';
import type { UpstreamDefinition } from '../http-upstream/definition.ts';
import type { Decider, RelayEvents } from '../ports.ts';
import type { McpLimits } from './limits.ts';
import type { HostRules } from './request-checks.ts';

/** One HTTP request to `/mcp/<upstream>`, its caller verified, its body not read. */
export interface McpExchange<Caller> {
  readonly upstream: string;
  readonly caller: Caller;
  /**
   * Whose sessions these are. It must differ for callers whose rights differ: a session goes on under it with a
   * renewed token, and answers no other.
   */
  readonly callerKey: string;
  /** The Authorization header where it is meant for the upstream. */
  readonly authorization: string | undefined;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

export interface McpEndpoint<Caller> {
  /** Names that `/mcp/<name>` answers to, `all` included. */
  readonly upstreams: readonly string[];
  /** Resolves when the response has ended, streams included. Never rejects. */
  handle(exchange: McpExchange<Caller>): Promise<void>;
  sessions(): number;
  /** Ends every session, each with its outcomes recorded. */
  close(): Promise<void>;
}

export interface McpEndpointOptions<Caller> extends HostRules {
  readonly upstreams: ReadonlyMap<string, UpstreamDefinition>;
  /** Asked once a session; `current` gives the caller as last verified, whose token may have been renewed. */
  readonly deciderFor: (caller: Caller, current: () => Caller) => Decider;
  readonly events: RelayEvents;
  /** What each event of a caller's says of them. */
  readonly about: (caller: Caller) => Readonly<Record<string, string>>;
  readonly limits?: Partial<McpLimits>;
  readonly newRequestId: () => string;
  /** At least 128 bits of the operating system's randomness, in visible ASCII. */
  readonly newSessionId: () => string;
  /** The secret of a name, for token exchange. */
  readonly secret: (name: string) => Promise<string>;
  /** Milliseconds that only go up. */
  readonly now: () => number;
  readonly stderr?: Writable;
}
