import { type JsonObject, type JsonValue, stringifyJson } from '@provability-fabric/kernel';
import type { RequestId } from './message.ts';
import type { Decision } from './ports.ts';

/** JSON-RPC 2.0 §5.1, and one of the codes that it leaves to servers for what the fabric itself refuses. */
export const PARSE_ERROR = -32700;
export const INVALID_REQUEST = -32600;
export const METHOD_NOT_FOUND = -32601;
export const INVALID_PARAMS = -32602;
export const REFUSED = -32001;

/** Where a tool result or an error says machine-readably what the fabric did. */
export const REFUSAL_META = 'provability-fabric/refusal';

/**
 * Why the fabric answers in the server's place. `allow` where the action was let through and its outcome is
 * unknown.
 */
export interface Refusal {
  readonly effect: 'allow' | 'block' | 'hold';
  readonly code: string;
  readonly text: string;
  readonly clause?: string;
  readonly ticket?: string;
  readonly certificateId?: string;
}

/** Which form the client understands: tool results only answer plain tools/call. */
export type AnswerForm = 'tool-result' | 'error';

export function answerLine(id: RequestId, form: AnswerForm, refusal: Refusal): string {
  const data = refusalData(refusal);
  if (form === 'error') return errorLine(id, REFUSED, refusal.text, data);
  const result = {
    content: [{ type: 'text', text: refusal.text }],
    isError: true,
    _meta: { [REFUSAL_META]: data },
  };
  return line({ jsonrpc: '2.0', id, result });
}

export function errorLine(id: RequestId | null, code: number, message: string, data?: JsonObject): string {
  const error = data === undefined ? { code, message } : { code, message, data };
  return line({ jsonrpc: '2.0', id, error });
}

export function refusalOf(decision: Exclude<Decision, { effect: 'allow' }>): Refusal {
  const { effect, code, clause, ticket, certificateId } = decision;
  const named = clause === undefined ? code : `${code} (clause ${clause})`;
  const parts = [effect === 'hold' ? `held by policy: ${named}` : `refused by policy: ${named}`];
  if (ticket !== undefined) parts.push(`ticket ${ticket}`);
  if (certificateId !== undefined) parts.push(`certificate ${certificateId}`);
  const advice = effect === 'hold' ? '; repeat the same call once it is approved' : '';
  return { ...decision, text: `${parts.join(', ')}${advice}` };
}

/** Of what nobody decides about, so that nothing of it is on record. */
export function secretExposed(): Refusal {
  const text = 'refused: SECRET_EXPOSED: it held a secret, or could not be searched for any';
  return { effect: 'block', code: 'SECRET_EXPOSED', text };
}

export function evidenceUnavailable(certificateId?: string): Refusal {
  const reason = 'refused: EVIDENCE_UNAVAILABLE: this cannot be recorded now, so it is not passed on';
  return withCertificate({ effect: 'block', code: 'EVIDENCE_UNAVAILABLE', text: reason }, certificateId);
}

export function outcomeAmbiguous(why: string, certificateId: string | undefined): Refusal {
  const advice = 'whether it took effect is unknown, so do not just repeat it';
  const text = `no outcome: OUTCOME_AMBIGUOUS: ${why}; ${advice}`;
  return withCertificate({ effect: 'allow', code: 'OUTCOME_AMBIGUOUS', text }, certificateId);
}

/** Nothing was decided or nothing was sent: trying again is safe. */
export function notSent(code: RelayCode, why: string): Refusal {
  return { effect: 'block', code, text: `refused: ${code}: ${why}; nothing was sent to the server` };
}

/** It was sent, and certainly not acted on. */
export function notDone(code: RelayCode, why: string, certificateId: string | undefined): Refusal {
  const text = `not done: ${code}: ${why}`;
  return withCertificate({ effect: 'allow', code, text }, certificateId);
}

/** A request that needs no decision got no response. */
export function noResponse(code: RelayCode, why: string): Refusal {
  return { effect: 'allow', code, text: `no response: ${code}: ${why}` };
}

/** What the relay itself says; the other codes are the policy's reason codes. */
export type RelayCode =
  | 'UPSTREAM_TIMEOUT'
  | 'UPSTREAM_CLOSED'
  | 'UPSTREAM_MALFORMED'
  | 'UPSTREAM_UNREACHABLE'
  | 'UPSTREAM_DENIED'
  | 'UPSTREAM_REFUSED'
  | 'RELAY_CLOSED';

function withCertificate(refusal: Refusal, certificateId: string | undefined): Refusal {
  if (certificateId === undefined) return refusal;
  return { ...refusal, certificateId, text: `${refusal.text}, certificate ${certificateId}` };
}

function refusalData(refusal: Refusal): JsonObject {
  return {
    code: refusal.code,
    ...(refusal.clause === undefined ? {} : { clause: refusal.clause }),
    ...(refusal.ticket === undefined ? {} : { ticket: refusal.ticket }),
    ...(refusal.certificateId === undefined ? {} : { certificate_id: refusal.certificateId }),
    effect: refusal.effect,
  };
}

function line(message: { readonly [key: string]: JsonValue }): string {
  return `${stringifyJson(message)}\n`;
}
