import type { Digest, JsonObject, JsonValue } from '@provability-fabric/kernel';
import {
  certified,
  formatInstant,
  initialState,
  type LoadedBundle,
  type Output,
  parseInstant,
  type RecordedInput,
  refold,
  type State,
  stateDigest,
  step,
} from '@provability-fabric/policy';
import type { Statement } from '@provability-fabric/statements';
import { differences } from './difference.ts';
import type { FailureCode, Failures } from './failure.ts';
import type { Recorded } from './recorded-input.ts';
import type { ReadEntry } from './verify-entry.ts';

/** How much of a statement was derived anew, and why not all of it. */
export type Standing =
  | { readonly status: 're-derived' }
  | { readonly status: 'facts trusted' | 'signature only'; readonly because: string };

/**
 * Follows a session through `step`, as the fabric did, and holds every statement against what comes out.
 * Where an input is missing, all that rests on it can no longer be derived until a change of bundle folds the
 * session anew.
 */
export class Rederivation {
  #failures: Failures;
  #state: State | undefined;
  /** Every input so far; undefined once one of them is missing, for then nothing can be folded anew. */
  #history: RecordedInput[] | undefined = [];
  #lost: Exclude<Standing, { status: 're-derived' }> | undefined;
  #time = 0;

  constructor(failures: Failures) {
    this.#failures = failures;
  }

  /** Nothing from this entry on can be derived, since what came before it is not known. */
  break(entry: ReadEntry): void {
    this.#history = undefined;
    this.#lose('signature only', `what comes before seq ${entry.statement.seq} is not known`);
  }

  /** An entry whose record was erased: what it did to the state is taken from its certificate. */
  erased({ statement }: ReadEntry): Standing {
    this.#history = undefined;
    const because = `the record of seq ${statement.seq} was erased`;
    const earlier = this.#lost;
    this.#lose('facts trusted', because);
    this.#pass(statement);
    if (statement.type === 'session-record') return { status: 'signature only', because };
    return earlier ?? { status: 'facts trusted', because };
  }

  /** An entry whose record is not the one that its statement names. */
  refuted(entry: ReadEntry): Standing {
    this.#history = undefined;
    this.#pass(entry.statement);
    return this.#lose('signature only', `the record of seq ${entry.statement.seq} is not its own`);
  }

  /** An entry with its input. `bundle` is the one in force, undefined where the file does not have it. */
  take(entry: ReadEntry, input: Recorded, bundle: LoadedBundle | undefined): Standing {
    const standing = this.#take(entry, input, bundle);
    const { statement } = entry;
    if (input.kind !== 'bundle') {
      this.#history?.push(
        statement.type === 'permission-certificate'
          ? { input, effect: statement.effect, ticket: statement.approval }
          : { input },
      );
    }
    this.#pass(statement);
    return standing;
  }

  #take(entry: ReadEntry, input: Recorded, bundle: LoadedBundle | undefined): Standing {
    if (bundle === undefined) {
      this.#state = undefined;
      return { status: 'signature only', because: 'its bundle is not in the file' };
    }
    if (input.kind === 'bundle') return this.#refold(entry, input.at, bundle);
    if (this.#lost !== undefined) return this.#lost;
    return this.#step(entry, input, bundle, this.#state ?? initialState(bundle));
  }

  #step(
    entry: ReadEntry,
    input: Exclude<Recorded, { kind: 'bundle' }>,
    bundle: LoadedBundle,
    before: State,
  ): Standing {
    const { statement, place } = entry;
    try {
      const { state, output } = step(bundle, before, input);
      if (output.kind === 'refused') {
        const code = statement.type === 'outcome-certificate' ? 'OUTCOME' : 'STATE';
        this.#failures.add(code, place, `the session could not have taken this input: ${output.problem}`);
        return this.#loseAt(entry);
      }
      const digests = { before: stateDigest(bundle, before), after: stateDigest(bundle, state) };
      const [code, derived] = derivedMembers(statement, bundle, output, state);
      this.#state = state;
      return this.#hold(entry, code, derived, digests, Math.max(state.time, input.at));
    } catch (error) {
      // `step` is total over bundles and inputs that parse; that it broke is to be said, never to be passed over.
      this.#failures.add('STATE', place, `expected \`step\` to take the input: ${(error as Error).message}`);
      return this.#loseAt(entry);
    }
  }

  #refold(entry: ReadEntry, at: number, bundle: LoadedBundle): Standing {
    if (this.#history === undefined) {
      return this.#lost ?? this.#lose('facts trusted', 'a record before it was erased');
    }
    try {
      const state = refold(bundle, this.#history);
      const { enforcement_mode: mode } = state.environment;
      this.#state = state;
      this.#lost = undefined;
      // What it started from is what the statement before it left: the chain has been held against that.
      const digests = { before: entry.statement.state.before as Digest, after: stateDigest(bundle, state) };
      return this.#hold(entry, 'STATE', { epoch: state.epoch, mode }, digests, Math.max(state.time, at));
    } catch (error) {
      this.#failures.add(
        'STATE',
        entry.place,
        `expected the session to fold anew: ${(error as Error).message}`,
      );
      return this.#loseAt(entry);
    }
  }

  /** Holds what was derived against what was certified. */
  #hold(
    entry: ReadEntry,
    code: FailureCode,
    derived: JsonObject,
    state: { readonly before: Digest; readonly after: Digest },
    time: number,
  ): Standing {
    const actual = entry.statement as unknown as JsonObject;
    const place = entry.place;
    const wrong = differences(derived, actual);
    const moved = differences({ before: state.before, after: state.after }, { ...entry.statement.state });
    const late = differences({ issued_at: formatInstant(Math.max(time, this.#time)) }, actual);
    if (wrong.length > 0)
      this.#failures.add(code, place, `the inputs give something else: ${wrong.join('; ')}`);
    if (moved.length > 0)
      this.#failures.add('STATE', place, `the inputs lead to another state: ${moved.join('; ')}`);
    if (late.length > 0)
      this.#failures.add('CHAIN', place, `the inputs came at another time: ${late.join('; ')}`);
    return wrong.length + moved.length === 0 ? { status: 're-derived' } : this.#loseAt(entry);
  }

  #loseAt({ statement }: ReadEntry): Standing {
    return this.#lose(
      'signature only',
      `it rests on seq ${statement.seq}, which is not what its inputs give`,
    );
  }

  /** The first loss is the reason for all that follows. */
  #lose(
    status: 'facts trusted' | 'signature only',
    because: string,
  ): Exclude<Standing, { status: 're-derived' }> {
    this.#state = undefined;
    this.#lost ??= { status, because };
    return this.#lost;
  }

  #pass(statement: Statement): void {
    this.#time = Math.max(this.#time, parseInstant(statement.issued_at) ?? 0);
  }
}

/** The members of a statement that follow from the input, and what it is called where they do not. */
function derivedMembers(
  statement: Statement,
  bundle: LoadedBundle,
  output: Output,
  after: State,
): readonly [FailureCode, JsonObject] {
  const { epoch, environment } = after;
  if (statement.type === 'permission-certificate' && output.kind === 'decision') {
    const { policy, automata, labeler } = bundle.ir.hashes;
    const derived = {
      ...certified(output),
      labels: { session: output.label },
      epoch,
      overlay: environment.overlay,
      policy_hash: policy,
      automata_hash: automata,
      labeler_hash: labeler,
      approval: output.ticket,
      // No input of this version brings one.
      break_glass: null,
      forwarded_digest: output.forwarded_digest,
      secrets_used: output.secrets_used,
    };
    return ['VERDICT', derived as unknown as JsonObject];
  }
  if (statement.type === 'outcome-certificate' && output.kind === 'settled') {
    const { result_digest, result_label: label, label: session, hidden, exposed } = output;
    const derived = { result_digest, label, labels: { session }, hidden, exposed };
    return ['OUTCOME', derived as unknown as Record<string, JsonValue>];
  }
  return ['STATE', { epoch, mode: environment.enforcement_mode }];
}
