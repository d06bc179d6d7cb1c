import { canonicalJson, type JsonValue, type Label } from '@provability-fabric/kernel';
import {
  certified,
  explainIntent,
  type IntentExplanation,
  initialState,
  type LoadedBundle,
  type Output,
  type PastResult,
  pastResult,
  type RaisedBy,
  type RecordedInput,
  raisedBy,
  refold,
  type State,
  stateDigest,
  step,
} from '@provability-fabric/policy';
import type { Statement } from '@provability-fabric/statements';
import type { RecordedEntry } from './recorded-session.ts';
import type { Standing } from './story.ts';

/** Follows a session through `step` and holds each statement against what comes out, as pf-verify does. */
export class Derivation {
  readonly #past: PastResult[] = [];
  /** By certificate: a result is named by the action that it is of. */
  readonly #asked = new Map<string, number>();
  #history: RecordedInput[] | undefined = [];
  #state: State | undefined;
  #before: Statement | undefined;
  #beforeDigest: string | null = null;
  #problems: string[] = [];
  #lost: string | undefined;

  get standing(): Standing {
    if (this.#problems.length > 0) return { kind: 'contradicted', problems: this.#problems };
    return this.#lost === undefined
      ? { kind: 're-derived' }
      : { kind: 'signature only', because: this.#lost };
  }

  get state(): State | undefined {
    return this.#state;
  }

  /** What is behind the next entry's decision; undefined where nothing can be derived any more. */
  explain(entry: RecordedEntry, bundle: LoadedBundle | undefined): IntentExplanation | undefined {
    const { input: taken } = entry;
    if (bundle === undefined || this.#isOver || taken.kind !== 'input' || taken.input.kind !== 'intent')
      return undefined;
    return explainIntent(bundle, this.#state ?? initialState(bundle), taken.input, this.#past);
  }

  /** Takes the next statement; answers which part of a result raised the label, if it did. */
  take(entry: RecordedEntry, bundle: LoadedBundle | undefined): RaisedBy | null {
    this.#link(entry);
    const { statement, input: taken } = entry;
    if (taken.kind === 'erased') {
      this.#history = undefined;
      return this.#lose(`the record of #${statement.seq} was erased`);
    }
    if (bundle === undefined) return this.#lose(`the bundle of #${statement.seq} is not in the data folder`);
    if (taken.kind === 'bundle') return this.#refold(statement, bundle);
    const { input } = taken;
    if (input.kind === 'intent') this.#asked.set(input.certificate_id, statement.seq);
    this.#history?.push(
      statement.type === 'permission-certificate'
        ? { input, effect: statement.effect, ticket: statement.approval }
        : { input },
    );
    if (this.#isOver) return null;
    const before = this.#state ?? initialState(bundle);
    const { state, output } = step(bundle, before, input);
    this.#hold(statement, bundle, before, state, output);
    this.#state = state;
    if (input.kind !== 'outcome') return null;
    const seq = this.#asked.get(input.certificate_id) ?? statement.seq;
    const past = pastResult(seq, before, input, output);
    if (past === undefined) return null;
    this.#past.push(past);
    return raisedBy(before.flow.label as Label, past);
  }

  get #isOver(): boolean {
    return this.#lost !== undefined || this.#problems.length > 0;
  }

  #link({ statement, digest }: RecordedEntry): void {
    const seq = this.#before === undefined ? 0 : this.#before.seq + 1;
    if (statement.seq !== seq) this.#problems.push(`expected #${seq} next, came #${statement.seq}`);
    else if (statement.previous !== this.#beforeDigest)
      this.#problems.push(`#${seq} does not name the statement before it`);
    this.#before = statement;
    this.#beforeDigest = digest;
  }

  #refold(statement: Statement, bundle: LoadedBundle): null {
    if (this.#history === undefined || this.#problems.length > 0) return null;
    this.#state = refold(bundle, this.#history);
    this.#lost = undefined;
    if (stateDigest(bundle, this.#state) !== statement.state.after)
      this.#problems.push(`#${statement.seq}: the records lead to another state than was certified`);
    return null;
  }

  #hold(statement: Statement, bundle: LoadedBundle, before: State, after: State, output: Output): void {
    const { seq } = statement;
    if (output.kind === 'refused') {
      this.#problems.push(`#${seq}: the session could not have taken this input: ${output.problem}`);
      return;
    }
    if (statement.type === 'permission-certificate' && output.kind === 'decision') {
      const { verdict, effect, mode, checks, reasons } = statement;
      const said = { verdict, effect, mode, checks, reasons, label: statement.labels.session };
      const derived = { ...certified(output), label: output.label };
      for (const name of Object.keys(said) as (keyof typeof said)[]) {
        const [wanted, came] = [derived[name], said[name]].map((value) => canonicalJson(value as JsonValue));
        if (wanted !== came)
          this.#problems.push(`#${seq}: the records give ${name} ${wanted}, certified is ${came}`);
      }
    }
    const digests = [stateDigest(bundle, before), stateDigest(bundle, after)];
    if (digests[0] !== statement.state.before || digests[1] !== statement.state.after)
      this.#problems.push(`#${seq}: the records lead to another state than was certified`);
  }

  #lose(because: string): null {
    this.#lost ??= because;
    this.#state = undefined;
    return null;
  }
}
