import type { JsonObject } from '@provability-fabric/kernel';
import { formatInstant } from '@provability-fabric/policy';
import type { MaintenanceWindow, Rotation, RotationSchedule } from '@provability-fabric/secrets';

/** Names, codes and times. What the rotator was told (addresses, lengths) is for those who set the schedule up. */
export function renderedRotation(rotation: Rotation): JsonObject {
  return {
    rotation_id: rotation.id,
    tenant: rotation.tenant,
    secret: rotation.name,
    rotator: rotation.rotator,
    cause: rotation.cause,
    by: rotation.by,
    phase: rotation.phase,
    attempts: rotation.attempts,
    due_at: formatInstant(rotation.dueAt),
    previous_version: rotation.previousVersion,
    version: rotation.version,
    error_code: rotation.errorCode,
    started_at: formatInstant(rotation.startedAt),
    promoted_at: instantOrNull(rotation.promotedAt),
    ended_at: instantOrNull(rotation.endedAt),
  };
}

export function renderedSchedule(schedule: RotationSchedule, warning: string | null): JsonObject {
  const { timing } = schedule;
  return {
    tenant: schedule.tenant,
    secret: schedule.name,
    ...(timing.kind === 'cron'
      ? { cron_schedule: timing.expression }
      : { every_days: timing.everyDays, at: timing.at }),
    time_zone: timing.timeZone,
    grace_period_hours: schedule.graceMs / 3_600_000,
    jitter_minutes: schedule.jitterMs / 60_000,
    windows: schedule.windows.map(renderedWindow),
    rotator: schedule.rotator,
    options: { ...schedule.options },
    created_by: schedule.createdBy,
    next_at: instantOrNull(schedule.nextAt),
    warning,
  };
}

function renderedWindow({ days, from, to, timeZone }: MaintenanceWindow): JsonObject {
  return { days: days === undefined ? null : [...days], from, to, time_zone: timeZone };
}

function instantOrNull(at: number | null): string | null {
  return at === null ? null : formatInstant(at);
}
