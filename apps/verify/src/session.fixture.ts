import {
  type Digest,
  digestJson,
  type JsonObject,
  type JsonValue,
  sealEnvelope,
  utf8,
} from '@provability-fabric/kernel';
import {
  certified,
  type Environment,
  formatInstant,
  type Input,
  initialState,
  type LoadedBundle,
  type Output,
  type Principal,
  type RecordedInput,
  refold,
  type State,
  stateDigest,
  step,
} from '@provability-fabric/policy';
import {
  encodeStatement,
  type InputRecord,
  inputRecord,
  inputRoot,
  type OutcomeKind,
  payloadTypeOf,
  type Statement,
  statementDigest,
} from '@provability-fabric/statements';
import { crypto } from './bundle.fixture.ts';
import { SIGNER, type TestLog } from './log.fixture.ts';
import type { Recorded } from './recorded-input.ts';

export const ENFORCE: Environment = { enforcement_mode: 'enforce', default_mode: null, overlay: null };

/** What a dishonest writer does before it signs; every signature stays good. */
export interface Lies {
  readonly statement?: (honest: Statement) => Statement;
  readonly record?: (honest: InputRecord) => InputRecord;
}

/**
 * Writes a session into a log as the fabric does. Written a second time and not taken from the enforcement
 * package: here the writer must be able to lie, and what both agree on is the contract.
 */
export class TestSession {
  readonly log: TestLog;
  readonly tenant: string;
  readonly id: string;
  bundle: LoadedBundle;
  state: State;
  #seq = 0;
  #previous: Digest | null = null;
  #certified: Digest;
  #history: RecordedInput[] = [];
  #now = Date.parse('2026-01-01T00:00:00.000Z');
  #count = 0;

  constructor(
    log: TestLog,
    bundle: LoadedBundle,
    id = 's1',
    { tenant = 'acme', environment = ENFORCE, lies = {} as Lies } = {},
  ) {
    this.log = log;
    this.tenant = tenant;
    this.id = id;
    this.bundle = bundle;
    this.state = initialState(bundle);
    this.#certified = stateDigest(bundle, this.state);
    this.feed(
      { kind: 'open', at: this.#now, tenant, session: id, principal: 'agent-1', environment, epoch: 1 },
      lies,
    );
  }

  get now(): number {
    return this.#now;
  }

  after(ms: number): this {
    this.#now += ms;
    return this;
  }

  prompt(text: string): void {
    this.feed({ kind: 'prompt', at: this.#now, text });
  }

  mode(enforcement_mode: Environment['enforcement_mode']): void {
    this.feed({ kind: 'mode', at: this.#now, environment: { ...ENFORCE, enforcement_mode } });
  }

  /** Asks and gives the certificate's id. */
  ask(target: string, args: JsonValue = {}, lies: Lies = {}, kind: 'call' | 'read' = 'call'): string {
    const certificate_id = digestJson(crypto, [this.tenant, this.id, this.#count++]);
    const principal: Principal = {
      id: 'agent-1',
      roles: ['support'],
      org: this.tenant,
      tenant: this.tenant,
      attributes: { desk: 7 },
    };
    const action = { kind, target, args };
    const { epoch } = this.state;
    this.feed(
      {
        kind: 'intent',
        at: this.#now,
        certificate_id,
        principal,
        capability: null,
        action,
        epoch,
        attributes: {},
      },
      lies,
    );
    return certificate_id;
  }

  settle(certificate_id: string, outcome: OutcomeKind, result: JsonValue = null, lies: Lies = {}): void {
    this.feed({ kind: 'outcome', at: this.#now, certificate_id, outcome, result }, lies);
  }

  /** Asks, and reports that it was done. */
  call(target: string, args: JsonValue = {}, result: JsonValue = 'ok'): void {
    const id = this.ask(target, args);
    if (this.state.pending.has(id)) this.settle(id, 'done', result);
  }

  adopt(bundle: LoadedBundle, lies: Lies = {}): void {
    this.bundle = bundle;
    this.state = refold(bundle, this.#history);
    this.#write({ kind: 'bundle', at: this.#now }, { kind: 'noted' }, lies);
  }

  feed(input: Input, lies: Lies = {}): void {
    this.#now += 10;
    const { state, output } = step(this.bundle, this.state, input);
    this.state = state;
    this.#write(input, output, lies);
    this.#history.push(
      output.kind === 'decision' ? { input, effect: output.effect, ticket: output.ticket } : { input },
    );
  }

  #write(input: Recorded, output: Output, lies: Lies): void {
    const before = this.#certified;
    const facts = { ...input, bundle: this.bundle.digest, state_before: before } as unknown as JsonObject;
    const seed = crypto.sha256(utf8(`seed ${this.tenant} ${this.id} ${this.#seq}`));
    const record = (lies.record ?? same)(inputRecord(crypto, facts, seed));
    const honest = this.#statement(input, output, inputRoot(crypto, record), before);
    const statement = (lies.statement ?? same)(honest);
    const payload = encodeStatement(statement);
    this.log.append(sealEnvelope(payloadTypeOf(statement), payload, [SIGNER]), record);
    this.#seq += 1;
    this.#previous = statementDigest(crypto, payload);
    this.#certified = statement.state.after;
  }

  #statement(input: Recorded, output: Output, input_root: Digest, before: Digest): Statement {
    const { bundle, state } = this;
    const { name, version } = bundle.ir;
    const reference = { name, version, digest: bundle.digest };
    const { policy, automata, labeler } = bundle.ir.hashes;
    const { epoch, environment } = state;
    const link = {
      tenant: this.tenant,
      session: this.id,
      seq: this.#seq,
      previous: this.#previous,
      state: { before, after: stateDigest(bundle, state) },
      input_root,
      issued_at: formatInstant(Math.max(state.time, input.at)),
    };
    if (input.kind === 'intent' && output.kind === 'decision') {
      const { id, roles, org } = input.principal;
      const { kind, target } = input.action;
      return {
        type: 'permission-certificate',
        ...link,
        certificate_id: input.certificate_id,
        principal: { id, roles, org },
        action: { kind, target, args_digest: output.args_digest },
        bundle: reference,
        overlay: environment.overlay as Digest | null,
        policy_hash: policy,
        automata_hash: automata,
        labeler_hash: labeler,
        epoch,
        ...certified(output),
        labels: { session: output.label },
        approval: output.ticket,
        break_glass: null,
      };
    }
    if (input.kind === 'outcome' && output.kind === 'settled') {
      const { result_digest, result_label: label, label: session } = output;
      const { certificate_id, outcome } = input;
      return {
        type: 'outcome-certificate',
        ...link,
        certificate_id,
        outcome,
        result_digest,
        label,
        labels: { session },
      };
    }
    const isRecord = output.kind === 'noted' || output.kind === 'ticked';
    if (!isRecord || input.kind === 'intent' || input.kind === 'outcome') {
      throw new Error(`the test asks for what \`step\` refuses: ${JSON.stringify(output)}`);
    }
    return {
      type: 'session-record',
      ...link,
      kind: input.kind,
      bundle: reference,
      epoch,
      mode: environment.enforcement_mode,
    };
  }
}

function same<T>(value: T): T {
  return value;
}
