// The server and its bounds

// Errors, and the codes that clients see
export { GatewayError, type ProblemCode } from './errors.ts';
export { createHttpServer, type HttpServer, type HttpServerOptions } from './http-server.ts';
export { DEFAULT_LIMITS, type Limits } from './limits.ts';
// Metrics
export { createMetrics, type EnforcementMode, type Metrics, type ServedRequest } from './metrics.ts';
// What it needs of others
export type {
  AuthenticationFailure,
  EnforcerPort,
  GatewayEvent,
  Health,
  HealthProblem,
  Identity,
  Log,
  TokenCheck,
  TokenVerifier,
} from './ports.ts';
export { PROBLEM_CODES } from './problem.ts';
