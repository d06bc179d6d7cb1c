import { plural } from '@provability-fabric/command-line';
import { nodeCrypto, readCheckpoint } from '@provability-fabric/evidence';
import { equalBytes, hex } from '@provability-fabric/kernel';
import {
  type Database,
  type LedgerState,
  type LedgerSummary,
  readLedgerState,
  readLedgerSummary,
} from '@provability-fabric/storage';
import type { LedgerKeys } from './ledger-keys.ts';

export interface StatusFinding {
  /** Whether evidence is damaged or at risk, rather than merely worth a look. */
  readonly grave: boolean;
  readonly message: string;
}

export interface LedgerStatus {
  /** null: no fabric has made a ledger in this database yet. */
  readonly state: LedgerState | null;
  readonly summary: LedgerSummary;
  readonly superseded: number;
  readonly findings: readonly StatusFinding[];
}

/** `keys`: undefined where none are at hand. */
export async function ledgerStatus(database: Database, keys: LedgerKeys | undefined): Promise<LedgerStatus> {
  const state = (await readLedgerState(database)) ?? null;
  const summary = await readLedgerSummary(database);
  const superseded = Object.values(state?.superseded ?? {}).reduce((sum, count) => sum + count, 0);
  const findings: StatusFinding[] = [];
  const say = (grave: boolean, message: string) => findings.push({ grave, message });
  for (const problem of database.health()) say(true, problem);
  if (state !== null) {
    for (const problem of problemsOf(state, keys)) say(true, problem);
    if (keys === undefined)
      say(false, 'no verifier key of a ledger is at hand: the checkpoint was not checked');
  }
  if (summary.unsafe)
    say(true, 'fsync or full_page_writes is off: a power failure can lose what was answered');
  if (summary.standby) say(true, 'the database is a standby: nothing is added');
  else if (summary.readOnly) say(true, 'default_transaction_read_only is on: nothing is added');
  if (superseded > 0)
    say(
      false,
      `${plural(superseded, 'statement')} came from a fabric that had lost the session; nobody was answered`,
    );
  if (summary.waiting > 0)
    say(
      false,
      `${plural(summary.waiting, 'session')} of a fabric that has gone; start it again, or pfctl ledger declare-lost`,
    );
  return { state, summary, superseded, findings };
}

function problemsOf(state: LedgerState, keys: LedgerKeys | undefined): readonly string[] {
  const { size, root, lowest, highest } = state;
  const problems: string[] = [];
  const there = (highest ?? -1) + 1;
  if (there !== size || (lowest ?? 0) !== 0)
    problems.push(`the log has ${size} entries, the statements that are there end at ${there}`);
  if (keys === undefined) return problems;
  if (state.origin !== keys.origin)
    problems.push(`the ledger calls itself ${state.origin}, the keys are of ${keys.origin}`);
  const signed = readCheckpoint(nodeCrypto(), state.checkpoint, keys.origin, keys.verifiers);
  if (signed === undefined)
    problems.push(`the checkpoint is none of ${keys.origin} that one of its keys signed`);
  else if (signed.size !== size || !equalBytes(signed.root, root))
    problems.push(`the checkpoint is not over the ${size} entries with the root ${hex(root)}`);
  return problems;
}
