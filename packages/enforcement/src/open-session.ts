import type { Input } from '@provability-fabric/policy';
import type { LedgerGate } from './ledger-gate.ts';
import { loadSession } from './load-session.ts';
import type { Clock, Journal, Leases, SessionArchive, SessionHead } from './ports.ts';
import { corrupt, type ReadingTools } from './recorded-statements.ts';
import { Session, type SessionTools } from './session.ts';
import { asEvidence, takeLease } from './take-lease.ts';

export interface OpeningTools extends SessionTools, ReadingTools {
  readonly clock: Clock;
  readonly gate: LedgerGate;
  /** Absent where nobody else can have the session: this process alone owns the data folder, and nothing is shared. */
  readonly leases?: Leases;
  readonly archive?: SessionArchive;
  /** The fence that what is committed from now on is decided under. */
  readonly fenced: (tenant: string, session: string, fence: number) => void;
}

/**
 * Brings a session into memory: as its only owner, from where it really ends, under the bundle in force, with what an
 * earlier process left open marked as ambiguous. `goesOn`: this process itself had it until now, under another bundle, and
 * what is open is under way.
 */
export async function openSession(
  tools: OpeningTools,
  tenant: string,
  id: string,
  goesOn: boolean,
): Promise<Session> {
  const { leases, observer } = tools;
  const fence = leases && (await takeLease({ leases, observer }, tenant, id));
  const head = await asEvidence(observer, tenant, id, () => beginning(tools, tenant, id));
  const held = () => leases?.holds(tenant, id) ?? true;
  // Only now: until here, what is on its way into the ledger was decided under an earlier fence.
  if (fence !== undefined) tools.fenced(tenant, id, fence);
  if (head === undefined) return new Session(tools, tenant, id, { held });
  const loaded = await loadSession(tools, tools.journal.readSession(tenant, id), head);
  const session = new Session(tools, tenant, id, { held, loaded });
  const at = tools.clock.now();
  if (loaded.bundle !== tools.bundle.digest) await session.adoptBundle(at, loaded.certified);
  if (goesOn) return session;
  const unknown = [...session.state.pending.keys()].map(
    (certificate_id): Input => ({
      kind: 'outcome',
      at,
      certificate_id,
      outcome: 'ambiguous',
      result: null,
    }),
  );
  if (unknown.length > 0) await session.submit(unknown);
  return session;
}

/**
 * Where the session ends. Without leases the journal knows. With them the ledger does, once it has all that the journal has:
 * what another fabric decided in between is there, and what it left out of the chain was never answered.
 */
async function beginning(tools: OpeningTools, tenant: string, id: string): Promise<SessionHead | undefined> {
  const { journal, archive, gate } = tools;
  const ours = journal.head(tenant, id);
  if (archive === undefined || tools.leases === undefined) return ours;
  let theirs = await archive.find(tenant, id);
  if (ours !== undefined && (theirs?.seq ?? -1) < ours.seq) {
    await gate.reached(await lastIndexOf(journal, ours));
    theirs = await archive.find(tenant, id);
  }
  if (theirs?.seq === ours?.seq && theirs?.digest === ours?.digest) return ours;
  if (theirs === undefined) throw corrupt(id, 'the ledger has left out all of it');
  if (journal.continueFrom === undefined)
    throw corrupt(id, 'it ends elsewhere in the ledger, and the journal cannot go on from there');
  journal.continueFrom(theirs);
  return theirs;
}

async function lastIndexOf(journal: Journal, { tenant, session }: SessionHead): Promise<number> {
  let last = -1;
  for await (const { index } of journal.readSession(tenant, session)) last = index;
  return last;
}
