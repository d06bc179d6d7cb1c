import type { RotationStore } from '@provability-fabric/secrets';
import type { Database } from '../database/database.ts';
import { LedgerError } from '../errors.ts';
import { dependantRows } from './dependant-rows.ts';
import { inTenantOf, READ_ONLY } from './in-tenant.ts';
import {
  ADVANCE,
  BEGIN,
  CLAIM_DUE,
  CLAIM_ONE,
  FORGET_ENDED,
  type RotationRow,
  SELECT_ROTATION,
} from './rotation-statements.ts';
import { MOVE, scheduleRows } from './schedule-rows.ts';

export interface RotationStoreOptions {
  readonly database: Database;
}

/** Ends a transaction that is to leave nothing. */
class TakenBack extends Error {}

const MAX_LISTED = 1_000;
/** What comes out of a path of a URL may be anything. */
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The state of rotations, for all replicas on one database. */
export function openRotationStore({ database }: RotationStoreOptions): RotationStore {
  const inTenant = inTenantOf(database);

  return {
    ...scheduleRows(database, inTenant),
    ...dependantRows(inTenant),

    async begin(rotation, move) {
      try {
        return await inTenant(rotation.tenant, async (tx) => {
          if (move !== undefined) {
            const { from, to, plannedAt } = move;
            const moved = await tx.query(MOVE, [rotation.tenant, rotation.name, from, to, plannedAt]);
            if (moved.length === 0) return 'moved';
          }
          const begun = await tx.query(BEGIN, beginValues(rotation));
          if (begun.length === 0) throw new TakenBack();
          return 'begun';
        });
      } catch (error) {
        if (error instanceof TakenBack) return 'under-way';
        throw error;
      }
    },

    async claim({ now, changedAfter, leaseMs, limit, id }) {
      if (id !== undefined && !UUID.test(id)) return [];
      const text = id === undefined ? CLAIM_DUE : CLAIM_ONE;
      const values = [leaseMs, limit, ...(id === undefined ? [now, changedAfter] : [id])];
      const rows = await database.transaction('pf_secrets', (tx) =>
        tx.query<RotationRow & { readonly fence: number }>(text, values),
      );
      return rows.map(({ fence, ...rotation }) => ({ rotation, fence }));
    },

    async advance(tenant, id, fence, change, leaseMs) {
      if (!UUID.test(id)) return false;
      const values = [tenant, id, fence, JSON.stringify(columnsOf(change)), leaseMs];
      return inTenant(tenant, async (tx) => {
        const written = await tx.query<{ ended: boolean }>(ADVANCE, values);
        if (written[0]?.ended === true) await tx.query(FORGET_ENDED, [tenant]);
        return written.length > 0;
      });
    },

    async rotation(tenant, id) {
      if (!UUID.test(id)) return null;
      const text = `${SELECT_ROTATION} where tenant = $1 and id = $2::uuid`;
      const [row] = await inTenant(tenant, (tx) => tx.query<RotationRow>(text, [tenant, id]), READ_ONLY);
      return row ?? null;
    },

    rotations(tenant, { name, open, limit }) {
      if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LISTED) {
        throw new LedgerError('BAD_QUERY', `expected a limit of 1 to ${MAX_LISTED}, came \`${limit}\``);
      }
      const text = `
        ${SELECT_ROTATION}
        where tenant = $1 and ($2::text is null or name = $2) and (not $3 or phase not in ('done', 'failed'))
        order by started_at desc, id desc limit $4`;
      const values = [tenant, name ?? null, open === true, limit];
      return inTenant(tenant, (tx) => tx.query<RotationRow>(text, values), READ_ONLY);
    },

    async countOpen() {
      const [row] = await database.transaction(
        'pf_secrets',
        (tx) =>
          tx.query<{ n: number }>(
            `select count(*) as n from pf.secret_rotations where phase not in ('done', 'failed')`,
          ),
        { readOnly: true },
      );
      return row?.n ?? 0;
    },
  };
}

function beginValues(rotation: RotationRow): readonly unknown[] {
  const { options, ...rest } = rotation;
  return [
    rest.tenant,
    rest.id,
    rest.name,
    rest.rotator,
    JSON.stringify(options),
    rest.cause,
    rest.by,
    rest.phase,
    rest.attempts,
    rest.dueAt,
    rest.graceMs,
    rest.previousVersion,
    rest.version,
    rest.errorCode,
    rest.startedAt,
    rest.promotedAt,
    rest.endedAt,
    rest.changedAt,
  ];
}

/** By column; what the change does not name is not in it, and null is a value. */
function columnsOf(change: Parameters<RotationStore['advance']>[3]): Readonly<Record<string, unknown>> {
  return {
    phase: change.phase,
    attempts: change.attempts,
    due_at: change.dueAt,
    previous_version: change.previousVersion,
    version: change.version,
    error_code: change.errorCode,
    promoted_at: change.promotedAt,
    ended_at: change.endedAt,
    changed_at: change.changedAt,
  };
}
