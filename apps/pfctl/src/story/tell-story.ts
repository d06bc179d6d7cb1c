import { CommandError } from '@provability-fabric/command-line';
import { type BundleArchive, EvidenceError } from '@provability-fabric/evidence';
import {
  type Crypto,
  type Digest,
  equalLabels,
  type JsonValue,
  type Label,
  label,
} from '@provability-fabric/kernel';
import {
  type IntentExplanation,
  type LoadedBundle,
  loadBundle,
  PolicyError,
  parseCompiledBundle,
  whyNot,
} from '@provability-fabric/policy';
import type { PermissionCertificate } from '@provability-fabric/statements';
import { Derivation } from './derivation.ts';
import { playedSession } from './played-recording.ts';
import type { RecordedEntry } from './recorded-session.ts';
import type { ActionLine, Explained, Said, Story, StoryLine } from './story.ts';

const START: Label = label('public', [], 'trusted');

/** The story of a session up to one of its actions, derived anew from the records as far as they are there. */
export async function tellStory(
  crypto: Crypto,
  archive: Pick<BundleArchive, 'read'>,
  entries: AsyncIterable<RecordedEntry>,
  wanted: PermissionCertificate,
): Promise<Story> {
  const { tenant, session, seq } = wanted;
  const bundles = new Bundles(crypto, archive);
  const derivation = new Derivation();
  const lines: StoryLine[] = [];
  const actions = new Map<string, ActionLine>();
  const taken: RecordedEntry[] = [];
  let told: Told | undefined;
  let sofar = START;
  for await (const entry of entries) {
    const { statement } = entry;
    const isTold = statement.seq <= seq || isOutcomeOf(statement, wanted);
    if (statement.type !== 'outcome-certificate') bundles.inForce = statement.bundle.digest;
    const bundle = await bundles.current();
    if (statement.seq === seq) told = begin(derivation, entry, bundle, [...taken, entry]);
    const raised = derivation.take(entry, bundle);
    if (statement.seq <= seq) taken.push(entry);
    const rose = statement.type === 'outcome-certificate' && !equalLabels(statement.labels.session, sofar);
    if (statement.type === 'outcome-certificate') sofar = statement.labels.session;
    if (!isTold) continue;
    if (statement.type === 'session-record')
      lines.push({ kind: 'record', record: statement, said: saidIn(entry, lines) });
    else if (statement.type === 'permission-certificate') {
      const line: ActionLine = {
        kind: 'action',
        certificate: statement,
        args: argsIn(entry),
        outcome: null,
        raised: null,
      };
      actions.set(statement.certificate_id, line);
      lines.push(line);
    } else {
      const line = actions.get(statement.certificate_id);
      if (line !== undefined) line.outcome = statement;
      if (line !== undefined && rose) line.raised = { to: sofar, by: raised };
    }
    if (isOutcomeOf(statement, wanted)) {
      if (told !== undefined) told.settled = derivation.state?.trace.states;
      break;
    }
    if (statement.seq === seq && statement.type === 'permission-certificate' && statement.effect !== 'allow')
      break;
  }
  const line = actions.get(wanted.certificate_id);
  if (line === undefined)
    throw new CommandError('CANNOT_CHECK', `expected \`${session}#${seq}\` in its session, came none`);
  return {
    tenant,
    session,
    lines,
    standing: derivation.standing,
    certificate: wanted,
    outcome: line.outcome,
    explanation: told === undefined ? null : explained(told, wanted, line),
  };
}

function argsIn({ input: taken }: RecordedEntry): JsonValue | undefined {
  return taken.kind === 'input' && taken.input.kind === 'intent' ? taken.input.action.args : undefined;
}

function saidIn({ input: taken }: RecordedEntry, lines: readonly StoryLine[]): Said | null {
  if (taken.kind !== 'input' || taken.input.kind !== 'approval') return null;
  const { approver, decision, ticket } = taken.input;
  const held = lines.find((line) => line.kind === 'action' && line.certificate.approval === ticket);
  const of =
    held?.kind === 'action' ? { seq: held.certificate.seq, target: held.certificate.action.target } : null;
  return { approver: approver.id, decision, ticket, of };
}

interface Told {
  readonly bundle: LoadedBundle;
  readonly explanation: IntentExplanation;
  readonly entries: readonly RecordedEntry[];
  settled: readonly number[] | undefined;
}

function begin(
  derivation: Derivation,
  entry: RecordedEntry,
  bundle: LoadedBundle | undefined,
  entries: readonly RecordedEntry[],
): Told | undefined {
  const explanation = derivation.explain(entry, bundle);
  if (explanation === undefined || bundle === undefined) return undefined;
  return { bundle, explanation, entries, settled: undefined };
}

function explained(
  { bundle, explanation, entries, settled }: Told,
  wanted: PermissionCertificate,
  line: ActionLine,
): Explained {
  const { tenant, session, seq, effect } = wanted;
  const before = wanted.labels.session;
  let answer = effect === 'allow' ? null : whyNot(bundle, playedSession(tenant, session, entries), seq);
  // A session that changed its bundle on the way: this one by itself may decide otherwise.
  if (answer?.decision.effect !== effect) answer = null;
  return {
    ...explanation,
    bundle,
    whyNot: answer,
    label: { before, after: line.raised?.to ?? before },
    settled,
  };
}

function isOutcomeOf(
  statement: RecordedEntry['statement'],
  { certificate_id: id }: PermissionCertificate,
): boolean {
  return statement.type === 'outcome-certificate' && statement.certificate_id === id;
}

/** The bundles that a session names; undefined for one that is not there, or that cannot be run. */
class Bundles {
  inForce: Digest | undefined;
  readonly #crypto: Crypto;
  readonly #archive: Pick<BundleArchive, 'read'>;
  readonly #loaded = new Map<Digest, LoadedBundle | undefined>();

  constructor(crypto: Crypto, archive: Pick<BundleArchive, 'read'>) {
    this.#crypto = crypto;
    this.#archive = archive;
  }

  async current(): Promise<LoadedBundle | undefined> {
    const digest = this.inForce;
    if (digest === undefined) return undefined;
    if (!this.#loaded.has(digest)) this.#loaded.set(digest, await this.#load(digest));
    return this.#loaded.get(digest);
  }

  async #load(digest: Digest): Promise<LoadedBundle | undefined> {
    try {
      return loadBundle(parseCompiledBundle(await this.#archive.read(digest)), this.#crypto);
    } catch (error) {
      if (error instanceof PolicyError) return undefined;
      if (error instanceof EvidenceError && error.code === 'BUNDLE_MISSING') return undefined;
      throw error;
    }
  }
}
