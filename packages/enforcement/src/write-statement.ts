import {
  type Crypto,
  type Digest,
  type EnvelopeSigner,
  type JsonObject,
  sealedEnvelopeBytes,
} from '@provability-fabric/kernel';
import {
  certified,
  formatInstant,
  type Input,
  type LoadedBundle,
  type Output,
  type State,
  stateDigest,
} from '@provability-fabric/policy';
import {
  type BundleReference,
  encodeStatement,
  payloadTypeOf,
  type SessionRecord,
  type Statement,
  statementDigest,
  writeInputRecord,
} from '@provability-fabric/statements';
import type { CommitEntry, Randomness } from './ports.ts';

/** A recorded input: what `step` took, or the change of bundle that the session was re-folded under. */
export type Recorded = Input | { readonly kind: 'bundle'; readonly at: number };

interface Place {
  readonly tenant: string;
  readonly session: string;
  readonly seq: number;
  readonly previous: Digest | null;
}

/** Where the session stood when the input came. */
export interface Before {
  readonly digest: Digest;
  /** `issued_at` of the statement before, in ms: a blocked intent leaves the state's time alone, but not the record's. */
  readonly issuedAt: number;
}

interface Writing {
  readonly crypto: Crypto;
  readonly signer: EnvelopeSigner;
  readonly random: Randomness;
  readonly bundle: LoadedBundle;
}

export interface Written {
  readonly entry: CommitEntry;
  /** Digest of the state after, which the next statement names as the one before. */
  readonly stateAfter: Digest;
  readonly issuedAt: number;
}

/** Turns one input and what came of it into a signed statement with its salted input record, ready to commit. */
export function writeStatement(
  { crypto, signer, random, bundle }: Writing,
  place: Place,
  input: Recorded,
  output: Output,
  before: Before,
  afterwards: State,
): Written {
  const after = stateDigest(bundle, afterwards);
  const issuedAt = Math.max(afterwards.time, input.at, before.issuedAt);
  const facts = { ...input, bundle: bundle.digest, state_before: before.digest } as unknown as JsonObject;
  const record = writeInputRecord(crypto, facts, (length) => random.bytes(length));
  const link = {
    ...place,
    state: { before: before.digest, after },
    input_root: record.root,
    issued_at: formatInstant(issuedAt),
  };
  const statement = statementOf(bundle, link, input, output, afterwards);
  const payload = encodeStatement(statement);
  const entry = {
    seq: place.seq,
    digest: statementDigest(crypto, payload),
    envelope: sealedEnvelopeBytes(payloadTypeOf(statement), payload, [signer]),
    salt: random.bytes(32),
    record: record.bytes,
  };
  return { entry, stateAfter: after, issuedAt };
}

type Link = Place & Pick<Statement, 'state' | 'input_root' | 'issued_at'>;

function statementOf(
  bundle: LoadedBundle,
  link: Link,
  input: Recorded,
  output: Output,
  after: State,
): Statement {
  if (input.kind === 'intent' && output.kind === 'decision') {
    const { principal, action } = input;
    return {
      type: 'permission-certificate',
      ...link,
      certificate_id: input.certificate_id,
      principal: { id: principal.id, roles: principal.roles, org: principal.org },
      action: { kind: action.kind, target: action.target, args_digest: output.args_digest },
      bundle: referenceTo(bundle),
      overlay: after.environment.overlay as Digest | null,
      policy_hash: bundle.ir.hashes.policy,
      automata_hash: bundle.ir.hashes.automata,
      labeler_hash: bundle.ir.hashes.labeler,
      epoch: after.epoch,
      ...certified(output),
      labels: { session: output.label },
      approval: output.ticket,
      break_glass: null,
      ...(output.forwarded_digest !== undefined && { forwarded_digest: output.forwarded_digest }),
      ...(output.secrets_used !== undefined && { secrets_used: output.secrets_used }),
    };
  }
  if (input.kind === 'outcome' && output.kind === 'settled') {
    return {
      type: 'outcome-certificate',
      ...link,
      certificate_id: input.certificate_id,
      outcome: input.outcome,
      result_digest: output.result_digest,
      label: output.result_label,
      labels: { session: output.label },
      ...(output.hidden !== undefined && { hidden: output.hidden }),
      ...(output.exposed !== undefined && { exposed: output.exposed }),
    };
  }
  return {
    type: 'session-record',
    ...link,
    kind: input.kind as SessionRecord['kind'],
    bundle: referenceTo(bundle),
    epoch: after.epoch,
    mode: after.environment.enforcement_mode,
  };
}

function referenceTo(bundle: LoadedBundle): BundleReference {
  return { name: bundle.ir.name, version: bundle.ir.version, digest: bundle.digest };
}
