import type { SandboxResult } from '@provability-fabric/governor';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { PROBLEM_CODES } from '../problem.ts';

/** What a governor tells of itself when it is scraped; answered from memory. */
export interface WatchedGovernor {
  /** The names of the built-in rules: the label `reason` has no others but `clause`. */
  readonly rules: readonly string[];
  killed(): boolean;
  /** Records that `audit.log` lacks. */
  auditBehind(): number;
}

/** What a governor's observer tells, and what its listener serves. */
export interface GovernorMetrics {
  /** From here on this process has a governor; without one no series of it exist. */
  watch(governor: WatchedGovernor): void;
  /** Of a plan: the rules that block, each by its name. */
  planned(verdict: 'approved' | 'blocked', rules: readonly string[]): void;
  verified(result: 'valid' | 'invalid'): void;
  /** `success`, or the code of the error in small letters. */
  applied(result: string): void;
  rolledBack(result: string): void;
  sandboxed(run: Pick<SandboxResult, 'rc' | 'timed_out' | 'duration_ms'>): void;
  /** Something was put on record. */
  recorded(): void;
  recordRequest(served: ServedByGovernor): void;
}

export interface ServedByGovernor {
  readonly method: string;
  /** The pattern of the route, or `unmatched`. */
  readonly route: string;
  readonly status: number;
  readonly seconds: number | null;
}

/** A clause of the operator's own Cedar text: its name is policy text. */
const CLAUSE = 'clause';
const SUCCESS = 'success';
/** What is no code of ours. */
const ERROR = 'error';
const RESULTS: ReadonlySet<string> = new Set([SUCCESS, ...PROBLEM_CODES.map((code) => code.toLowerCase())]);
/** A command may run for the five minutes that the sandbox gives by default. */
const SANDBOX_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];
const API_BUCKETS = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 600,
];

export function createGovernorMetrics(registry: Registry): GovernorMetrics {
  const registers = [registry];
  const counter = <Label extends string = never>(
    name: string,
    help: string,
    labelNames: readonly Label[] = [],
  ) => new Counter<Label>({ name, help, labelNames, registers });
  let watched: WatchedGovernor | undefined;
  const rules = new Set<string>();

  const decisions = counter(
    'safeai_policy_decisions_total',
    'Plans and applies that the policy was asked for',
    ['verdict'],
  );
  const blocks = counter('safeai_policy_blocks_total', 'Rules that blocked a change', ['reason']);
  const signatures = counter(
    'safeai_signature_verifications_total',
    'Envelopes whose signatures were checked',
    ['result'],
  );
  const applies = counter('safeai_apply_operations_total', 'Changes that were asked to be applied', [
    'result',
  ]);
  const rollbacks = counter('safeai_rollback_operations_total', 'Changes that were asked to be taken back', [
    'result',
  ]);
  const runs = counter(
    'safeai_sandbox_executions_total',
    'Runs of tests, by the exit code of the last command',
    ['exit_code'],
  );
  const timeouts = counter('safeai_sandbox_timeouts_total', 'Runs of tests that were ended for lack of time');
  const sandboxTime = new Histogram({
    name: 'safeai_sandbox_duration_seconds',
    help: 'Of a run of tests',
    buckets: SANDBOX_BUCKETS,
    registers,
  });
  const records = counter('safeai_audit_records_total', 'Records that this process put into the audit');
  const requests = counter('safeai_api_requests_total', 'Requests that the governor answered', [
    'endpoint',
    'method',
    'status',
  ]);
  const apiTime = new Histogram({
    name: 'safeai_api_duration_seconds',
    help: 'From the end of the request headers to the end of the answer',
    labelNames: ['endpoint', 'method'],
    buckets: API_BUCKETS,
    registers,
  });
  // Asked at each scrape: a gauge that is set on some paths only is wrong on the others.
  const asked = (name: string, help: string, value: (governor: WatchedGovernor) => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        if (watched === undefined) this.remove();
        else this.set(value(watched));
      },
    });
  asked('safeai_kill_switch_active', '1 while nothing may be applied or taken back', (governor) =>
    governor.killed() ? 1 : 0,
  );
  asked('safeai_audit_behind_records', 'Records of the ledger that audit.log lacks', (governor) =>
    governor.auditBehind(),
  );

  return {
    watch(governor) {
      watched = governor;
      for (const rule of governor.rules) rules.add(rule);
      // From 0 on, so that the first of each is an increase.
      for (const verdict of ['approved', 'blocked']) decisions.inc({ verdict }, 0);
      for (const reason of [...rules, CLAUSE]) blocks.inc({ reason }, 0);
      for (const result of ['valid', 'invalid']) signatures.inc({ result }, 0);
      for (const result of [SUCCESS, ERROR]) {
        applies.inc({ result }, 0);
        rollbacks.inc({ result }, 0);
      }
      for (const exit_code of ['0', '1', '124']) runs.inc({ exit_code }, 0);
    },
    planned(verdict, blocking) {
      decisions.inc({ verdict });
      for (const reason of new Set(blocking.map((rule) => (rules.has(rule) ? rule : CLAUSE))))
        blocks.inc({ reason });
    },
    verified: (result) => signatures.inc({ result }),
    applied: (result) => applies.inc({ result: known(result) }),
    rolledBack: (result) => rollbacks.inc({ result: known(result) }),
    sandboxed({ rc, timed_out, duration_ms }) {
      const exit_code = Number.isInteger(rc) && rc >= 0 && rc <= 255 ? `${rc}` : 'other';
      runs.inc({ exit_code });
      if (timed_out) timeouts.inc();
      sandboxTime.observe(duration_ms / 1000);
    },
    recorded: () => records.inc(),
    recordRequest({ method, route, status, seconds }) {
      requests.inc({ endpoint: route, method, status: `${status}` });
      if (seconds !== null) apiTime.observe({ endpoint: route, method }, seconds);
    },
  };
}

function known(result: string): string {
  return RESULTS.has(result) ? result : ERROR;
}
