import { type Crypto, type Digest, digestJson, type JsonValue } from '@provability-fabric/kernel';
import type { IntentInput } from '@provability-fabric/policy';
import type { OutcomeKind } from '@provability-fabric/statements';
import { CertificateIndex } from './certificate-index.ts';

export interface Refusal {
  readonly code: string;
  readonly clause: string | null;
  /** Of an action that is held: by which it can be approved. */
  readonly ticket?: string;
}

/** The answer to an intent, as far as the agent may know it. */
export interface Answer {
  readonly certificateId: string;
  readonly effect: 'allow' | 'hold' | 'block';
  readonly verdict: string;
  /** Why it was refused; null where it was allowed. */
  readonly refusal: Refusal | null;
}

/** What was decided about a request, so that its repeat gets the same answer. */
export interface PastAnswer {
  /** Over everything that a repeat must have in common with the first. */
  readonly fingerprint: Digest;
  readonly answer: Answer;
  /** Where the journal has it; -1 where only the ledger does. */
  readonly index: number;
  /** The first request's wait for the ledger, which its repeats share: all of them are answered alike. */
  confirmed?: Promise<void> | undefined;
  /** Whether somebody may have been told this answer. Until then it can still be withheld. */
  given: boolean;
  /** The last outcome on record, by `outcomeKey`. */
  outcome?: string;
  /** Digest of the arguments that are sent on, where handles in them stand for values. */
  readonly forwarded?: Digest;
  /** Names of the secrets that are used, ascending; absent: none. */
  readonly secrets?: readonly string[];
  /** Whether their values may have been given to whoever sends the action on. */
  carried?: boolean;
}

/** More than an agent has under way at once; older ones are read back from the journal. */
export const RECENT = 256;

/** What a session has answered and been told. Its memory grows by a few bytes per request, and the journal has the rest. */
export class PastRequests {
  readonly #certificates = new CertificateIndex();
  readonly #answers = new Map<string, PastAnswer>();
  /** Of certificates whose answers are not in memory. */
  readonly #outcomes = new Map<string, string>();
  /** Allowed on record, but never answered, and the outcome that says so is not on record yet. */
  readonly withheld = new Set<string>();

  /** `unknown`: there never was such a certificate. `forgotten`: the journal has it. */
  find(certificate: string): PastAnswer | 'unknown' | 'forgotten' {
    const recent = this.#answers.get(certificate);
    if (recent !== undefined) return recent;
    return this.#certificates.mayHave(certificate) ? 'forgotten' : 'unknown';
  }

  /** There is such a certificate, and the journal has it. */
  noted(certificate: string): void {
    this.#certificates.add(certificate);
  }

  answered(certificate: string, past: PastAnswer): void {
    this.#certificates.add(certificate);
    const outcome = this.#outcomes.get(certificate);
    if (outcome !== undefined) past.outcome = outcome;
    keepRecent(this.#answers, certificate, past);
  }

  /** The last outcome of a certificate, by `outcomeKey`; undefined where there is none, or none in memory. */
  outcome(certificate: string): string | undefined {
    return this.#answers.get(certificate)?.outcome ?? this.#outcomes.get(certificate);
  }

  settled(certificate: string, outcome: string): void {
    this.withheld.delete(certificate);
    const past = this.#answers.get(certificate);
    if (past === undefined) keepRecent(this.#outcomes, certificate, outcome);
    else past.outcome = outcome;
  }
}

function keepRecent<Value>(map: Map<string, Value>, key: string, value: Value): void {
  map.set(key, value);
  if (map.size <= RECENT) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}

/** What makes two reports of an outcome the same report. */
export function outcomeKey(outcome: OutcomeKind, resultDigest: Digest | null): string {
  return `${outcome} ${resultDigest}`;
}

/** The outcome of an action that was never sent on: no later request with its id may be answered `allow`. */
export const NEVER_SENT = outcomeKey('failed', null);

/** What makes two requests with one id the same request. */
export function fingerprint(
  crypto: Crypto,
  { principal, action, attributes }: Pick<IntentInput, 'principal' | 'action' | 'attributes'>,
  argsDigest: Digest,
): Digest {
  const { kind, target } = action;
  return digestJson(crypto, [principal as unknown as JsonValue, kind, target, argsDigest, attributes]);
}

export function answerOf(decision: {
  readonly certificate_id: string;
  readonly effect: Answer['effect'];
  readonly verdict: string;
  readonly reasons: readonly { readonly code: string; readonly clause: string | null }[];
  readonly approval: string | null;
}): Answer {
  const first = decision.reasons[0];
  const ticket = decision.effect === 'hold' && decision.approval !== null && { ticket: decision.approval };
  const refusal =
    decision.effect === 'allow' || first === undefined
      ? null
      : { code: first.code, clause: first.clause, ...ticket };
  return {
    certificateId: decision.certificate_id,
    effect: decision.effect,
    verdict: decision.verdict,
    refusal,
  };
}
