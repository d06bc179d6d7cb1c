import { isJsonObject, type JsonObject, type JsonValue, stringifyJson } from '@provability-fabric/kernel';
import type { z } from 'zod';
import {
  decisionShape,
  evaluationShape,
  evaluationsShape,
  healthShape,
  outcomeShape,
  parseAnswer,
  promptShape,
} from './answers.ts';
import { certificateIdFor } from './certificate-id.ts';
import { ClientError } from './errors.ts';
import type { TransportOptions } from './transport/options.ts';
import { createTransport, jsonOf } from './transport/transport.ts';

export interface ClientOptions extends TransportOptions {
  /** To decide in, where the token is a host's without `sid`; otherwise the token says it. */
  readonly session?: string;
}

interface Cancellable {
  /** Ends the waiting. The fabric may have decided or recorded all the same. */
  readonly signal?: AbortSignal | undefined;
}

export type Action =
  | { readonly kind: 'call'; readonly tool: string; readonly args?: JsonObject }
  | { readonly kind: 'read'; readonly uri: string; readonly args?: JsonObject };

export interface AuthorizeRequest extends Cancellable {
  readonly action: Action;
  /**
   * New for each action of the session; a repeat gets the first answer, or REQUEST_CONFLICT where that was withheld for
   * good. Default: a random one, and then another where that is so.
   */
  readonly requestId?: string;
  /** For policies to look at, as `context.attributes`. */
  readonly attributes?: JsonObject;
  readonly session?: string;
}

export interface Decision {
  readonly effect: 'allow' | 'hold' | 'block';
  readonly verdict: 'accept' | 'hold' | 'reject' | 'error';
  readonly certificateId: string;
  readonly session: string;
  /** Where it is not allowed: why, as far as the agent may know. */
  readonly refusal: {
    readonly code: string;
    readonly clause: string | null;
    readonly ticket?: string;
  } | null;
  /** What to run the tool with: handles in the arguments stand for values. null: the arguments as they were asked about. */
  readonly arguments: JsonObject | null;
  /** The fabric's own answer, which is on record: there is no tool to run and no outcome to report. */
  readonly answer: { readonly outcome: 'done' | 'failed'; readonly result: JsonValue } | null;
}

/** What the agent may see of a result. */
export interface Shown {
  /** In the place of the result; absent where the agent may see all of it. */
  readonly instead?: JsonValue;
}

export interface OutcomeReport extends Cancellable {
  /** Both from the decision. */
  readonly session: string;
  readonly certificateId: string;
  readonly outcome: 'done' | 'failed' | 'ambiguous';
  /** What the agent will see; left out when it will see nothing. */
  readonly result?: JsonValue;
}

export interface PromptRequest extends Cancellable {
  readonly session: string;
  readonly text: string;
  /** The agent whose session it is. Default: the token's own principal. */
  readonly principal?: string;
}

/**
 * Of the AuthZEN Authorization API 1.0. `context.request_id` is what makes a repetition the same question;
 * without it there is a new one.
 */
export interface EvaluationRequest extends Cancellable {
  readonly subject: JsonObject;
  readonly action: JsonObject;
  readonly resource: JsonObject;
  readonly context?: JsonObject;
}

export interface EvaluationsRequest extends Cancellable {
  readonly subject?: JsonObject;
  readonly action?: JsonObject;
  readonly resource?: JsonObject;
  readonly context?: JsonObject;
  readonly evaluations: readonly JsonObject[];
  readonly semantic?: 'execute_all' | 'deny_on_first_deny' | 'permit_on_first_permit';
}

export interface Evaluation {
  readonly decision: boolean;
  readonly context: JsonObject | null;
}

export interface ServiceHealth {
  readonly healthy: boolean;
  /** Seconds. */
  readonly uptime: number;
  readonly problems: readonly { readonly component: string; readonly problem: string }[];
}

/**
 * Asks the sidecar-watcher. Each method rejects with a ClientError, or with its signal's reason; whatever it
 * rejects with, nothing is allowed.
 */
export interface Client {
  authorize(request: AuthorizeRequest): Promise<Decision>;
  /** Resolves once it is on record; the result, or what stands in its place, may be shown to the agent then. */
  outcome(report: OutcomeReport): Promise<Shown>;
  /** Adds to the trusted instruction of a session; takes a host's token. Not repeated: it would add twice. */
  prompt(request: PromptRequest): Promise<{ readonly session: string }>;
  evaluate(request: EvaluationRequest): Promise<Evaluation>;
  evaluations(request: EvaluationsRequest): Promise<readonly Evaluation[]>;
  health(options?: Cancellable): Promise<ServiceHealth>;
}

/** Answers of these routes are short; a longer one is somebody's trick. */
const MAX_BYTES = 1024 * 1024;
/** Where values come along that handles stand for, or what is shown of a result. */
const MAX_CARRYING_BYTES = 40 * 1024 * 1024;

const CARRYING: ReadonlySet<string> = new Set(['/v1/authorize', '/v1/outcome']);

export function createClient(options: ClientOptions): Client {
  const transport = createTransport(options);
  const { session: ownSession } = options;

  async function post<Output>(
    path: string,
    body: JsonObject,
    shape: z.ZodType<Output>,
    options: Cancellable & { readonly once?: boolean; readonly renewed?: () => JsonObject } = {},
  ): Promise<{ readonly output: Output; readonly tenant: string | null }> {
    const maxBytes = CARRYING.has(path) ? MAX_CARRYING_BYTES : MAX_BYTES;
    const answer = await transport.send({ method: 'POST', path, body, maxBytes, ...options });
    const output = parseAnswer(shape, jsonOf(answer), `an answer to \`POST ${path.split('?')[0]}\``);
    return { output, tenant: answer.tenant };
  }

  return {
    async authorize({ action, requestId, attributes, session = ownSession, signal }) {
      let id = requestId ?? crypto.randomUUID();
      const body = () => ({
        request_id: id,
        action: actionBody(action),
        ...(attributes === undefined ? {} : { attributes }),
        ...(session === undefined ? {} : { session }),
      });
      const renewed = () => {
        id = crypto.randomUUID();
        return body();
      };
      const own = requestId === undefined ? { renewed } : {};
      const { output, tenant } = await post('/v1/authorize', body(), decisionShape, { signal, ...own });
      await requireOwn(output, { tenant, session, requestId: id });
      if (output.arguments !== undefined && !mayHoldHandles(action.args))
        throw mismatch('no other arguments than were asked about');
      const { refusal } = output;
      if ((output.effect === 'allow') !== (refusal === undefined))
        throw mismatch('a refusal where it is not allowed, and none where it is');
      return {
        effect: output.effect,
        verdict: output.verdict,
        certificateId: output.certificate_id,
        session: output.session,
        refusal:
          refusal === undefined ? null : { code: refusal.code, clause: refusal.clause, ...ticketIn(refusal) },
        arguments: output.arguments ?? null,
        answer: output.answer ?? null,
      };
    },
    async outcome({ session, certificateId, outcome, result, signal }) {
      const body = {
        session,
        certificate_id: certificateId,
        outcome,
        ...(result === undefined ? {} : { result }),
      };
      const { output } = await post('/v1/outcome', body, outcomeShape, { signal });
      return output.result === undefined ? {} : { instead: output.result };
    },
    async prompt({ session, text, principal, signal }) {
      const path = `/v1/sessions/${encodeURIComponent(session)}/prompt`;
      const body = { text, ...(principal === undefined ? {} : { principal }) };
      const { output } = await post(path, body, promptShape, { signal, once: true });
      return output;
    },
    async evaluate({ signal, context, ...rest }) {
      let named = withRequestId(context, crypto.randomUUID());
      const renewed = () => {
        named = withRequestId(context, crypto.randomUUID());
        return { ...rest, context: named };
      };
      const own = context?.request_id === undefined ? { renewed } : {};
      const body = { ...rest, context: named };
      const { output, tenant } = await post('/access/v1/evaluation', body, evaluationShape, {
        signal,
        ...own,
      });
      await requireCertificateOf(output, tenant, named);
      return evaluationOf(output);
    },
    async evaluations({ signal, semantic, evaluations, context, ...rest }) {
      const id = crypto.randomUUID();
      // A member's own context stands in the place of the common one.
      const members = evaluations.map((member, at) =>
        isJsonObject(member.context)
          ? { ...member, context: withRequestId(member.context, `${id}/${at}`) }
          : member,
      );
      const options = semantic === undefined ? {} : { options: { evaluations_semantic: semantic } };
      const body = { ...rest, ...options, context: withRequestId(context, id), evaluations: members };
      const { output } = await post('/access/v1/evaluations', body, evaluationsShape, { signal });
      // Short-circuiting may leave some out; more than were asked for answer something else.
      if (output.evaluations.length > members.length) throw mismatch('one evaluation for each question');
      return output.evaluations.map(evaluationOf);
    },
    async health({ signal } = {}) {
      const answers = [200, 503];
      const request = {
        method: 'GET',
        path: '/health',
        signal,
        answers,
        anonymous: true,
        maxBytes: MAX_BYTES,
      } as const;
      const answer = await transport.send(request);
      const {
        status,
        uptime,
        problems = [],
      } = parseAnswer(healthShape, jsonOf(answer), 'an answer to `GET /health`');
      return { healthy: answer.status === 200 && status === 'healthy', uptime, problems };
    },
  };
}

function actionBody(action: Action): JsonObject {
  const args = action.args === undefined ? {} : { args: action.args };
  return action.kind === 'call'
    ? { kind: 'call', tool: action.tool, ...args }
    : { kind: 'read', uri: action.uri, ...args };
}

/** Only in the places of handles may the answer have other arguments. */
function mayHoldHandles(args: JsonObject | undefined): boolean {
  return args !== undefined && stringifyJson(args).includes('pfh1_');
}

/** Whoever stands in between may have mixed up two answers, or kept one. */
async function requireOwn(
  { certificate_id, session }: z.infer<typeof decisionShape>,
  asked: { readonly tenant: string | null; readonly session: string | undefined; readonly requestId: string },
): Promise<void> {
  if (asked.session !== undefined && session !== asked.session)
    throw mismatch('a decision in the session asked for');
  if (asked.tenant === null) return;
  if (certificate_id !== (await certificateIdFor(asked.tenant, session, asked.requestId)))
    throw mismatch('the certificate of this request');
}

function mismatch(expected: string): ClientError {
  return new ClientError('ANSWER_MISMATCH', `expected ${expected}, came another; nothing is allowed by it`);
}

function ticketIn({ ticket }: { readonly ticket?: string | undefined }): { readonly ticket?: string } {
  return ticket === undefined ? {} : { ticket };
}

function withRequestId(context: JsonObject | undefined, id: string): JsonObject {
  return { request_id: id, ...context };
}

/** As far as the answer names its certificate: another decision point than the fabric has none. */
async function requireCertificateOf(
  { context }: z.infer<typeof evaluationShape>,
  tenant: string | null,
  asked: JsonObject,
): Promise<void> {
  const [certificate, session, requestId] = [context?.certificate_id, context?.session, asked.request_id];
  if (tenant === null || typeof session !== 'string' || typeof requestId !== 'string') return;
  if (certificate !== (await certificateIdFor(tenant, session, requestId)))
    throw mismatch('the certificate of this request');
}

function evaluationOf({ decision, context }: z.infer<typeof evaluationShape>): Evaluation {
  return { decision, context: context ?? null };
}
