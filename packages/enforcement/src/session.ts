import type { Crypto, Digest, EnvelopeSigner } from '@provability-fabric/kernel';
import {
  type Input,
  type IntentInput,
  initialState,
  type LoadedBundle,
  nextDeadline,
  type Output,
  type SharedCharge,
  type State,
  sharedCharges,
  stateDigest,
  step,
} from '@provability-fabric/policy';
import { EnforcementError } from './errors.ts';
import type { LoadedSession } from './load-session.ts';
import { answerOf, fingerprint, outcomeKey, PastRequests } from './past-requests.ts';
import type { CommitEntry, Journal, Observer, Randomness } from './ports.ts';
import { type Before, type Recorded, type Written, writeStatement } from './write-statement.ts';

export interface SessionTools {
  readonly crypto: Crypto;
  readonly signer: EnvelopeSigner;
  readonly random: Randomness;
  readonly bundle: LoadedBundle;
  readonly journal: Journal;
  readonly observer: Pick<Observer, 'unavailable'>;
}

/** What a session that was found begins with. */
export interface SessionStart {
  /** Whether this process may still decide for it; asked before each commit. */
  readonly held: () => boolean;
  readonly loaded?: LoadedSession;
}

export interface Submitted {
  readonly outputs: readonly Output[];
  readonly stepMs: number;
}

/** How many requests may wait for one session before more are turned away. */
const MAX_WAITING = 1024;

/** One session in memory. Its inputs are taken strictly one after another, and each is durable before the next is looked at. */
export class Session {
  readonly tenant: string;
  readonly id: string;
  readonly past: PastRequests;
  readonly #tools: SessionTools;
  readonly #held: () => boolean;
  #state: State;
  /** Where the session stands, as its next statement will name it. */
  #before: Before;
  #seq: number;
  #digest: Digest | null;
  #lastIndex: number;
  #queue: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #over = false;
  readonly #answering = new Set<Promise<void>>();

  constructor(tools: SessionTools, tenant: string, id: string, { held, loaded }: SessionStart) {
    this.tenant = tenant;
    this.id = id;
    this.#tools = tools;
    this.#held = held;
    this.#state = loaded?.state ?? initialState(tools.bundle);
    this.#before = { digest: stateDigest(tools.bundle, this.#state), issuedAt: loaded?.issuedAt ?? 0 };
    this.#seq = loaded?.seq ?? -1;
    this.#digest = loaded?.digest ?? null;
    this.#lastIndex = loaded?.lastIndex ?? -1;
    this.past = loaded?.past ?? new PastRequests();
  }

  get state(): State {
    return this.#state;
  }

  /** Session time in ms after which a tick would tell of an obligation that is overdue. */
  get deadline(): number | undefined {
    return nextDeadline(this.#tools.bundle, this.#state);
  }

  /** By which it decides: the bundle, and where fresh handles come from. */
  get tools(): Pick<SessionTools, 'bundle' | 'random'> {
    return this.#tools;
  }

  get seq(): number {
    return this.#seq;
  }

  /** Where the journal has the last statement; -1 where all of them came from the ledger. */
  get lastIndex(): number {
    return this.#lastIndex;
  }

  get idle(): boolean {
    return this.#waiting === 0;
  }

  /** Whether this process may still decide for it. */
  get held(): boolean {
    return !this.#over && this.#held();
  }

  /** Takes nothing more; what was begun ends. Another object may stand for the session once this resolves. */
  end(): Promise<void> {
    this.#over = true;
    return this.#queue.then(() => undefined);
  }

  /** Ends once everything that waits for it now is done and answered: another object goes on from there. */
  async retire(): Promise<void> {
    while (this.#answering.size > 0) await Promise.allSettled([...this.#answering]);
    this.#queue = this.#queue.then(() => {
      this.#over = true;
    });
    await this.#queue;
  }

  /** Until this is settled an answer waits for the ledger, and only this object knows whether it may be given. */
  answering(answer: Promise<void>): Promise<void> {
    this.#answering.add(answer);
    return answer.finally(() => this.#answering.delete(answer));
  }

  /** What an intent would take now from limits that other sessions count for as well. */
  sharedCharges(input: IntentInput): readonly SharedCharge[] {
    return sharedCharges(this.#tools.bundle, this.#state, input);
  }

  /** The bundle that it decides under. */
  get bundle(): Digest {
    return this.#tools.bundle.digest;
  }

  get rules(): LoadedBundle {
    return this.#tools.bundle;
  }

  /** Runs `work` once everything before it is finished. */
  exclusively<T>(work: () => Promise<T>): Promise<T> {
    if (this.#waiting >= MAX_WAITING) {
      const problem = `session \`${this.id}\` has ${MAX_WAITING} requests waiting; expected fewer, retry later`;
      return Promise.reject(new EnforcementError('SESSION_BUSY', problem));
    }
    this.#waiting += 1;
    const result = this.#queue.then(work).finally(() => {
      this.#waiting -= 1;
    });
    this.#queue = result.catch(() => undefined);
    return result;
  }

  /**
   * Steps through the inputs and commits all their statements in one durable write; only then does the session move.
   * An input that `step` refuses ends the batch: nothing of it is recorded and its output is returned last. Throws an
   * EnforcementError where that cannot be done, having told the observer.
   */
  async submit(inputs: readonly Input[]): Promise<Submitted> {
    try {
      return await this.#submit(inputs);
    } catch (cause) {
      throw this.#unavailable(cause);
    }
  }

  async #submit(inputs: readonly Input[]): Promise<Submitted> {
    const { bundle } = this.#tools;
    const entries: CommitEntry[] = [];
    const outputs: Output[] = [];
    let state = this.#state;
    let before = this.#before;
    let stepMs = 0;
    this.requireHeld();
    for (const input of inputs) {
      const started = performance.now();
      const stepped = step(bundle, state, input);
      stepMs += performance.now() - started;
      outputs.push(stepped.output);
      if (stepped.output.kind === 'refused') return { outputs, stepMs };
      const written = this.#write(entries.at(-1), input, stepped.output, before, stepped.state);
      entries.push(written.entry);
      state = stepped.state;
      before = { digest: written.stateAfter, issuedAt: written.issuedAt };
    }
    const firstIndex = await this.#commit(entries);
    this.#state = state;
    this.#before = before;
    this.#remember(inputs, outputs, firstIndex);
    return { outputs, stepMs };
  }

  /** Records that the session goes on under the bundle now in force; `certified` is what its last certificate named. */
  async adoptBundle(at: number, certified: Digest): Promise<void> {
    try {
      const before = { digest: certified, issuedAt: this.#before.issuedAt };
      const input = { kind: 'bundle', at } as const;
      const { entry, issuedAt } = this.#write(undefined, input, { kind: 'noted' }, before, this.#state);
      await this.#commit([entry]);
      this.#before = { ...this.#before, issuedAt };
    } catch (cause) {
      throw this.#unavailable(cause);
    }
  }

  #write(
    last: CommitEntry | undefined,
    input: Recorded,
    output: Output,
    before: Before,
    after: State,
  ): Written {
    const seq = (last?.seq ?? this.#seq) + 1;
    const previous = last?.digest ?? this.#digest;
    const place = { tenant: this.tenant, session: this.id, seq, previous };
    return writeStatement(this.#tools, place, input, output, before, after);
  }

  async #commit(entries: readonly CommitEntry[]): Promise<number> {
    // Nothing may come between this and the commit: a session lost in between belongs to somebody else.
    this.requireHeld();
    const { tenant, id: session } = this;
    const expected = { expectedSeq: this.#seq, expectedDigest: this.#digest };
    const result = await this.#tools.journal.commit({ tenant, session, ...expected, entries });
    if (!result.ok) {
      const problem = `session \`${session}\` was expected to end at seq ${this.#seq}, the journal has ${result.seq}`;
      throw new EnforcementError('SESSION_CORRUPT', `${problem}; only one fabric may own a data folder`);
    }
    const last = entries.at(-1) as CommitEntry;
    this.#seq = last.seq;
    this.#digest = last.digest;
    this.#lastIndex = result.firstIndex + entries.length - 1;
    return result.firstIndex;
  }

  #remember(inputs: readonly Input[], outputs: readonly Output[], firstIndex: number): void {
    for (const [position, input] of inputs.entries()) {
      const output = outputs[position] as Output;
      if (input.kind === 'intent' && output.kind === 'decision') {
        this.past.answered(input.certificate_id, {
          fingerprint: fingerprint(this.#tools.crypto, input, output.args_digest),
          answer: answerOf({ ...output, certificate_id: input.certificate_id, approval: output.ticket }),
          index: firstIndex + position,
          given: false,
          ...(output.forwarded_digest !== undefined && { forwarded: output.forwarded_digest }),
          ...(output.secrets_used !== undefined && { secrets: output.secrets_used }),
        });
      } else if (input.kind === 'outcome' && output.kind === 'settled')
        this.past.settled(input.certificate_id, outcomeKey(input.outcome, output.result_digest));
    }
  }

  /** Throws SESSION_ELSEWHERE. */
  requireHeld(): void {
    if (this.held) return;
    const problem = `session \`${this.id}\` is not this fabric's any more; nothing was done, ask again`;
    throw new EnforcementError('SESSION_ELSEWHERE', problem);
  }

  #unavailable(cause: unknown): EnforcementError {
    this.#tools.observer.unavailable({ tenant: this.tenant, session: this.id, cause });
    if (cause instanceof EnforcementError) return cause;
    const problem = 'the evidence could not be made durable, so nothing was done';
    return new EnforcementError('EVIDENCE_UNAVAILABLE', problem, { cause });
  }
}
