import type { Database } from '../database/database.ts';
import { readAsAuditor } from './read-as-auditor.ts';

export interface LedgerState {
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
  readonly checkpoint: string;
  /** Of the rows that are there; null for none. */
  readonly lowest: number | null;
  readonly highest: number | null;
  readonly writers: readonly { readonly writer: string; readonly position: number }[];
  /** How many by each writer. */
  readonly superseded: Readonly<Record<string, number>>;
}

/** One statement, and so one moment, however much is appended meanwhile. */
const STATE = `
  select origin, size, root, checkpoint,
    (select min(log_index) from pf.statements) as lowest,
    (select max(log_index) from pf.statements) as highest,
    (select coalesce(json_agg(json_build_object('writer', writer, 'position', position) order by writer), '[]')
       from pf.writers) as writers,
    (select coalesce(json_object_agg(writer, count), '{}')
       from (select writer, count(*) from pf.superseded group by writer) as late) as superseded
  from pf.log_state`;

/** undefined for a database that no ledger was ever made in. */
export async function readLedgerState(database: Database): Promise<LedgerState | undefined> {
  return (await readAsAuditor<LedgerState>(database, STATE))[0];
}
