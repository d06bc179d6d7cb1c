// Listeners: limits, guard, TLS, probes; what they serve comes as routes

export { DEFAULT_LIMITS, type Limits } from './limits.ts';
export { createListener, type Listener, type ListenerOptions } from './listener.ts';
export type { Answer } from './respond.ts';
export type { Route } from './route.ts';
export type { TlsOptions } from './tls.ts';

// The sidecar's routes, and asking the fabric that owns a session

export { createForwarder, type ForwarderOptions } from './sidecar/forwarder.ts';
export type {
  EnforcerPort,
  ForwardedAnswer,
  ForwardedRequest,
  Forwarder,
  McpMount,
} from './sidecar/ports.ts';
export { type SidecarOptions, sidecarRoutes } from './sidecar/sidecar-routes.ts';

// The ledger's routes

export { type LedgerOptions, ledgerRoutes } from './ledger/ledger-routes.ts';
export type {
  LedgerReader,
  Page,
  Revoked,
  Revoking,
  Scope,
  StatementQuery,
  StatementRow,
  TokenRecords,
  TokenRow,
  TokenStatus,
} from './ledger/ports.ts';

// The policy adapter's routes

export { type PolicyAdapterOptions, policyAdapterRoutes } from './policy-adapter/policy-adapter-routes.ts';
export type {
  Activation,
  Authority,
  BundleList,
  BundleSummary,
  Bundles,
  RevocationRow,
} from './policy-adapter/ports.ts';

// The routes of secrets

export type {
  RotationUseCases,
  SecretAccessQuery,
  SecretAccessReader,
  SecretAccessRow,
  SecretFingerprints,
  SecretUseCases,
} from './secrets/ports.ts';
export { SECRETS_LIMITS, type SecretsOptions, secretsRoutes } from './secrets/secrets-routes.ts';

// The routes of the governor, who may ask for them, and its own tokens

export {
  admitCaller,
  GOVERNOR_ROLES,
  type GovernorOperation,
  type GovernorRole,
} from './governor/access.ts';
export { GOVERNOR_LIMITS, type GovernorOptions, governorRoutes } from './governor/governor-routes.ts';
export { issueJwt, type JwtIssuer, type JwtRequest } from './governor/jwt/issue.ts';
export { JWT_ALGORITHMS, type JwtAlgorithm, type JwtSettings } from './governor/jwt/settings.ts';
export { createJwtVerifier } from './governor/jwt/verifier.ts';
export type { AuditVerdict, GovernorUseCases } from './governor/ports.ts';
export { governorReadiness } from './governor/readiness.ts';

// Tokens: proved once, asked each time whether they still hold

export {
  type Claims,
  type ClaimsCheck,
  createTokenVerifier,
  type Standing,
  type TokenVerifierOptions,
} from './token-verifier.ts';

// What a listener needs of others

export type {
  AuthenticationFailure,
  AuthenticationOutage,
  ClientCertificate,
  GatewayEvent,
  Health,
  HealthProblem,
  Identity,
  Log,
  Peer,
  TokenCheck,
  TokenVerifier,
} from './ports.ts';

// Metrics

export type { GovernorMetrics, WatchedGovernor } from './governor/metrics.ts';
export { createMetrics, type EnforcementMode, type Metrics, type ServedRequest } from './metrics.ts';
export type { SecretMetrics } from './secrets/metrics.ts';

// Errors, and the codes that clients see

export { type AuthenticationCode, GatewayError, type ProblemCode } from './errors.ts';
export { PROBLEM_CODES } from './problem.ts';
