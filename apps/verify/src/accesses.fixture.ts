import { asDigest, type Digest, sealEnvelope, utf8 } from '@provability-fabric/kernel';
import {
  encodeStatement,
  type GovernedChangeStatement,
  type InputRecord,
  inputRecord,
  inputRoot,
  payloadTypeOf,
  type SecretAccessStatement,
  statementDigest,
} from '@provability-fabric/statements';
import { crypto } from './bundle.fixture.ts';
import { SIGNER, type TestLog } from './log.fixture.ts';

export const LOG = 'ab'.repeat(16);

/** What a dishonest writer does before it signs. */
interface Lies {
  readonly statement?: Partial<SecretAccessStatement>;
  readonly record?: InputRecord | null;
}

/** A tenant's first governed changes, as the governor writes them. */
export class TestChanges {
  readonly #log: TestLog;
  #count = 0;
  #previous: Digest | null = null;

  constructor(log: TestLog) {
    this.#log = log;
  }

  add(
    lies: { readonly statement?: Partial<GovernedChangeStatement>; readonly record?: InputRecord } = {},
  ): void {
    const seq = this.#count++;
    const change_id = `00000000-0000-4000-8000-${String(seq).padStart(12, '0')}`;
    const nothing = { detail: null, files: [], idempotency_key: null, output_digest: null, sandbox: null };
    const honest = inputRecord(
      crypto,
      { change_id, ...nothing, signers: [] },
      crypto.sha256(utf8(`change ${seq}`)),
    );
    const statement: GovernedChangeStatement = {
      type: 'governed-change',
      tenant: 'acme',
      session: `changes:${LOG}:0`,
      seq,
      previous: this.#previous,
      continues: null,
      change_id,
      kind: 'change-applied',
      actor: 'api',
      principal: 'alice',
      manifest: asDigest('ab'.repeat(32)),
      reverts: null,
      verdict: 'approved',
      error_code: null,
      policy: { digest: asDigest('cd'.repeat(32)), version: 3 },
      tree: null,
      sandbox: null,
      commit: null,
      details_root: inputRoot(crypto, honest),
      issued_at: '2026-01-01T00:00:00.000Z',
      ...lies.statement,
    };
    const payload = encodeStatement(statement);
    this.#log.append(sealEnvelope(payloadTypeOf(statement), payload, [SIGNER]), lies.record ?? honest);
    this.#previous = statementDigest(crypto, payload);
  }
}

/** Writes a tenant's accesses to secrets as the fabric does, sessions of `length` statements. */
export class TestAccesses {
  readonly #log: TestLog;
  readonly #tenant: string;
  readonly #length: number;
  #count = 0;
  #previous: Digest | null = null;

  constructor(log: TestLog, tenant = 'acme', length = 3) {
    this.#log = log;
    this.#tenant = tenant;
    this.#length = length;
  }

  add(change: Partial<SecretAccessStatement> = {}, lies: Lies = {}): void {
    const number = this.#count++;
    const seq = number % this.#length;
    const access_id = `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
    const details = { tool: 'send_mail', attempt: number };
    const honest = inputRecord(
      crypto,
      { access_id, details },
      crypto.sha256(utf8(`${this.#tenant}${number}`)),
    );
    const statement: SecretAccessStatement = {
      type: 'secret-access',
      tenant: this.#tenant,
      session: `secrets:${LOG}:${Math.floor(number / this.#length)}`,
      seq,
      previous: seq === 0 ? null : this.#previous,
      continues: seq === 0 ? this.#previous : null,
      access_id,
      principal: 'agent-1',
      action: 'READ',
      secret: 'db/primary',
      version: 2,
      result: 'SUCCESS',
      error_code: null,
      provider: 'embedded',
      details_root: inputRoot(crypto, honest),
      issued_at: '2026-01-01T00:00:00.000Z',
      ...change,
      ...lies.statement,
    };
    const payload = encodeStatement(statement);
    const envelope = sealEnvelope(payloadTypeOf(statement), payload, [SIGNER]);
    this.#log.append(envelope, lies.record === undefined ? honest : lies.record);
    this.#previous = statementDigest(crypto, payload);
  }
}
