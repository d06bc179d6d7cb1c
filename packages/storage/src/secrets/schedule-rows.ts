import type { RotationSchedule, RotationStore } from '@provability-fabric/secrets';
import type { Database } from '../database/database.ts';
import { type InTenant, READ_ONLY } from './in-tenant.ts';

type ScheduleRows = Pick<
  RotationStore,
  'putSchedule' | 'schedule' | 'schedules' | 'removeSchedule' | 'dueSchedules' | 'moveSchedule'
>;

const SELECT = `
  select tenant, name, timing, anchor_at as "anchorAt", grace_ms as "graceMs", rotator, options, jitter_ms as "jitterMs",
         windows, created_by as "createdBy", next_at as "nextAt", planned_at as "plannedAt"
  from pf.secret_schedules`;

/** $1 tenant, $2 name, $3 from, $4 to or null, $5 planned at. */
export const MOVE = `
  update pf.secret_schedules set next_at = $4, planned_at = $5
  where tenant = $1 and name = $2 and next_at = $3 returning 1`;

export function scheduleRows(database: Database, inTenant: InTenant): ScheduleRows {
  return {
    async putSchedule(schedule) {
      await inTenant(schedule.tenant, (tx) =>
        tx.query(
          `insert into pf.secret_schedules (tenant, name, timing, anchor_at, grace_ms, rotator, options, jitter_ms, windows,
             created_by, next_at, planned_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
           on conflict (tenant, name) do update
             set timing = excluded.timing, anchor_at = excluded.anchor_at, grace_ms = excluded.grace_ms,
                 rotator = excluded.rotator, options = excluded.options, jitter_ms = excluded.jitter_ms,
                 windows = excluded.windows, created_by = excluded.created_by, next_at = excluded.next_at,
                 planned_at = excluded.planned_at`,
          valuesOf(schedule),
        ),
      );
    },

    async schedule({ tenant, name }) {
      const text = `${SELECT} where tenant = $1 and name = $2`;
      const [row] = await inTenant(
        tenant,
        (tx) => tx.query<RotationSchedule>(text, [tenant, name]),
        READ_ONLY,
      );
      return row ?? null;
    },

    schedules: (tenant, limit, after) =>
      inTenant(
        tenant,
        (tx) =>
          tx.query<RotationSchedule>(`${SELECT} where tenant = $1 and name > $2 order by name limit $3`, [
            tenant,
            after ?? '',
            limit,
          ]),
        READ_ONLY,
      ),

    async removeSchedule({ tenant, name }) {
      const text = 'delete from pf.secret_schedules where tenant = $1 and name = $2 returning 1';
      return (await inTenant(tenant, (tx) => tx.query(text, [tenant, name]))).length > 0;
    },

    dueSchedules: (now, plannedAfter, limit) =>
      database.transaction(
        'pf_secrets',
        (tx) =>
          tx.query<RotationSchedule>(
            `${SELECT} where next_at is not null and (next_at <= $1 or planned_at > $2) order by next_at limit $3`,
            [now, plannedAfter, limit],
          ),
        { readOnly: true },
      ),

    async moveSchedule({ tenant, name }, { from, to, plannedAt }) {
      const values = [tenant, name, from, to, plannedAt];
      return (await inTenant(tenant, (tx) => tx.query(MOVE, values))).length > 0;
    },
  };
}

function valuesOf(schedule: RotationSchedule): readonly unknown[] {
  return [
    schedule.tenant,
    schedule.name,
    JSON.stringify(schedule.timing),
    schedule.anchorAt,
    schedule.graceMs,
    schedule.rotator,
    JSON.stringify(schedule.options),
    schedule.jitterMs,
    JSON.stringify(schedule.windows),
    schedule.createdBy,
    schedule.nextAt,
    schedule.plannedAt,
  ];
}
