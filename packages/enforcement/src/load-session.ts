import type { Digest } from '@provability-fabric/kernel';
import {
  type IntentInput,
  initialState,
  type LoadedBundle,
  parseInstant,
  type RecordedInput,
  refoldInput,
  type State,
  stateDigest,
} from '@provability-fabric/policy';
import type { PermissionCertificate } from '@provability-fabric/statements';
import { pastAnswer } from './find-past.ts';
import { outcomeKey, PastRequests, RECENT } from './past-requests.ts';
import type { SessionHead, StoredStatement } from './ports.ts';
import { corrupt, inputIn, type ReadingTools, recordedIn } from './recorded-statements.ts';

export interface LoadedSession {
  readonly state: State;
  readonly seq: number;
  readonly digest: Digest | null;
  readonly past: PastRequests;
  /** Where the journal has the last statement; -1 where only the ledger has it. */
  readonly lastIndex: number;
  /** Last bundle that is on record for this session; differs from the one in force after a deployment. */
  readonly bundle: Digest | null;
  /** The state that the last certificate names. */
  readonly certified: Digest;
  /** `issued_at` of the last statement, in ms. */
  readonly issuedAt: number;
}

/**
 * Brings a session back from its recorded inputs (CONTRACTS §4): one chain without a gap up to `head`, whose inputs lead to
 * the state that the last certificate names.
 */
export async function loadSession(
  tools: ReadingTools & { readonly bundle: LoadedBundle },
  statements: AsyncIterable<StoredStatement>,
  head: SessionHead,
): Promise<LoadedSession> {
  const { crypto, bundle } = tools;
  const past = new PastRequests();
  const recent = new Map<string, readonly [PermissionCertificate, IntentInput, number]>();
  // `refold` and not `step` alone: an earlier bundle may have allowed what this one, in force since, would not.
  let state = initialState(bundle);
  let known: Digest | null = null;
  let certified: Digest | null = null;
  let previous: Digest | null = null;
  let lastIndex = -1;
  let seq = -1;
  let issuedAt = 0;
  for await (const stored of statements) {
    if (seq === head.seq) break; // the ledger may have grown since its head was asked for
    const { statement, digest } = recordedIn(tools, head.session, stored);
    if (statement.seq !== seq + 1 || statement.previous !== previous)
      throw corrupt(head.session, `seq ${statement.seq} does not continue seq ${seq}`);
    if (statement.tenant !== head.tenant || statement.session !== head.session)
      throw corrupt(head.session, `seq ${statement.seq} belongs to another session`);
    seq = statement.seq;
    previous = digest;
    lastIndex = stored.index;
    certified = statement.state.after;
    issuedAt = parseInstant(statement.issued_at) ?? issuedAt;
    if (statement.type !== 'outcome-certificate') known = statement.bundle.digest;
    const input = inputIn(crypto, statement, stored);
    if (input === undefined) continue;
    const recorded: RecordedInput =
      statement.type === 'permission-certificate'
        ? { input, effect: statement.effect, ticket: statement.approval }
        : { input };
    state = refoldInput(bundle, state, recorded);
    if (statement.type === 'permission-certificate' && input.kind === 'intent') {
      past.noted(statement.certificate_id);
      recent.set(statement.certificate_id, [statement, input, stored.index]);
      const [oldest] = recent.keys();
      if (recent.size > RECENT && oldest !== undefined) recent.delete(oldest);
    } else if (statement.type === 'outcome-certificate')
      past.settled(statement.certificate_id, outcomeKey(statement.outcome, statement.result_digest));
  }
  if (certified === null || seq !== head.seq || previous !== head.digest)
    throw corrupt(head.session, `its statements end at seq ${seq}, expected ${head.seq} and its digest`);
  if (known === bundle.digest && stateDigest(bundle, state) !== certified)
    throw corrupt(
      head.session,
      'its recorded inputs do not lead to the state that its last certificate names',
    );
  for (const [certificate, [statement, input, index]] of recent)
    past.answered(certificate, pastAnswer(crypto, statement, input, index));
  return { state, seq, digest: previous, past, lastIndex, bundle: known, certified, issuedAt };
}
