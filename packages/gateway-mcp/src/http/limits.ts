import type { RelayLimits } from '../relay.ts';

/** What a client, a caller or all of them together can take up. */
export interface McpLimits extends RelayLimits {
  /** MCP sessions in all, and of one caller; 1,000 and 100. A caller at its limit loses its longest idle one. */
  readonly maxSessions: number;
  readonly maxSessionsPerCaller: number;
  /** Servers over stdio that run at once, one for each session with one; 100. */
  readonly maxProcesses: number;
  /** A session with no open stream and no request for so long is ended; 10 min. */
  readonly sessionIdleMs: number;
  /** From the first byte of a request's body to its last; 10 s. */
  readonly bodyTimeoutMs: number;
  /** Bodies not yet answered and events kept for resumption, of all sessions together; 256 MiB. */
  readonly maxBufferedBytes: number;
  /** Events kept for resumption, per session; 1 MiB and 256. */
  readonly maxReplayBytes: number;
  readonly maxReplayEvents: number;
  /** How long what was sent is kept, should the client come back for it; 60 s. */
  readonly replayMs: number;
  /** What a client may leave unread before its server is not read either; 1 MiB per session. */
  readonly maxUnsentBytes: number;
  /** A client that leaves that much unread for so long loses its streams; 30 s. */
  readonly slowClientMs: number;
  /** Between comments on a silent stream, which show that the other side is there; 15 s. */
  readonly keepAliveMs: number;
}

export const DEFAULT_MCP_LIMITS: Omit<McpLimits, keyof RelayLimits> = {
  maxSessions: 1_000,
  maxSessionsPerCaller: 100,
  maxProcesses: 100,
  sessionIdleMs: 10 * 60_000,
  bodyTimeoutMs: 10_000,
  maxBufferedBytes: 256 * 1024 * 1024,
  maxReplayBytes: 1024 * 1024,
  maxReplayEvents: 256,
  replayMs: 60_000,
  maxUnsentBytes: 1024 * 1024,
  slowClientMs: 30_000,
  keepAliveMs: 15_000,
};
