import type {
  ApplyAnswer,
  ApplyRequest,
  GovernorStatus,
  KillState,
  PlanResult,
  ProposalAnswer,
  RollbackAnswer,
  RollbackRequest,
  VerifyAnswer,
} from '@provability-fabric/governor';
import { type JsonObject, type JsonValue, parseJsonBytes } from '@provability-fabric/kernel';
import type { z } from 'zod';
import { parseAnswer } from '../answers.ts';
import type { TokenSource, TransportOptions } from '../transport/options.ts';
import { problemFrom } from '../transport/problem.ts';
import { type Answer, createTransport, jsonOf } from '../transport/transport.ts';
import { GovernorRefused } from './governor-refused.ts';
import {
  applyShape,
  auditShape,
  auditVerdictShape,
  killShape,
  listedProposalsShape,
  planShape,
  proposalAnswerShape,
  proposalShape,
  refusedShape,
  rollbackShape,
  statusShape,
  verifyShape,
} from './governor-shapes.ts';
import type { ListedProposal, ProposalQuery, ShownProposal } from './proposals.ts';

export interface AuditVerdict {
  readonly valid: boolean;
  readonly error: string | null;
  readonly current_root: string | null;
  /** Records that the ledger has and the file lacks. */
  readonly behind: number;
  /** The first of them is `error`. */
  readonly problems: readonly string[];
}

export interface GovernorClientOptions extends TransportOptions {
  /** For an answer that waits for a change's tests. Default: 400 s. */
  readonly changeTimeoutMs?: number;
}

/**
 * Asks the governor, with a token of its audience. What changes the tree is asked once: where the answer is lost, `auditLast`
 * or `status` says what became of it. A refusal is a GovernorRefused, with what is known about it.
 */
export interface GovernorClient {
  verify(envelope: JsonValue): Promise<VerifyAnswer>;
  plan(manifest: JsonValue): Promise<PlanResult>;
  apply(request: ApplyRequest): Promise<ApplyAnswer>;
  rollback(request: RollbackRequest): Promise<RollbackAnswer>;
  /** The last `count` records, at most 1,000, oldest first. */
  auditLast(count: number): Promise<readonly JsonObject[]>;
  auditVerify(): Promise<AuditVerdict>;
  status(): Promise<GovernorStatus>;
  propose(manifest: JsonValue): Promise<ProposalAnswer>;
  /** Newest first. */
  proposals(query: ProposalQuery): Promise<readonly ListedProposal[]>;
  proposal(hash: string): Promise<ShownProposal>;
  approve(hash: string, envelope: JsonValue): Promise<ApplyAnswer>;
  kill(reason: string): Promise<KillState>;
  revive(reason: string): Promise<KillState>;
}

const MAX_BYTES = 4 * 1024 * 1024;
/** A thousand records, each with its statement; or a hundred proposals with their files. */
const MAX_LIST_BYTES = 128 * 1024 * 1024;
/** Tests may run for minutes before there is an answer. */
const CHANGE_TIMEOUT_MS = 400_000;
/** A refusal with a problem document is an answer, which is not asked for again. */
const REFUSALS = [400, 403, 404, 409, 422, 503];

export function createGovernorClient(options: GovernorClientOptions): GovernorClient {
  const { changeTimeoutMs = CHANGE_TIMEOUT_MS } = options;
  const { token, sent } = remembered(options.token);
  const quick = createTransport({ ...options, token });
  const patient = createTransport({ ...options, token, timeoutMs: changeTimeoutMs });

  /** The JSON of an answer that grants what was asked. */
  function accepted(answer: Answer): JsonValue {
    if (answer.status === 200 || answer.status === 201) return jsonOf(answer);
    const problem = problemFrom({ ...answer, retryAfterSeconds: null, token: sent() });
    const facts = refusedShape.safeParse(parsed(answer.body));
    throw facts.success && problem.code !== 'SERVICE_FAILED'
      ? new GovernorRefused(problem, facts.data)
      : problem;
  }

  async function get<Output>(path: string, shape: z.ZodType<Output>, what: string): Promise<Output> {
    const answer = await quick.send({
      method: 'GET',
      path,
      maxBytes: MAX_LIST_BYTES,
      answers: [200, 404],
    });
    return parseAnswer(shape, accepted(answer), what);
  }

  /** Asking again does no harm. */
  async function ask<Output>(
    path: string,
    body: JsonValue,
    shape: z.ZodType<Output>,
    what: string,
  ): Promise<Output> {
    const answers = [200, 400, 403, 404, 409];
    const answer = await quick.send({ method: 'POST', path, body, maxBytes: MAX_BYTES, answers });
    return parseAnswer(shape, accepted(answer), what);
  }

  async function change<Output>(
    path: string,
    body: JsonValue,
    shape: z.ZodType<Output>,
    what: string,
  ): Promise<Output> {
    const answers = [200, 201, ...REFUSALS];
    const once = true;
    const answer = await patient.send({ method: 'POST', path, body, maxBytes: MAX_BYTES, answers, once });
    return parseAnswer(shape, accepted(answer), what);
  }

  return {
    verify: (envelope) => ask('/v1/verify', envelope, verifyShape, 'an answer to `verify`'),
    plan: (manifest) => ask('/v1/policy/plan', manifest, planShape, 'a plan'),
    apply: (request) => change('/v1/apply', { ...request }, applyShape, 'an answer to `apply`'),
    rollback: (request) => change('/v1/rollback', { ...request }, rollbackShape, 'an answer to `rollback`'),
    async auditLast(count) {
      const path = `/v1/audit?limit=${count}`;
      return (await get(path, auditShape, 'audit records')).records;
    },
    auditVerify: () => get('/v1/audit/verify', auditVerdictShape, 'a verdict about the audit'),
    status: () => get('/v1/status', statusShape, "the governor's status"),
    propose: (manifest) =>
      change('/v1/proposals', { manifest }, proposalAnswerShape, 'an answer to a proposal'),
    async proposals({ status, limit }) {
      const search = new URLSearchParams({ status: status ?? 'all', limit: `${limit}` });
      return get(`/v1/proposals?${search}`, listedProposalsShape, 'a list of proposals');
    },
    proposal: (hash) => get(`/v1/proposals/${encodeURIComponent(hash)}`, proposalShape, 'a proposal'),
    approve: (hash, envelope) =>
      change(
        `/v1/proposals/${encodeURIComponent(hash)}/approve`,
        { signed_envelope: envelope },
        applyShape,
        'an answer to an approval',
      ),
    kill: (reason) => ask('/v1/kill', { reason }, killShape, 'the state of the kill switch'),
    revive: (reason) => ask('/v1/revive', { reason }, killShape, 'the state of the kill switch'),
  };
}

/** Which token was sent last, so that no message repeats it. */
function remembered(source: TokenSource): { readonly token: TokenSource; sent(): string | null } {
  if (typeof source === 'string') return { token: source, sent: () => source };
  let last: string | null = null;
  const token = async () => {
    last = await source();
    return last;
  };
  return { token, sent: () => last };
}

function parsed(body: Uint8Array): JsonValue | undefined {
  try {
    return parseJsonBytes(body, { maxDepth: 16 });
  } catch {
    return undefined;
  }
}
