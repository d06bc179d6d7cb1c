import type { AuthorizeRequest, Decided } from '../decide-request.ts';
import type { Carrying } from '../handles/own-actions.ts';
import type { Answer } from '../past-requests.ts';
import type { Session } from '../session.ts';
import { type CarryingTools, withSecrets } from './carry-secrets.ts';
import { Guesses } from './guesses.ts';
import { type SearchedRequest, searchedRequest, searchedResult, unsearchedRequest } from './search.ts';

/** For an action that was allowed, and whose secrets could not be had: nothing was sent. */
const NO_SECRET = { code: 'SECRETS_UNAVAILABLE', clause: null } as const;

/** What secrets change in how a request is taken and answered. */
export class SecretAnswers {
  readonly #tools: CarryingTools;
  readonly #guesses = new Guesses();

  constructor(tools: CarryingTools) {
    this.#tools = tools;
  }

  async searched(request: AuthorizeRequest): Promise<SearchedRequest> {
    const { broker, observer, clock } = this.#tools;
    const { principal } = request;
    if (broker !== undefined && this.#guesses.areMany(principal, clock.now()))
      return unsearchedRequest(request);
    try {
      const searched = await searchedRequest(broker, request);
      if (searched.exposed !== undefined) this.#guesses.note(principal, clock.now());
      return searched;
    } catch (cause) {
      observer.unavailable({ tenant: request.principal.tenant, session: request.session ?? '', cause });
      throw cause;
    }
  }

  /** To be called once the decision may be told. */
  async answerTo(
    session: Session,
    { principal, action }: AuthorizeRequest,
    { past, decision, carries, uses }: Decided,
  ): Promise<Answer & Carrying> {
    if (uses === undefined) return { ...past.answer, ...(await this.#own(principal.tenant, carries)) };
    const sent = await withSecrets(this.#tools, session, {
      ...{ past, uses, isFirst: decision !== undefined, tool: action.target, principal: principal.id },
      args: carries.arguments ?? action.args,
    });
    if (sent === undefined) return { ...past.answer, effect: 'block', verdict: 'reject', refusal: NO_SECRET };
    return { ...past.answer, ...carries, arguments: sent };
  }

  /** What was taken out of a hidden value may be a secret by now. */
  async #own(tenant: string, carries: Carrying): Promise<Carrying> {
    const { answer } = carries;
    if (answer === undefined) return carries;
    const { result } = await searchedResult(this.#tools.broker, tenant, answer.result);
    return { ...carries, answer: { ...answer, result } };
  }
}
