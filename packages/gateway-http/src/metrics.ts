import type { DecidedEvent } from '@provability-fabric/enforcement';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { createGovernorMetrics, type GovernorMetrics } from './governor/metrics.ts';
import { createSecretMetrics, type SecretMetrics } from './secrets/metrics.ts';

export type EnforcementMode = DecidedEvent['decision']['mode'];

export interface ServedRequest {
  readonly service: string;
  readonly method: string;
  /** The pattern, or `unmatched`. */
  readonly route: string;
  readonly status: number;
  /** null: a stream, whose length is the client's choice. */
  readonly seconds: number | null;
}

/**
 * The contract's metrics that this version emits, and how to feed them. No label takes text from a client or
 * policy, but for the name of the one bundle in force.
 */
export interface Metrics {
  readonly registry: Registry;
  readonly secrets: SecretMetrics;
  readonly governor: GovernorMetrics;
  recordDecision(event: DecidedEvent): void;
  recordUnavailable(): void;
  recordOverdue(): void;
  setMode(mode: EnforcementMode): void;
  recordAuthFailure(): void;
  recordRevocations(count: number): void;
  recordPolicyAdapterError(): void;
  recordForward(answered: boolean): void;
  recordApproval(decision: 'approve' | 'deny'): void;
  /** Age of the oldest durable statement that the ledger lacks. */
  setLedgerLag(seconds: number): void;
  /** Whether the ledger refuses this fabric's evidence, which waiting does not mend. */
  setLedgerRefused(refused: boolean): void;
  setBundle(bundle: BundleInForce): void;
  /** Whether the newest bundle that this process was given is not the one in force. */
  setBundleKept(kept: boolean): void;
  recordRequest(served: ServedRequest): void;
}

export interface BundleInForce {
  readonly name: string;
  readonly version: number;
  readonly digest: string;
}

const MODES: readonly EnforcementMode[] = ['shadow', 'monitor', 'enforce', 'disabled'];
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
const DECISIONS = [
  { verdict: 'accept', effect: 'allow' },
  { verdict: 'hold', effect: 'hold' },
  { verdict: 'reject', effect: 'block' },
  { verdict: 'error', effect: 'block' },
];
// A step takes microseconds; the alert on it stands at 100 ms.
const STEP_BUCKETS = [
  0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1,
];
const REQUEST_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30];

export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const counter = <Label extends string = never>(
    name: string,
    help: string,
    labelNames: readonly Label[] = [],
  ) => new Counter<Label>({ name, help, labelNames, registers });

  const certs = counter('certs_total', 'Permission certificates made', ['verdict', 'effect']);
  const permitRejects = counter(
    'permit_rejects_total',
    'Actions that no permit covers, or that a forbid covers',
  );
  const flowRejects = counter(
    'ni_monitor_rejects_total',
    'Actions that would move data against the label order',
  );
  const violations = counter(
    'policy_violations_total',
    'Actions that violated a clause, by the mode of the clause',
    ['mode'],
  );
  const epochFailures = counter(
    'epoch_validation_failures_total',
    'Actions asked for under a stale or future epoch',
  );
  const authFailures = counter('auth_failures_total', 'Requests without a token that holds');
  const unavailable = counter(
    'evidence_unavailable_total',
    'Actions refused because evidence could not be made durable',
  );
  const overdue = counter(
    'obligations_overdue_total',
    'Obligations whose time passed without what a clause asks for',
  );
  const approvals = counter('approvals_total', 'What people have said about held actions', ['decision']);
  const revocations = counter('revocation_total', 'Tokens and principals revoked through this process');
  const adapterErrors = counter('policy_adapter_errors_total', 'Requests to the policy adapter that failed');
  const forwards = counter('session_forwards_total', 'Requests sent to the fabric that owns their session', [
    'result',
  ]);
  const monitor = new Histogram({
    name: 'monitor_duration_seconds',
    help: 'Time to decide one action, without its commit',
    buckets: STEP_BUCKETS,
    registers,
  });
  const mode = new Gauge({
    name: 'enforcement_mode_total',
    help: '1 for the enforcement mode in force',
    labelNames: ['mode'],
    registers,
  });
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers });
  const lag = gauge(
    'evidence_ledger_lag_seconds',
    'Age of the oldest durable statement that the ledger does not have yet',
  );
  const refused = gauge('evidence_ledger_refused', '1 while the ledger refuses the evidence of this fabric');
  const bundle = new Gauge({
    name: 'bundle_in_force',
    help: '1 for the bundle that this process decides under',
    labelNames: ['bundle', 'version', 'digest'],
    registers,
  });
  const kept = gauge(
    'bundle_kept',
    '1 while the newest bundle in the database could not be put in force here',
  );
  const requests = counter('http_requests_total', 'HTTP requests answered', [
    'service',
    'method',
    'route',
    'status',
  ]);
  const durations = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'From the end of the request headers to the end of the answer',
    labelNames: ['service', 'route'],
    buckets: REQUEST_BUCKETS,
    registers,
  });

  // Series that exist from the start: rate() over a series' first appearance sees nothing.
  for (const labels of DECISIONS) certs.inc(labels, 0);
  for (const name of ['shadow', 'monitor', 'enforce']) violations.inc({ mode: name }, 0);
  for (const result of ['answered', 'failed']) forwards.inc({ result }, 0);
  for (const decision of ['approve', 'deny']) approvals.inc({ decision }, 0);
  for (const name of MODES) mode.set({ mode: name }, 0);

  const governor = createGovernorMetrics(registry);

  return {
    registry,
    secrets: createSecretMetrics(registry),
    governor,
    recordDecision({ decision, stepMs }) {
      const refusing = decision.reasons.filter(({ verdict }) => verdict !== 'hold');
      certs.inc({ verdict: decision.verdict, effect: decision.effect });
      monitor.observe(stepMs / 1000);
      if (refusing.some(({ check }) => check === 'permit')) permitRejects.inc();
      if (refusing.some(({ check }) => check === 'flow')) flowRejects.inc();
      if (refusing.some(({ code }) => code === 'EPOCH_STALE' || code === 'EPOCH_FUTURE')) epochFailures.inc();
      for (const violated of new Set(refusing.map((reason) => reason.mode)))
        violations.inc({ mode: violated });
    },
    recordUnavailable: () => unavailable.inc(),
    recordOverdue: () => overdue.inc(),
    recordApproval: (decision) => approvals.inc({ decision }),
    setMode(inForce) {
      for (const name of MODES) mode.set({ mode: name }, name === inForce ? 1 : 0);
    },
    recordAuthFailure: () => authFailures.inc(),
    recordRevocations: (count) => revocations.inc(count),
    recordPolicyAdapterError: () => adapterErrors.inc(),
    recordForward: (answered) => forwards.inc({ result: answered ? 'answered' : 'failed' }),
    setLedgerLag: (seconds) => lag.set(seconds),
    setLedgerRefused: (isRefused) => refused.set(isRefused ? 1 : 0),
    setBundle({ name, version, digest }) {
      bundle.reset();
      bundle.set({ bundle: name, version, digest }, 1);
    },
    setBundleKept: (isKept) => kept.set(isKept ? 1 : 0),
    recordRequest({ service, method: came, route, status, seconds }) {
      const method = METHODS.has(came) ? came : 'OTHER';
      requests.inc({ service, method, route, status: `${status}` });
      // The same once more, by the names that the governor's own dashboards have.
      if (service === 'governor') governor.recordRequest({ method, route, status, seconds });
      if (seconds !== null) durations.observe({ service, route }, seconds);
    },
  };
}
