import type { Crypto, Digest, EnvelopeSigner } from '@provability-fabric/kernel';
import {
  type Input,
  initialState,
  type LoadedBundle,
  type Output,
  type State,
  stateDigest,
  step,
} from '@provability-fabric/policy';
import { EnforcementError } from './errors.ts';
import type { LoadedSession, PastAnswer } from './load-session.ts';
import type { CommitEntry, Journal, Randomness } from './ports.ts';
import { type Before, type Recorded, type Written, writeStatement } from './write-statement.ts';

export interface SessionTools {
  readonly crypto: Crypto;
  readonly signer: EnvelopeSigner;
  readonly random: Randomness;
  readonly bundle: LoadedBundle;
  readonly journal: Journal;
}

/** How many requests may wait for one session before more are turned away. */
const MAX_WAITING = 1024;

/** One session in memory. Its inputs are taken strictly one after another, and each is durable before the next is looked at. */
export class Session {
  readonly tenant: string;
  readonly id: string;
  readonly answers: Map<string, PastAnswer>;
  readonly outcomes: Map<string, string>;
  #tools: SessionTools;
  #state: State;
  /** Where the session stands, as its next statement will name it. */
  #before: Before;
  #seq: number;
  #digest: Digest | null;
  #queue: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(tools: SessionTools, tenant: string, id: string, loaded?: LoadedSession) {
    this.tenant = tenant;
    this.id = id;
    this.#tools = tools;
    this.#state = loaded?.state ?? initialState(tools.bundle);
    this.#before = { digest: stateDigest(tools.bundle, this.#state), issuedAt: loaded?.issuedAt ?? 0 };
    this.#seq = loaded?.seq ?? -1;
    this.#digest = loaded?.digest ?? null;
    this.answers = loaded?.answers ?? new Map();
    this.outcomes = loaded?.outcomes ?? new Map();
  }

  get state(): State {
    return this.#state;
  }

  get seq(): number {
    return this.#seq;
  }

  get idle(): boolean {
    return this.#waiting === 0;
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
   * An input that `step` refuses ends the batch: nothing of it is recorded and its output is returned last.
   */
  async submit(
    inputs: readonly Input[],
  ): Promise<{ readonly outputs: readonly Output[]; readonly stepMs: number }> {
    const { bundle } = this.#tools;
    const entries: CommitEntry[] = [];
    const outputs: Output[] = [];
    let state = this.#state;
    let before = this.#before;
    let stepMs = 0;
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
    await this.#commit(entries);
    this.#state = state;
    this.#before = before;
    return { outputs, stepMs };
  }

  /** Records that the session goes on under the bundle now in force; `certified` is what its last certificate named. */
  async adoptBundle(at: number, certified: Digest): Promise<void> {
    const { issuedAt: last } = this.#before;
    const before = { digest: certified, issuedAt: last };
    const { entry, issuedAt } = this.#write(
      undefined,
      { kind: 'bundle', at },
      { kind: 'noted' },
      before,
      this.#state,
    );
    await this.#commit([entry]);
    this.#before = { ...this.#before, issuedAt };
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

  async #commit(entries: readonly CommitEntry[]): Promise<void> {
    const place = { tenant: this.tenant, session: this.id };
    const expected = { expectedSeq: this.#seq, expectedDigest: this.#digest };
    const result = await this.#tools.journal.commit({ ...place, ...expected, entries });
    if (!result.ok) {
      const problem = `session \`${this.id}\` was expected to end at seq ${this.#seq}, the journal has ${result.seq}`;
      throw new EnforcementError('SESSION_CORRUPT', `${problem}; only one fabric may own a data folder`);
    }
    const last = entries.at(-1) as CommitEntry;
    this.#seq = last.seq;
    this.#digest = last.digest;
  }
}
