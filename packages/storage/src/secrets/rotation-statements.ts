import type { Rotation } from '@provability-fabric/secrets';

/** A row, by the names that its columns are read under. */
export type RotationRow = Rotation;

const COLUMNS = `
  r.id, r.tenant, r.name, r.rotator, r.options, r.cause, r.asked_by as "by", r.phase, r.attempts, r.due_at as "dueAt",
  r.grace_ms as "graceMs", r.previous_version as "previousVersion", r.version, r.error_code as "errorCode",
  r.started_at as "startedAt", r.promoted_at as "promotedAt", r.ended_at as "endedAt", r.changed_at as "changedAt"`;

export const SELECT_ROTATION = `select ${COLUMNS} from pf.secret_rotations r`;

/** Nothing comes back where the secret has one that has not ended. */
export const BEGIN = `
  insert into pf.secret_rotations (tenant, id, name, rotator, options, cause, asked_by, phase, attempts, due_at, grace_ms,
    previous_version, version, error_code, started_at, promoted_at, ended_at, changed_at)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
  on conflict do nothing returning id`;

/** $1 ms, $2 limit, then what the condition takes. Those that somebody else takes at this moment are passed over. */
const claimOf = (condition: string) => `
  with ranked as materialized (
    select tenant, id, row_number() over (partition by tenant order by is_free, due_at, id) as turn
    from (
      select *, held_until is null or held_until <= clock_timestamp() as is_free
      from pf.secret_rotations where phase not in ('done', 'failed')
    ) as open
    where not is_free or (${condition})
  ),
  free as (
    select o.tenant, o.id from pf.secret_rotations o join ranked using (tenant, id)
    where o.phase not in ('done', 'failed') and (o.held_until is null or o.held_until <= clock_timestamp())
    order by ranked.turn, o.due_at, o.id limit $2
    for update of o skip locked
  ),
  claimed as (
    update pf.secret_rotations r
    set fence = r.fence + 1, held_until = clock_timestamp() + $1::float8 * interval '1 ms'
    from free where r.tenant = free.tenant and r.id = free.id
    returning ${COLUMNS}, r.fence
  )
  select * from claimed order by "dueAt", id`;

/** $3 now, $4 changed after. */
export const CLAIM_DUE = claimOf('due_at <= $3 or changed_at > $4');

/** $3 id. */
export const CLAIM_ONE = claimOf('id = $3::uuid');

/** $1 tenant, $2 id, $3 fence, $4 columns as JSON, those that change, $5 ms. */
export const ADVANCE = `
  with change as (select $4::jsonb as c)
  update pf.secret_rotations r
  set phase = coalesce(c ->> 'phase', r.phase),
      attempts = coalesce((c ->> 'attempts')::int, r.attempts),
      due_at = coalesce((c ->> 'due_at')::bigint, r.due_at),
      previous_version = case when c ? 'previous_version' then (c ->> 'previous_version')::bigint
                              else r.previous_version end,
      version = case when c ? 'version' then (c ->> 'version')::bigint else r.version end,
      error_code = case when c ? 'error_code' then c ->> 'error_code' else r.error_code end,
      promoted_at = case when c ? 'promoted_at' then (c ->> 'promoted_at')::bigint else r.promoted_at end,
      ended_at = case when c ? 'ended_at' then (c ->> 'ended_at')::bigint else r.ended_at end,
      changed_at = (c ->> 'changed_at')::bigint,
      held_until = case when $5::float8 > 0 and coalesce(c ->> 'phase', r.phase) not in ('done', 'failed')
                        then clock_timestamp() + $5::float8 * interval '1 ms' end
  from change
  where r.tenant = $1 and r.id = $2::uuid and r.fence = $3
  returning r.phase in ('done', 'failed') as ended`;

/** $1 tenant. */
export const FORGET_ENDED = `
  delete from pf.secret_rotations r
  where r.tenant = $1 and r.id in (
    select e.id from pf.secret_rotations e where e.tenant = $1 and e.phase in ('done', 'failed')
    order by e.started_at desc, e.id desc offset 1000)`;
