/** Every bound of the listener. Times are in ms. */
export interface Limits {
  readonly bodyBytes: number;
  /** Of all request headers together. */
  readonly headerBytes: number;
  /** From the first byte of a connection or request to the end of its headers. */
  readonly headersTimeoutMs: number;
  /** To the end of the body: what ends a client that sends one byte a second. */
  readonly requestTimeoutMs: number;
  /** From a complete request to its answer. */
  readonly handlerTimeoutMs: number;
  /** How long an idle connection is kept for the next request. */
  readonly keepAliveTimeoutMs: number;
  readonly requestsPerConnection: number;
  readonly maxConnections: number;
  /** Requests with a body that are being worked on, and the bytes of their bodies. */
  readonly maxInFlight: number;
  readonly maxInFlightBytes: number;
  /** How much of both one tenant may have: below 1, others get in beside its crowd. */
  readonly tenantShare: number;
  /** Exchanges of MCP at one time, streams that stay open included. */
  readonly maxStreams: number;
  /** How often the token of an open stream is looked at again. */
  readonly streamCheckMs: number;
  /** Per client address. */
  readonly requestsPerSecond: number;
  readonly burst: number;
  /** Client addresses remembered by the rate limiter. */
  readonly maxClients: number;
  /** Of one part of the path, after decoding. */
  readonly pathParameterLength: number;
  /** How long `close` waits for requests in flight. */
  readonly shutdownMs: number;
}

export const DEFAULT_LIMITS: Limits = {
  bodyBytes: 4 * 1024 * 1024,
  headerBytes: 16 * 1024,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  handlerTimeoutMs: 30_000,
  keepAliveTimeoutMs: 10_000,
  requestsPerConnection: 10_000,
  maxConnections: 1024,
  maxInFlight: 256,
  maxInFlightBytes: 64 * 1024 * 1024,
  tenantShare: 1,
  maxStreams: 512,
  streamCheckMs: 1000,
  requestsPerSecond: 1000,
  burst: 2000,
  maxClients: 10_000,
  pathParameterLength: 256,
  shutdownMs: 10_000,
};
