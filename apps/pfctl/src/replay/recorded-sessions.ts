import { CommandError, plural, visible } from '@provability-fabric/command-line';
import { EvidenceError, type LogReading } from '@provability-fabric/evidence';
import type { Crypto } from '@provability-fabric/kernel';
import { type Environment, underEnvironment } from '@provability-fabric/policy';
import { isRecordSession } from '@provability-fabric/statements';
import { playedSession } from '../story/played-recording.ts';
import { type RecordedEntry, recordedSession } from '../story/recorded-session.ts';
import { isWithin, type TimeRange } from '../times.ts';
import type { SessionSource } from './session-source.ts';

export interface RecordedSelection {
  readonly tenant?: string;
  readonly session?: string;
  /** Sessions with an action in it are taken whole: what an action gets follows from all that was done before. */
  readonly range: TimeRange;
  /** The bundle's: of others' sessions it could only say that they are not its own. */
  readonly tenants: readonly string[];
  /** null: as it was when they were recorded. */
  readonly environment: Environment | null;
}

/** So many are named in a remark. */
const MAX_NAMED = 5;

/** The sessions that a log has on record, by tenant and name. */
export function recordedSessions(
  log: LogReading,
  crypto: Crypto,
  selection: RecordedSelection,
): SessionSource {
  const wanted = [...log.heads()].filter(
    ({ tenant, session }) =>
      tenant === (selection.tenant ?? tenant) &&
      session === (selection.session ?? session) &&
      // Accesses to secrets and governed changes are facts: nothing was decided that could be decided anew.
      !isRecordSession(session),
  );
  if (wanted.length === 0 && (selection.session ?? selection.tenant) !== undefined) throw unknown(selection);
  const own = wanted.filter(({ tenant }) => selection.tenants.includes(tenant));
  own.sort((a, b) => order(a.tenant, b.tenant) || order(a.session, b.session));
  const erased: string[] = [];
  const elsewhere: string[] = [];
  return {
    nothing: () =>
      erased.length + elsewhere.length > 0
        ? undefined
        : 'expected an action on record in this selection, came none: nothing was decided',
    total: own.reduce((sum, { seq }) => sum + seq + 1, 0),
    async *sessions(onRead) {
      for (const { tenant, session } of own) {
        const entries = await entriesOf(log, crypto, tenant, session);
        if (entries === 'elsewhere') {
          elsewhere.push(`${session} of ${tenant}`);
          continue;
        }
        onRead(entries.length);
        if (!entries.some(({ statement }) => isAsked(statement, selection.range))) continue;
        if (entries.some(({ input }) => input.kind === 'erased')) {
          erased.push(`${session} of ${tenant}`);
          continue;
        }
        const played = playedSession(tenant, session, entries);
        yield selection.environment === null ? played : underEnvironment(played, selection.environment);
      }
    },
    remarks: () => [
      ...leftOut(wanted.length - own.length, 'of tenants that the bundle does not serve', []),
      ...leftOut(erased.length, 'whose records were erased', erased),
      ...leftOut(elsewhere.length, 'that are in the ledger alone', elsewhere),
    ],
  };
}

/** A mistyped name selects nothing, and of nothing nothing is refused. */
function unknown({ session, tenant }: RecordedSelection): CommandError {
  const named = session === undefined ? '' : `session \`${session.slice(0, 200)}\``;
  const whose = tenant === undefined ? '' : `tenant \`${tenant.slice(0, 200)}\``;
  const came = [named, whose].filter((one) => one !== '').join(' of ');
  return new CommandError(
    'INPUT_INVALID',
    `expected what is on record, came ${came}; pfctl certs list shows the sessions`,
  );
}

async function entriesOf(log: LogReading, crypto: Crypto, tenant: string, session: string) {
  const entries: RecordedEntry[] = [];
  try {
    for await (const entry of recordedSession(log, crypto, tenant, session)) entries.push(entry);
  } catch (error) {
    if (error instanceof EvidenceError && error.code === 'EVIDENCE_UNAVAILABLE') return 'elsewhere';
    throw error;
  }
  return entries;
}

function isAsked(statement: RecordedEntry['statement'], range: TimeRange): boolean {
  return statement.type === 'permission-certificate' && isWithin(range, statement.issued_at);
}

function leftOut(count: number, why: string, names: readonly string[]): readonly string[] {
  if (count === 0) return [];
  const more = names.length > MAX_NAMED ? ', …' : '';
  const named = names.length === 0 ? '' : `: ${names.slice(0, MAX_NAMED).map(visible).join(', ')}${more}`;
  return [`left out ${plural(count, 'session')} ${why}${named}`];
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
