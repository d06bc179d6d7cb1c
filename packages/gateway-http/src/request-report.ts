import { EnforcementError } from '@provability-fabric/enforcement';
import { GovernorError } from '@provability-fabric/governor';
import { SecretError } from '@provability-fabric/secrets';
import { type ProblemCode, RequestError, Unauthenticated } from './errors.ts';
import type { Exchange } from './exchanges.ts';
import type { GatewayEvent } from './ports.ts';
import { isLedgerError } from './problem.ts';

/** Could be had by the million for the asking; `http_requests_total` counts them. */
const QUIET: ReadonlySet<ProblemCode> = new Set([
  'RATE_LIMITED',
  'OVERLOADED',
  'SHUTTING_DOWN',
  'SESSION_BUSY',
  'AUTHORITY_STALE',
  'SECRET_RATE_LIMITED',
  'KILLED',
  'TREE_BUSY',
]);
const FAULTS: ReadonlySet<ProblemCode> = new Set([
  'INTERNAL',
  'SESSION_CORRUPT',
  'EVIDENCE_UNAVAILABLE',
  'USAGE_UNAVAILABLE',
  'SECRETS_UNAVAILABLE',
  'OWNER_UNREACHABLE',
  'LEDGER_UNAVAILABLE',
  'LEDGER_READ_ONLY',
  'LEDGER_TOO_OLD',
  'LEDGER_REFUSED',
  'LEDGER_SCHEMA_NEWER',
  'LEDGER_CONFLICT',
  'LEDGER_CORRUPT',
  'TIMEOUT',
  'SECRETS_SEALED',
  'PROVIDER_UNAVAILABLE',
  'PROVIDER_FORBIDDEN',
  'PROVIDER_INCONSISTENT',
  'AUDIT_UNAVAILABLE',
  'ROTATION_FAILED',
  'TREE_DAMAGED',
  'KILL_SWITCH_UNAVAILABLE',
  'SANDBOX_UNAVAILABLE',
  'POLICY_INVALID',
  'POLICY_ROLLBACK',
  'CHANGE_AUDIT_UNAVAILABLE',
  'CHANGE_AUDIT_DAMAGED',
  'GIT_FAILED',
]);
const FORBIDDEN: ReadonlySet<ProblemCode> = new Set(['FORBIDDEN', 'SECRET_FORBIDDEN', 'GOVERNOR_FORBIDDEN']);
/** `auth_failures_total` counts these. */
export const AUTHENTICATION: ReadonlySet<ProblemCode> = new Set<ProblemCode>([
  'UNAUTHENTICATED',
  'CAP_EXPIRED',
  'CAP_REVOKED',
  'EPOCH_STALE',
  'EPOCH_FUTURE',
]);
const MAX_FRAMES = 8;

/**
 * The log line of a finished exchange. Nothing in it was written by a client, but for the bounded request
 * id.
 */
export function reportOf(exchange: Exchange, status: number): GatewayEvent {
  const { id, client, route, request, identity, failure } = exchange;
  const details: Record<string, string | number> = {
    request_id: id,
    client,
    method: request.method ?? '',
    route,
    status,
  };
  if (identity !== null) {
    details.principal = identity.principal.id;
    details.tenant = identity.principal.tenant;
  }
  if (failure !== null) Object.assign(details, { code: failure.code }, faultOf(failure.code, failure.error));
  return {
    level: levelOf(failure?.code),
    event:
      failure === null ? 'request_served' : FAULTS.has(failure.code) ? 'request_failed' : 'request_refused',
    tags: tagsOf(failure),
    latency_ms: performance.now() - exchange.started,
    details,
  };
}

/** Messages that were written to be read by others. */
function isOurs(error: Error): boolean {
  return (
    error instanceof EnforcementError ||
    error instanceof SecretError ||
    error instanceof GovernorError ||
    error instanceof RequestError ||
    isLedgerError(error)
  );
}

function levelOf(code: ProblemCode | undefined): GatewayEvent['level'] {
  if (code === undefined || QUIET.has(code)) return 'debug';
  if (FAULTS.has(code)) return 'error';
  return AUTHENTICATION.has(code) || FORBIDDEN.has(code) ? 'warn' : 'info';
}

function tagsOf(failure: Exchange['failure']): readonly string[] {
  if (failure?.error instanceof Unauthenticated) return [failure.error.tag];
  return failure !== null && FORBIDDEN.has(failure.code) ? ['FORBIDDEN'] : [];
}

/**
 * What an operator needs about a fault of ours. A foreign error's message stays out: it may quote what it
 * choked on.
 */
function faultOf(code: ProblemCode, error: unknown): Record<string, string> {
  if (!FAULTS.has(code) || !(error instanceof Error)) return {};
  if (isOurs(error)) return { problem: error.message };
  const systemCode = (error as NodeJS.ErrnoException).code;
  const frames = (error.stack ?? '')
    .replace(error.message, '')
    .split('\n')
    .filter((line) => /^\s+at /.test(line));
  return {
    error: error.name,
    ...(typeof systemCode === 'string' ? { error_code: systemCode } : {}),
    stack: frames
      .slice(0, MAX_FRAMES)
      .map((line) => line.trim())
      .join('; '),
  };
}
