import { setTimeout as sleep } from 'node:timers/promises';
import { nodeCrypto } from '@provability-fabric/evidence';
import { type Digest, digestJson } from '@provability-fabric/kernel';
import { TENANT } from './bundle.ts';
import { type Answered, HttpClient, Unanswered } from './http-client.ts';
import type { Said } from './said.ts';
import { tokenFor } from './tokens.ts';

const crypto = nodeCrypto();

/** What an agent has begun and must bring to an end before it begins anything else. */
type Step =
  | { readonly kind: 'ask'; readonly certificate: Digest; readonly requestId: string; readonly tool: string }
  | { readonly kind: 'report'; readonly certificate: Digest };

interface Agent {
  readonly name: string;
  session: string;
  /** Actions begun in the session. */
  number: number;
  token: string;
  pending: Step | undefined;
}

export interface Place {
  readonly url: string;
  /** The data folder whose keys sign tokens. */
  readonly data: string;
  /** What the fabric's clock is ahead of ours, in ms. */
  readonly ahead?: () => number;
}

export interface AgentsOptions {
  readonly said: Said;
  readonly random: () => number;
  /** Begins the names of sessions, so that the sets of several fabrics are apart. */
  readonly prefix: string;
  readonly count?: number;
  /** How many actions until an agent begins another session. */
  readonly perSession?: number;
  /** Of the allowed actions, how many never get an outcome. */
  readonly abandoned?: number;
  readonly client?: HttpClient;
}

const REFUSED_PAUSE_MS = 25;
const TOUCH_MS = 30_000;

/** Agents that ask, act, and report; each one thing at a time. They outlive the fabric. */
export class Agents {
  readonly said: Said;
  /** Answered requests of both kinds. */
  answers = 0;
  readonly #options: AgentsOptions;
  readonly #agents: Agent[];
  readonly #client: HttpClient;
  #sessions = 0;

  constructor(options: AgentsOptions) {
    this.#options = options;
    this.said = options.said;
    this.#client = options.client ?? new HttpClient();
    this.#agents = Array.from({ length: options.count ?? 16 }, (_, index) => ({
      name: `${options.prefix}${index}`,
      session: '',
      number: 0,
      token: '',
      pending: undefined,
    }));
  }

  /** All agents act until told, or until nobody answers any more. */
  async act(place: Place, until: () => boolean): Promise<void> {
    const { abandoned = 0.1 } = this.#options;
    await this.#each(async (agent) => {
      while (!until() && (await this.#step(agent, place, abandoned)));
    });
  }

  /** Every agent repeats what nobody answered, and does one whole thing more, so that its session is looked after. */
  async settle(place: Place, timeoutMs = 60_000): Promise<void> {
    const timeUp = Date.now() + timeoutMs;
    await this.#each(async (agent) => {
      const done = async () => {
        while (Date.now() < timeUp) {
          if (!(await this.#step(agent, place, 0))) await sleep(REFUSED_PAUSE_MS);
          if (agent.pending === undefined) return true;
        }
        return false;
      };
      if (agent.pending !== undefined && !(await done()))
        this.said.problems.push(`${agent.name}: what was in flight is still not answered`);
      else if (!(await done())) this.said.problems.push(`${agent.name}: a new action is not answered`);
    });
  }

  /**
   * Asks again, with the same id, for what an earlier fabric allowed and nobody brought to an end: the first answer
   * comes, and whoever loads the session marks it as ambiguous. Without this the fabric's own sweep has to find it.
   */
  async touchLeftBehind({ url, data, ahead }: Place): Promise<void> {
    const left = [...this.said.leftBehind];
    const now = Date.now() + (ahead?.() ?? 0);
    const touch = async () => {
      for (let certificate = left.pop(); certificate !== undefined; certificate = left.pop()) {
        const asked = this.said.asked.get(certificate);
        if (asked === undefined) continue;
        const { session, requestId } = asked;
        const token = await tokenFor(data, { audience: 'sidecar-watcher', session, now });
        const body = bodyOf(asked);
        const answer = await this.#patiently(() => this.#client.post(`${url}/v1/authorize`, token, body));
        if (answer?.status === 200) this.said.answer(certificate, `${answer.body.effect}`);
        else this.said.problems.push(`${requestId}, repeated: ${answer?.status} ${answer?.text}`);
      }
    };
    await Promise.all(this.#agents.map(touch));
  }

  /** Asks again while it is refused for now: over a jump of the clock what is not shipped yet looks very old. */
  async #patiently(ask: () => Promise<Answered>): Promise<Answered | undefined> {
    const timeUp = Date.now() + TOUCH_MS;
    for (;;) {
      const answer = await ask().catch(() => undefined);
      if (answer?.status !== 503 || Date.now() > timeUp) return answer;
      await sleep(REFUSED_PAUSE_MS);
    }
  }

  async #each(work: (agent: Agent) => Promise<void>): Promise<void> {
    await Promise.all(this.#agents.map(work));
  }

  /** false: nobody answers. */
  async #step(agent: Agent, place: Place, abandoned: number): Promise<boolean> {
    const step = agent.pending ?? this.#begin(agent);
    agent.pending = step;
    try {
      agent.token ||= await tokenFor(place.data, {
        audience: 'sidecar-watcher',
        session: agent.session,
        now: Date.now() + (place.ahead?.() ?? 0),
      });
      const answer = await this.#send(agent, place, step);
      if (answer.status === 401 && place.ahead !== undefined) {
        agent.token = '';
        return true;
      }
      if (answer.status !== 200) return await this.#refused(agent, step, answer);
      this.answers += 1;
      if (step.kind === 'report') {
        this.said.recorded.add(step.certificate);
        agent.pending = undefined;
      } else this.#told(agent, step, answer, abandoned);
      return true;
    } catch (error) {
      if (error instanceof Unanswered) return false;
      throw error;
    }
  }

  #begin(agent: Agent): Step {
    const { perSession = 40, prefix } = this.#options;
    if (agent.session === '' || agent.number >= perSession) {
      this.#sessions += 1;
      Object.assign(agent, { session: `${prefix}s${this.#sessions}`, number: 0, token: '' });
    }
    agent.number += 1;
    const requestId = `${agent.session}-${agent.number}`;
    const certificate = digestJson(crypto, [TENANT, agent.session, requestId]);
    const tool = this.#options.random() < 0.1 ? 'forbidden' : 'act';
    this.said.asked.set(certificate, { session: agent.session, requestId, tool });
    return { kind: 'ask', certificate, requestId, tool };
  }

  #send(agent: Agent, { url }: Place, step: Step): Promise<Answered> {
    if (step.kind === 'ask') {
      return this.#client.post(`${url}/v1/authorize`, agent.token, bodyOf(step));
    }
    const { session } = this.said.asked.get(step.certificate) ?? agent;
    const body = { session, certificate_id: step.certificate, outcome: 'done', result: { ok: true } };
    return this.#client.post(`${url}/v1/outcome`, agent.token, body);
  }

  #told(agent: Agent, step: Step & { kind: 'ask' }, { body }: Answered, abandoned: number): void {
    const { effect, certificate_id } = body;
    if (certificate_id !== step.certificate)
      this.said.problems.push(`${step.requestId} was answered with another certificate`);
    this.said.answer(step.certificate, `${effect}`);
    agent.pending = undefined;
    if (effect !== 'allow') return;
    if (this.#options.random() < abandoned) this.said.abandoned.add(step.certificate);
    else agent.pending = { kind: 'report', certificate: step.certificate };
  }

  async #refused(agent: Agent, step: Step, { status, body }: Answered): Promise<boolean> {
    const code = `${body.code}`;
    this.said.refused(code);
    const passes = [503, 429].includes(status) || code === 'SESSION_ELSEWHERE';
    if (passes) {
      // A stopping fabric refuses too; the next one takes the same request.
      await sleep(REFUSED_PAUSE_MS);
      return true;
    }
    if (step.kind === 'ask' && code === 'REQUEST_CONFLICT' && !this.said.answered.has(step.certificate)) {
      // Allowed on record and withheld: the id stands for an action that failed.
      agent.pending = undefined;
      return true;
    }
    const what = step.kind === 'ask' ? step.requestId : `the outcome of ${step.certificate}`;
    this.said.problems.push(`${what} was refused: ${status} ${code}`);
    agent.pending = undefined;
    return true;
  }
}

function bodyOf({ requestId, tool }: { readonly requestId: string; readonly tool: string }) {
  const args = { request_id: requestId, note: 'x'.repeat(200) };
  return { request_id: requestId, action: { kind: 'call', tool, args } };
}
