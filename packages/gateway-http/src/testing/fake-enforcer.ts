import { createHash } from 'node:crypto';
import {
  type Authorized,
  type AuthorizeRequest,
  type Carrying,
  EnforcementError,
  type Reporter,
  type Shown,
} from '@provability-fabric/enforcement';
import { type JsonValue, stringifyJson } from '@provability-fabric/kernel';
import type { EnforcerPort } from '../sidecar/ports.ts';

/**
 * Stands in for enforcement: remembers what it was asked and answers by the tool's name (`send` is refused, `hold` held,
 * `wait` waits to be released, `break` throws what a test put into `fault`, all else is allowed).
 */
export class FakeEnforcer implements EnforcerPort {
  readonly authorized: AuthorizeRequest[] = [];
  readonly settled: {
    tenant: string;
    session: string;
    certificate: string;
    outcome: string;
    result: JsonValue;
  }[] = [];
  readonly prompts: { principal: AuthorizeRequest['principal']; session: string | null; text: string }[] = [];
  readonly #answers = new Map<string, { args: string; answer: Authorized }>();
  fault: unknown;
  /** Set: the bundle hides results from its agents. */
  hides = false;
  /** Set: the bundle has secrets used. */
  usesSecrets = false;
  /** Beside each decision that allows, and in the place of each result. */
  carries: Carrying = {};
  shown: Shown = {};
  release: () => void = () => undefined;
  #released = new Promise<void>((resolve) => {
    this.release = resolve;
  });

  hiding() {
    return this.hides ? { extraction: null } : undefined;
  }

  async authorize(request: AuthorizeRequest): Promise<Authorized> {
    this.authorized.push(request);
    const { target, args } = request.action;
    if (target === 'wait') await this.#released;
    if (target === 'break') throw this.fault;
    const session = request.session ?? `${request.principal.id}@1`;
    const certificateId = createHash('sha256').update(`${session}\n${request.requestId}`).digest('hex');
    const past = this.#answers.get(certificateId);
    if (past !== undefined && past.args !== stringifyJson(args)) {
      throw new EnforcementError('REQUEST_CONFLICT', 'this request id was used before with other content');
    }
    const held = { code: 'APPROVAL_REQUIRED', clause: 'ask', ticket: 'a'.repeat(32) };
    const answer: Authorized =
      target === 'hold'
        ? { certificateId, session, effect: 'hold', verdict: 'hold', refusal: held }
        : target === 'send'
          ? {
              certificateId,
              session,
              effect: 'block',
              verdict: 'reject',
              refusal: { code: 'LABEL_FLOW', clause: 'no-leak' },
            }
          : { certificateId, session, effect: 'allow', verdict: 'accept', refusal: null, ...this.carries };
    this.#answers.set(certificateId, { args: stringifyJson(args), answer });
    return answer;
  }

  async settle(
    { tenant }: Reporter,
    session: string,
    certificate: string,
    outcome: string,
    result: JsonValue,
  ): Promise<Shown> {
    if (!this.#answers.has(certificate))
      throw new EnforcementError('OUTCOME_REFUSED', 'expected a certificate in use');
    this.settled.push({ tenant, session, certificate, outcome, result });
    return this.shown;
  }

  async prompt(
    principal: AuthorizeRequest['principal'],
    session: string | null,
    text: string,
  ): Promise<string> {
    this.prompts.push({ principal, session, text });
    return session ?? `${principal.id}@1`;
  }
}
