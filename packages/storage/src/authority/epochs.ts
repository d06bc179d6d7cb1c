import type { Database } from '../database/database.ts';
import { LedgerError } from '../errors.ts';
import { readCursor, writeCursor } from '../reader/cursor.ts';
import { requireName } from '../reader/name.ts';
import { type LedgerScope, readIn, requireLimit } from '../reader/scope.ts';
import { CHANGED, TIMEOUT_MS } from './change.ts';
import type { Page, Paging } from './page.ts';

export interface EpochRow {
  readonly tenant: string;
  readonly epoch: number;
  readonly raisedBy: string;
  /** ms since 1970. */
  readonly raisedAt: number;
}

interface Raise {
  readonly tenant: string;
  readonly epoch: number;
  readonly by: string;
  readonly at: number;
  /** The least that is in force anyway. */
  readonly floor: number;
}

export async function raiseEpoch(
  database: Database,
  { tenant, epoch, by, at, floor }: Raise,
): Promise<number> {
  requireName(tenant, 'a tenant');
  requireName(by, 'who raises the epoch');
  if (!Number.isSafeInteger(epoch)) throw new LedgerError('BAD_QUERY', 'expected a whole number as epoch');
  if (epoch <= floor) throw notRaised(epoch, floor);
  return database.transaction(
    'pf_writer',
    async (tx) => {
      const raised = await tx.query(
        `with next as (update pf.authority_state set change = change + 1 returning change)
         insert into pf.epochs as e (tenant, epoch, raised_by, raised_at, change)
         select $1, $2::bigint, $3, $4::bigint, change from next
         on conflict (tenant) do update set epoch = excluded.epoch, raised_by = excluded.raised_by,
           raised_at = excluded.raised_at, change = excluded.change
           where excluded.epoch > e.epoch
         returning epoch`,
        [tenant, epoch, by, at],
      );
      if (raised.length === 0) {
        const [row] = await tx.query<{ epoch: number }>('select epoch from pf.epochs where tenant = $1', [
          tenant,
        ]);
        throw notRaised(epoch, row?.epoch ?? floor);
      }
      await tx.query(CHANGED);
      return epoch;
    },
    { tenant, timeoutMs: TIMEOUT_MS },
  );
}

export async function listEpochs(
  database: Database,
  scope: LedgerScope,
  page: Paging,
): Promise<Page<EpochRow>> {
  const limit = requireLimit(page.limit);
  const query = ['epochs', scope.tenant];
  const [after] = page.cursor === undefined ? [''] : readCursor(page.cursor, query, ['text']);
  const rows = await readIn(
    database,
    scope,
    (tx) =>
      tx.query<EpochRow>(
        `select tenant, epoch, raised_by as "raisedBy", raised_at as "raisedAt" from pf.epochs
         where tenant > $1 order by tenant limit $2`,
        [after, limit],
      ),
    TIMEOUT_MS,
  );
  const last = rows.at(-1);
  return { rows, next: last && rows.length === limit ? writeCursor(query, [last.tenant]) : null };
}

function notRaised(came: number, inForce: number): LedgerError {
  return new LedgerError(
    'EPOCH_NOT_RAISED',
    `expected an epoch above the one in force, \`${inForce}\`, came \`${came}\`: an epoch only goes up`,
  );
}
